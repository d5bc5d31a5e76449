package iscsi_test

import (
	"slices"
	"sync"
	"testing"

	"github.com/lunarsan/lunar/sbd"
	"github.com/lunarsan/lunar/scsi"
	"github.com/lunarsan/lunar/target/iscsi"
	"github.com/lunarsan/lunar/target/iscsi/initiator"
)

// manage performs a function and checks its result.
func manage(t *testing.T, c *initiator.Conn, f iscsi.TaskMgmtFunction, lun scsi.LUN, about *initiator.Command, want iscsi.TaskMgmtResult) {
	t.Helper()
	got, err := c.Manage(f, lun, about)
	if err != nil {
		t.Fatal(err)
	}
	if got != want {
		t.Errorf("%v is answered with %q, want %q", f, got, want)
	}
}

// TestTaskMgmtResults asks for every function where there is nothing to do.
func TestTaskMgmtResults(t *testing.T) {
	transports(t, setup{}, func(t *testing.T, r *rig) {
		c := r.login(initiator.Options{})
		absent := scsi.LUNOf(9)
		done := initiator.Command{CDB: read10(0, 1), In: make([]byte, 512)}
		if err := c.Do(&done); err != nil {
			t.Fatal(err)
		}
		manage(t, c, iscsi.AbortTask, lun0, &done, iscsi.TaskNotThere)
		manage(t, c, iscsi.AbortTask, lun0, &initiator.Command{ITT: 99, CmdSN: c.CmdSN + 50}, iscsi.TaskNotThere)
		manage(t, c, iscsi.AbortTaskSet, lun0, nil, iscsi.FunctionComplete)
		manage(t, c, iscsi.AbortTaskSet, absent, nil, iscsi.LUNNotThere)
		manage(t, c, iscsi.ClearTaskSet, lun0, nil, iscsi.FunctionComplete)
		manage(t, c, iscsi.ClearACA, lun0, nil, iscsi.FunctionNotSupported)
		manage(t, c, iscsi.LogicalUnitReset, lun0, nil, iscsi.FunctionComplete)
		manage(t, c, iscsi.LogicalUnitReset, absent, nil, iscsi.LUNNotThere)
		manage(t, c, iscsi.TargetWarmReset, lun0, nil, iscsi.FunctionComplete)
		manage(t, c, iscsi.TaskReassign, lun0, &done, iscsi.ReassignNotSupported)
		for f := iscsi.QueryTask; f <= iscsi.QueryAsyncEvent; f++ {
			manage(t, c, f, lun0, nil, iscsi.FunctionNotSupported)
		}
		manage(t, c, 99, lun0, nil, iscsi.FunctionNotSupported)

		// One that is not immediate takes its place among the commands.
		h := c.ManageHeader(iscsi.AbortTaskSet, lun0, nil)
		h[0] = byte(iscsi.OpTaskMgmt)
		before := c.CmdSN
		if p, err := c.Request(&h, nil); err != nil || p.TaskMgmtResponse().Result() != iscsi.FunctionComplete || c.ExpCmdSN != before+1 {
			t.Errorf("a function that is not immediate: %v, %v", &p.BHS, err)
		}
		r.logout(c)

		// ESXi takes "no such task" for madness when the task was there a moment ago.
		esx := r.login(initiator.Options{Name: "iqn.1998-01.com.vmware:esx-01234567"})
		if err := esx.Do(&done); err != nil {
			t.Fatal(err)
		}
		manage(t, esx, iscsi.AbortTask, lun0, &done, iscsi.FunctionComplete)
		manage(t, esx, iscsi.AbortTask, lun0, &initiator.Command{ITT: 99, CmdSN: esx.CmdSN + 50}, iscsi.TaskNotThere)
		r.logout(esx)
	})
}

// TestAbortWaiting aborts a write that waits for its Data-Out, and sends the data after all.
func TestAbortWaiting(t *testing.T) {
	for _, keys := range [][]string{
		{"InitialR2T=Yes", "ImmediateData=No"},
		{"InitialR2T=No", "ImmediateData=No"},
		{"InitialR2T=No", "ImmediateData=Yes", "FirstBurstLength=1024"},
	} {
		for _, f := range []iscsi.TaskMgmtFunction{iscsi.AbortTask, iscsi.AbortTaskSet, iscsi.ClearTaskSet, iscsi.LogicalUnitReset, iscsi.TargetWarmReset} {
			transports(t, setup{}, func(t *testing.T, r *rig) {
				c := r.login(initiator.Options{Keys: keys})
				data := pattern(8192, 1)
				w := initiator.Command{CDB: write10(0, 16), Out: data}
				c.Announce(&w)
				manage(t, c, f, lun0, &w, iscsi.FunctionComplete)
				if w.Done {
					t.Fatal("an aborted command was answered")
				}
				for _, ttt := range []uint32{iscsi.NoTag, 0, 1} {
					var d iscsi.BHS
					d.Start(iscsi.OpDataOut)
					d.SetITT(w.ITT)
					d.SetTTT(ttt)
					d.SetFinal(true)
					c.Send(&d, data)
				}
				c.Do(&initiator.Command{CDB: make([]byte, 6)}) // takes the unit attention of a reset
				readBack(t, c, 0, make([]byte, 8192))
				if len(c.Events) > 0 {
					t.Errorf("data of an aborted command is answered with %v", &c.Events[0].BHS)
				}
				r.logout(c)
			})
		}
	}
}

// TestAbortRunning aborts a write that the store has begun: the answer waits for the truth.
func TestAbortRunning(t *testing.T) {
	for _, f := range []iscsi.TaskMgmtFunction{iscsi.AbortTask, iscsi.AbortTaskSet, iscsi.LogicalUnitReset} {
		transports(t, setup{blocks: true, wce: true}, func(t *testing.T, r *rig) {
			hold, held := make(chan struct{}), make(chan struct{})
			r.store.Add(sbd.Rule{Calls: sbd.CallWriteAt, Times: 1, Hold: hold, Held: func() { close(held) }})
			c := r.login(initiator.Options{})
			data := pattern(4096, 1)
			w := initiator.Command{CDB: write10(0, 8), Out: data}
			c.Start(&w)
			c.Flush()
			<-held
			h := c.ManageHeader(f, lun0, &w)
			h.SetITT(c.NextTag())
			h.SetCmdSN(c.CmdSN)
			c.Send(&h, nil)
			if err := c.Ping(nil); err != nil { // goes past both
				t.Fatal(err)
			}
			if w.Done || slices.ContainsFunc(c.Events, func(p initiator.PDU) bool { return p.Opcode() == iscsi.OpTaskMgmtResp }) {
				t.Fatal("answered while the write could still reach the medium")
			}
			close(hold)
			p, err := c.Answer(h.ITT())
			if err != nil {
				t.Fatal(err)
			}
			want := iscsi.FunctionComplete
			if f == iscsi.AbortTask {
				want = iscsi.TaskNotThere // it was written, and that was answered first
			}
			if got := p.TaskMgmtResponse().Result(); got != want || !w.Done || w.Status != scsi.Good {
				t.Errorf("%v is answered with %q, the write was answered before: %v", f, got, w.Done)
			}
			c.Do(&initiator.Command{CDB: make([]byte, 6)})
			readBack(t, c, 0, data)
			r.logout(c)
		})
	}
}

// TestAbortOnAVanishedUnit aborts a write to a unit that the session no longer sees. The device
// server knows no such LUN, so it is the connection that keeps the answer behind the write's.
func TestAbortOnAVanishedUnit(t *testing.T) {
	transports(t, setup{blocks: true, wce: true}, func(t *testing.T, r *rig) {
		hold, held := make(chan struct{}), make(chan struct{})
		release := sync.OnceFunc(func() { close(hold) })
		defer release()
		r.store.Add(sbd.Rule{Calls: sbd.CallWriteAt, Times: 1, Hold: hold, Held: func() { close(held) }})
		c := r.login(initiator.Options{})
		w := initiator.Command{CDB: write10(0, 8), Out: pattern(4096, 1)}
		c.Start(&w)
		c.Flush()
		<-held
		r.device.RemoveUnit(r.lu)
		h := c.ManageHeader(iscsi.AbortTask, lun0, &w)
		h.SetITT(c.NextTag())
		h.SetCmdSN(c.CmdSN)
		c.Send(&h, nil)
		if err := c.Ping(nil); err != nil { // goes past both
			t.Fatal(err)
		}
		if w.Done || slices.ContainsFunc(c.Events, func(p initiator.PDU) bool { return p.Opcode() == iscsi.OpTaskMgmtResp }) {
			t.Fatal("answered while the write could still reach the medium")
		}
		release()
		p, err := c.Answer(h.ITT())
		if err != nil {
			t.Fatal(err)
		}
		if got := p.TaskMgmtResponse().Result(); got != iscsi.LUNNotThere || !w.Done || w.Status != scsi.Good {
			t.Errorf("the abort is answered with %q, the write was answered before: %v, with %v", got, w.Done, w.Status)
		}
		r.logout(c)
	})
}

// TestAbortQueued aborts commands that wait for a worker: they never run, nor are answered.
func TestAbortQueued(t *testing.T) {
	transports(t, setup{blocks: true, wce: true}, func(t *testing.T, r *rig) {
		hold := make(chan struct{})
		r.store.Add(sbd.Rule{Calls: sbd.CallReadAt, Hold: hold})
		c := r.login(initiator.Options{})
		// More than there are workers.
		var reads []*initiator.Command
		for range 100 {
			cmd := &initiator.Command{CDB: read10(0, 1), In: make([]byte, 512)}
			c.Start(cmd)
			reads = append(reads, cmd)
		}
		c.Ping(nil)
		last := reads[len(reads)-1]
		manage(t, c, iscsi.AbortTask, lun0, last, iscsi.FunctionComplete)
		close(hold)
		for _, cmd := range reads[:len(reads)-1] {
			if err := c.Wait(cmd); err != nil {
				t.Fatal(err)
			}
		}
		c.Ping(nil)
		if last.Done {
			t.Error("an aborted command was answered")
		}
		if c.MaxCmdSN-c.ExpCmdSN != 127 {
			t.Errorf("the window is %d wide", c.MaxCmdSN-c.ExpCmdSN+1)
		}
		r.logout(c)
	})
}

// TestAbortNotArrived aborts a command whose number was left out, and one that waits behind
// the gap: the gap is closed (RFC 7143 §11.6.1).
func TestAbortNotArrived(t *testing.T) {
	transports(t, setup{}, func(t *testing.T, r *rig) {
		c := r.login(initiator.Options{})
		missing := initiator.Command{ITT: 0x1234, CmdSN: c.CmdSN}
		c.CmdSN++
		waiting := initiator.Command{CDB: write10(0, 1), Out: pattern(512, 1)}
		c.Start(&waiting)
		alsoMissing := initiator.Command{ITT: 0x1235, CmdSN: c.CmdSN}
		c.CmdSN++
		later := initiator.Command{CDB: read10(0, 1), In: make([]byte, 512)}
		c.Start(&later)
		manage(t, c, iscsi.AbortTask, lun0, &waiting, iscsi.FunctionComplete)
		manage(t, c, iscsi.AbortTask, lun0, &alsoMissing, iscsi.FunctionComplete)
		if later.Done {
			t.Fatal("a command ran before one that was missing")
		}
		manage(t, c, iscsi.AbortTask, lun0, &missing, iscsi.FunctionComplete)
		if err := c.Wait(&later); err != nil {
			t.Fatal(err)
		}
		if err := later.Check(); err != nil || waiting.Done {
			t.Errorf("later: %v; the aborted one was answered: %v", err, waiting.Done)
		}
		if !slices.Equal(later.In, make([]byte, 512)) {
			t.Error("the aborted write was done")
		}
		// The missing ones come after all: duplicates now.
		for _, sn := range []iscsi.SN{missing.CmdSN, alsoMissing.CmdSN} {
			h, _ := c.Header(&initiator.Command{CDB: make([]byte, 6), ITT: 0x1234, CmdSN: sn})
			c.Send(&h, nil)
		}
		c.Ping(nil)
		if len(c.Events) > 0 {
			t.Errorf("answered: %v", &c.Events[0].BHS)
		}
		r.logout(c)
	})
}

// TestResetReachesOthers resets a unit under the commands of another session.
func TestResetReachesOthers(t *testing.T) {
	transports(t, setup{blocks: true, wce: true}, func(t *testing.T, r *rig) {
		a := r.login(initiator.Options{Keys: []string{"ImmediateData=No", "InitialR2T=Yes"}})
		b := r.login(initiator.Options{ISID: [6]byte{1}})

		// a has one write at the store and one that waits for data.
		hold, held := make(chan struct{}), make(chan struct{})
		r.store.Add(sbd.Rule{Calls: sbd.CallWriteAt, Times: 1, Hold: hold, Held: func() { close(held) }})
		running := initiator.Command{CDB: write10(0, 1), Out: pattern(512, 1)}
		a.Start(&running)
		for running.R2Ts == 0 {
			if err := a.Step(); err != nil {
				t.Fatal(err)
			}
		}
		a.Flush()
		<-held
		waiting := initiator.Command{CDB: write10(1, 1), Out: pattern(512, 1)}
		a.Announce(&waiting)
		r2t, err := a.Receive()
		if err != nil || r2t.Opcode() != iscsi.OpR2T {
			t.Fatalf("no R2T but %v, %v", &r2t.BHS, err)
		}

		reset := b.ManageHeader(iscsi.LogicalUnitReset, lun0, nil)
		reset.SetITT(b.NextTag())
		reset.SetCmdSN(b.CmdSN)
		b.Send(&reset, nil)
		b.Ping(nil)
		if len(b.Events) > 0 {
			t.Fatal("the reset was answered while a write could still reach the medium")
		}
		close(hold)
		if p, err := b.Answer(reset.ITT()); err != nil || p.TaskMgmtResponse().Result() != iscsi.FunctionComplete {
			t.Fatalf("reset: %v, %v", &p.BHS, err)
		}
		if err := a.Wait(&running); err != nil || running.Status != scsi.Good {
			t.Errorf("the write that was done ended with %v, %v", running.Status, err)
		}
		// The data for the other one comes too late, and it ends in silence.
		var d iscsi.BHS
		d.Start(iscsi.OpDataOut)
		d.SetITT(waiting.ITT)
		d.SetTTT(r2t.TTT())
		d.SetFinal(true)
		a.Send(&d, waiting.Out)
		attention := initiator.Command{CDB: make([]byte, 6)}
		a.Do(&attention)
		if attention.SenseCode() != scsi.ResetOccurred {
			t.Errorf("a hears of the reset by %v", attention.SenseCode())
		}
		if waiting.Done {
			t.Errorf("an aborted write was answered with %v", waiting.Status)
		}
		readBack(t, a, 1, make([]byte, 512))
		b.Do(&attention)
		r.logout(a)
		r.logout(b)
	})
}

// TestColdReset ends every session with the target.
func TestColdReset(t *testing.T) {
	transports(t, setup{}, func(t *testing.T, r *rig) {
		a := r.login(initiator.Options{})
		b := r.login(initiator.Options{ISID: [6]byte{1}})
		manage(t, a, iscsi.TargetColdReset, lun0, nil, iscsi.FunctionComplete)
		for _, c := range []*initiator.Conn{a, b} {
			var last initiator.PDU
			for {
				p, err := c.Receive()
				if err != nil {
					break
				}
				last = p
			}
			if last.Opcode() != iscsi.OpAsync || last.AsyncMessage().Event() != iscsi.AsyncDropSession {
				t.Errorf("the last word is %v", &last.BHS)
			}
		}
		r.logout(r.login(initiator.Options{}))
	})
}

// TestAbortOtherLUN names a task that waits for its Data-Out with the LUN of another unit: it
// is not the task that the initiator means, and lives.
func TestAbortOtherLUN(t *testing.T) {
	transports(t, setup{}, func(t *testing.T, r *rig) {
		c := r.login(initiator.Options{Keys: []string{"InitialR2T=Yes", "ImmediateData=No"}})
		w := initiator.Command{CDB: write10(0, 8), Out: pattern(4096, 1)}
		c.Announce(&w)
		p, err := c.Receive()
		if err != nil || p.Opcode() != iscsi.OpR2T {
			t.Fatalf("no R2T but %v, %v", &p.BHS, err)
		}
		w.R2Ts++
		manage(t, c, iscsi.AbortTask, scsi.LUNOf(9), &w, iscsi.TaskNotThere)
		if err := c.SendData(&w, p.TTT(), len(w.Out)); err != nil {
			t.Fatal(err)
		}
		if err := c.Wait(&w); err != nil || w.Check() != nil {
			t.Fatal(err, w.Check())
		}
		readBack(t, c, 0, w.Out)
		r.logout(c)
	})
}

// TestAbortSetLeavesLater ends a task set while commands wait behind a gap: those numbered
// before the request are affected, and those from its CmdSN on are not (RFC 7143 §4.2.3.3).
func TestAbortSetLeavesLater(t *testing.T) {
	transports(t, setup{}, func(t *testing.T, r *rig) {
		c := r.login(initiator.Options{})
		base := c.CmdSN
		before := initiator.Command{CDB: write10(0, 1), Out: pattern(512, 1)}
		after := initiator.Command{CDB: write10(1, 1), Out: pattern(512, 2)}
		c.CmdSN = base + 1
		c.Start(&before)
		c.Start(&after)
		c.CmdSN = base + 2
		manage(t, c, iscsi.AbortTaskSet, lun0, nil, iscsi.FunctionComplete)
		c.CmdSN = base
		if err := c.Do(&initiator.Command{CDB: make([]byte, 6)}); err != nil {
			t.Fatal(err)
		}
		if err := c.Wait(&after); err != nil || after.Check() != nil {
			t.Fatal(err, after.Check())
		}
		c.CmdSN = base + 3
		readBack(t, c, 0, make([]byte, 512))
		readBack(t, c, 1, after.Out)
		if before.Done || c.ExpCmdSN != c.CmdSN {
			t.Errorf("the earlier command was answered: %v; ExpCmdSN %d, CmdSN %d", before.Done, c.ExpCmdSN, c.CmdSN)
		}
		r.logout(c)
	})
}
