package scsi

import (
	"testing"
	"testing/synctest"

	"github.com/lunarsan/lunar/sbd"
)

// here submits a write of one block, which blocks, by a port that may keep it.
func (d *disk) here(tag uint64, out []byte) (f *flight, e *Errand) {
	f = &flight{Task: &Task{CDB: cdb(opWrite10, 0, 3, 1), Tag: tag, Expected: int64(len(out)), Out: out, OutBorrowed: true}}
	f.Done = func(*Task) { f.returned.Store(true) }
	d.nexuses[0].Prepare(f.Task)
	done, e := d.nexuses[0].SubmitHere(f.Task)
	if done {
		f.returned.Store(true)
	}
	return f, e
}

func durable(c *sbd.Config) { c.WriteCache = false }

func TestAnErrandIsRunByItsPort(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDisk(t, 512, durable)
		want := d.data(1, 'e')
		f, e := d.here(1, want)
		if e == nil || f.back() {
			t.Fatalf("errand %v, back %t", e, f.back())
		}
		synctest.Wait()
		if f.back() || d.store.Calls(sbd.CallWrite) > 0 {
			t.Error("somebody else runs it")
		}
		clear(want) // the port takes its memory back
		e.Run()
		if !f.back() || f.Status != Good {
			t.Errorf("back %t with %v after Run", f.back(), f.Status)
		}
		f.Release()
		if got := d.run(cdb(opRead10, 0, 3, 1), nil).in; string(got) != string(d.data(1, 'e')) {
			t.Errorf("read %.8q…, want what the errand was given", got)
		}
	})
}

func TestAnErrandCanBeLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDisk(t, 512, durable)
		f, e := d.here(1, d.data(1, 'e'))
		e.Leave()
		synctest.Wait()
		if !f.back() || f.Status != Good {
			t.Errorf("back %t with %v after Leave", f.back(), f.Status)
		}
		f.Release()
	})
}

// Where workers are at it, one more command is theirs too, so that they share a sync.
func TestNoErrandBesideWorkers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDisk(t, 512, durable)
		release := make(chan struct{})
		d.store.Add(sbd.Rule{Calls: sbd.CallSync, Hold: release})
		w := d.submit(1, cdb(opWrite10, 0, 0, 1), d.data(1, 'w'))
		synctest.Wait()
		f, e := d.here(2, d.data(1, 'e'))
		if e != nil {
			t.Error("an errand beside a worker")
		}
		close(release)
		synctest.Wait()
		for _, f := range []*flight{w, f} {
			if !f.back() || f.Status != Good {
				t.Errorf("back %t with %v", f.back(), f.Status)
			}
			f.Release()
		}
	})
}

// What queues while an errand runs is not its port's to do.
func TestAnErrandIsOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDisk(t, 512, durable)
		d.lu.tasks.lanes[bulk].limit = 1
		f, e := d.here(1, d.data(1, 'e'))
		w := d.submit(2, cdb(opWrite10, 0, 0, 1), d.data(1, 'w'))
		release := make(chan struct{})
		d.store.Add(sbd.Rule{Calls: sbd.CallWriteAt, After: 1, Hold: release})
		e.Run()
		synctest.Wait()
		if !f.back() || w.back() {
			t.Errorf("back: errand %t, the other %t", f.back(), w.back())
		}
		close(release)
		synctest.Wait()
		if !w.back() || w.Status != Good {
			t.Errorf("the other: back %t with %v", w.back(), w.Status)
		}
		f.Release()
		w.Release()
	})
}

// An abort waits for an errand: it may touch the medium at any moment.
func TestAnErrandIsWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDisk(t, 512, durable)
		f, e := d.here(7, d.data(1, 'e'))
		answered := false
		d.nexuses[0].Manage(AbortTask, 0, 7, func(Response) { answered = true })
		synctest.Wait()
		if answered {
			t.Error("the abort is answered before the errand has run")
		}
		e.Run()
		synctest.Wait()
		if !answered || !f.back() {
			t.Errorf("answered %t, back %t", answered, f.back())
		}
		f.Release()
	})
}
