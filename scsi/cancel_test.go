package scsi

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/lunarsan/lunar/sbd"
)

// TestCancelled aborts a handler that works until it is told to stop: by each function that
// aborts, the function is answered when the handler is back, and the task has no result.
func TestCancelled(t *testing.T) {
	for _, c := range []struct {
		name     string
		do       func(d *disk, done func(Response))
		response Response
	}{
		{"ABORT TASK", func(d *disk, done func(Response)) { d.nexuses[0].Manage(AbortTask, 0, 1, done) }, FunctionComplete},
		{"LOGICAL UNIT RESET", func(d *disk, done func(Response)) { d.nexuses[0].Manage(LogicalUnitReset, 0, 0, done) }, FunctionComplete},
		{"the end of the nexus", func(d *disk, done func(Response)) { d.nexuses[0].Close(func() { done(FunctionComplete) }) }, FunctionComplete},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := newDisk(t, 512, nil)
				leave := make(chan struct{})
				table := commands
				table[opTestUnitReady].run = func(t *Task) error {
					if !t.mayBlock {
						return sbd.ErrWouldBlock
					}
					for !t.cancelled() {
						time.Sleep(time.Millisecond)
					}
					<-leave
					return errCancelled
				}
				d.nexuses[0].commands = &table
				var events []string
				task := &Task{Tag: 1, Done: func(*Task) { events = append(events, "task") }}
				d.nexuses[0].Prepare(task)
				if d.nexuses[0].Submit(task) {
					t.Fatal("the task did not wait")
				}
				synctest.Wait()
				c.do(d, func(r Response) {
					if r != c.response {
						t.Errorf("response %v", r)
					}
					events = append(events, "function")
				})
				time.Sleep(time.Second)
				if len(events) != 0 {
					t.Errorf("%v while the handler runs", events)
				}
				close(leave)
				synctest.Wait()
				if len(events) != 2 || events[0] != "task" {
					t.Errorf("%v, want the task, then the function", events)
				}
				if !task.Aborted() || len(task.Sense.Bytes()) != 0 {
					t.Errorf("aborted %t, sense %v", task.Aborted(), task.Sense.Sense())
				}
			})
		})
	}
}
