package scsi

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/lunarsan/lunar/sbd"
)

// TestPanic wants a handler that panics to cost no more than its own command.
func TestPanic(t *testing.T) {
	for _, blocks := range []bool{false, true} {
		d := newDisk(t, 512, nil)
		var cause any
		var stack string
		d.lu.Panicked = func(c any, s []byte) { cause, stack = c, string(s) }
		table := commands
		table[0xC0] = command{name: "trap", usage: []byte{0xC0}, run: func(t *Task) error {
			if blocks && !t.mayBlock {
				return sbd.ErrWouldBlock
			}
			panic("trapped")
		}}
		d.nexuses[0].commands = &table
		d.want(d.run(CDB{0xC0}, nil), "04/44/00")
		if cause != "trapped" || !strings.Contains(stack, "TestPanic") {
			t.Errorf("on a worker %v: heard of %v, at\n%s", blocks, cause, stack)
		}
		d.want(d.run(CDB{}, nil), "GOOD")
	}
}

// TestEndlessBlock wants a handler that says it would block where it may to be cut short.
func TestEndlessBlock(t *testing.T) {
	d := newDisk(t, 512, nil)
	table := commands
	table[0xC0] = command{name: "mule", usage: []byte{0xC0}, run: func(t *Task) error { return sbd.ErrWouldBlock }}
	d.nexuses[0].commands = &table
	d.want(d.run(CDB{0xC0}, nil), "04/44/00")
}

// TestAttentionOnce wants a unit attention to be reported once although its command runs
// again on a worker.
func TestAttentionOnce(t *testing.T) {
	d := newDisk(t, 512, func(c *sbd.Config) { c.WriteCache = false })
	d.lu.CapacityChanged()
	c := cdb(opWrite10, 0, 0, 1)
	d.want(d.run(c, d.data(1, 1)), "06/2A/09")
	d.want(d.run(c, d.data(1, 1)), "GOOD")
}

// TestFail wants what a port finds wrong to look like what the device server does.
func TestFail(t *testing.T) {
	d := newDisk(t, 512, nil)
	task := &Task{CDB: cdb(opWrite10, 0, 0, 1), Expected: 512}
	n := d.nexuses[0]
	n.Prepare(task)
	n.Abandon(task)
	task.Fail(NotEnoughUnsolicitedData)
	if task.Status != CheckCondition || task.Sense.Bytes()[2] != 0x0B || task.Sense.Bytes()[13] != 0x0D {
		t.Errorf("status %v, sense %x", task.Status, task.Sense.Bytes())
	}
	task.Release()
	if n := len(task.Sense.Bytes()); n != 0 {
		t.Errorf("%d bytes of sense data survive Release", n)
	}
}

// TestLanes wants bulk work to be bounded, and COMPARE AND WRITE to pass what waits.
func TestLanes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPlay(t, 1<<20)
		for i := range 2 * bulkWorkers {
			p.deliver(p.prepare([]string{"a", fmt.Sprint(i), "read"}))
		}
		synctest.Wait()
		if n := len(p.store.running()); n != bulkWorkers {
			t.Errorf("%d reads are under way, want %d", n, bulkWorkers)
		}
		const compared = 1000
		p.deliver(p.prepare([]string{"b", fmt.Sprint(compared), "compare"}))
		synctest.Wait()
		if !slices.Contains(p.store.running(), compared) {
			t.Error("a comparison waits behind reads")
		}
		for inside := p.store.running(); len(inside) > 0; inside = p.store.running() {
			for _, block := range inside {
				p.store.finish(block)
			}
			synctest.Wait()
		}
		p.end()
	})
}

// TestLateAbort wants a function that comes while a worker hands a result over to be answered
// after the task's port has got it: a response must not follow the answer to ABORT TASK.
func TestLateAbort(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPlay(t, 1<<20)
		p.deliver(p.prepare([]string{"a", "1", "read"}))
		synctest.Wait()
		p.tasks[1].Done = func(*Task) {
			p.manage("a", "abort-task", 1)
			p.back(1)
		}
		p.store.finish(1)
		synctest.Wait()
		if want := []string{"1: GOOD, 512 bytes", "abort-task: no such task"}; !slices.Equal(p.events, want) {
			t.Errorf("events %q, want %q", p.events, want)
		}
		p.end()
	})
}

// TestAResetComesFirst wants a reset to be the first thing that a nexus hears: what was
// pending before is implied by it (SAM-5, unit attention condition).
func TestAResetComesFirst(t *testing.T) {
	d := newDisk(t, 512, nil)
	d.lu.CapacityChanged()
	d.nexuses[0].Manage(LogicalUnitReset, 0, 0, func(Response) {})
	for _, n := range d.nexuses {
		p := n.luns.Load().paths[0]
		if s := p.attention(); s != ResetOccurred {
			t.Errorf("the first unit attention is %v", s)
		}
		if s := p.attention(); s != NoSense {
			t.Errorf("the second is %v", s)
		}
	}
}

// TestAbortedData wants a read that ends with TASK ABORTED to send nothing: its buffer, which
// it got before it had to wait for a worker, holds what the last borrower left.
func TestAbortedData(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPlay(t, 1<<20)
		p.lu.modes.tas.Store(true)
		for i := range bulkWorkers {
			p.deliver(p.prepare([]string{"a", fmt.Sprint(i), "read"}))
		}
		p.deliver(p.prepare([]string{"b", "100", "read"}))
		synctest.Wait()
		late := p.tasks[100]
		var in []byte
		var inLen int64
		late.Done = func(t *Task) { in, inLen = t.In, t.InLen; p.back(100) }
		p.manage("a", "clear-task-set", 0)
		if want := []string{"100: TASK ABORTED"}; !slices.Equal(p.events, want) || in != nil || inLen != 0 {
			t.Errorf("%q, %d of %d bytes of data", p.events, len(in), inLen)
		}
		for _, block := range p.store.running() {
			p.store.finish(block)
		}
		synctest.Wait()
		p.end()
	})
}

func TestStoreErrors(t *testing.T) {
	for _, c := range []struct {
		err         error
		read, write Sense
	}{
		{sbd.ErrOffline, ManualInterventionRequired, ManualInterventionRequired},
		{sbd.ErrGone, ManualInterventionRequired, ManualInterventionRequired},
		{sbd.ErrSyncFailed, WriteError, WriteError},
		{sbd.ErrNoSpace, SpaceAllocationFailed, SpaceAllocationFailed},
		{sbd.ErrReadOnly, WriteProtected, WriteProtected},
		{sbd.ErrOutOfRange, LBAOutOfRange, LBAOutOfRange},
		{sbd.ErrMismatch, MiscompareDuringVerify, MiscompareDuringVerify},
		{sbd.ErrMedium, UnrecoveredReadError, WriteError},
		{sbd.ErrInUse, InternalTargetFailure, InternalTargetFailure},
		{sbd.ErrWouldBlock, InternalTargetFailure, InternalTargetFailure},
		{errors.New("of no known kind"), InternalTargetFailure, InternalTargetFailure},
		{InvalidOpcode, InvalidOpcode, InvalidOpcode},
		{InvalidFieldInCDB.At(3), InvalidFieldInCDB, InvalidFieldInCDB},
	} {
		wrapped := fmt.Errorf("somewhere: %w", c.err)
		for op, want := range map[Opcode]Sense{opRead10: c.read, opWrite10: c.write} {
			if got := (&Task{row: &commands[op]}).fault(wrapped).Sense; got != want {
				t.Errorf("%v in %v: %v, want %v", c.err, op, got, want)
			}
		}
	}
}
