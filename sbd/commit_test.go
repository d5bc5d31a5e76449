package sbd_test

import (
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/lunarsan/lunar/sbd"
)

// One sync serves all who asked before it began, and none who asked later.
func TestCommitsAreGrouped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gates := [3]chan struct{}{make(chan struct{}), make(chan struct{}), make(chan struct{})}
		f := sbd.NewFaulty(sbd.NewMem(1 << 20))
		for _, gate := range gates {
			f.Add(sbd.Rule{Calls: sbd.CallSync, Times: 1, Hold: gate})
		}
		u := online(t, sbd.Config{WriteCache: true}, f)
		var done atomic.Int32
		ask := func() {
			go func() {
				op := sbd.Op{MayBlock: true}
				if err := u.WriteAt(&op, make([]byte, 512), 0, true); err != nil {
					t.Errorf("WriteAt: %v", err)
				}
				done.Add(1)
			}()
			synctest.Wait()
		}
		expect := func(syncs, finished int) {
			t.Helper()
			if got := f.Calls(sbd.CallSync); got != syncs || done.Load() != int32(finished) {
				t.Fatalf("%d syncs began and %d writes are done, want %d and %d", got, done.Load(), syncs, finished)
			}
		}
		ask()
		expect(1, 0)
		for range 5 {
			ask() // written after the first sync began
		}
		expect(1, 0)
		close(gates[0])
		synctest.Wait()
		expect(2, 1)
		ask()
		expect(2, 1)
		close(gates[1])
		synctest.Wait()
		expect(3, 6)
		close(gates[2])
		synctest.Wait()
		expect(3, 7)
		if m := u.Metrics(); m.Syncs != 7 || m.Commits != 3 {
			t.Errorf("counted %d syncs in %d commits, want 7 in 3", m.Syncs, m.Commits)
		}
	})
}

func TestAFailedSyncIsRemembered(t *testing.T) {
	lost := errors.New("write-back lost a page")
	for name, fail := range map[string]func(*sbd.Unit, *sbd.Op) error{
		"sync":          func(u *sbd.Unit, op *sbd.Op) error { return u.Sync(op) },
		"durable write": func(u *sbd.Unit, op *sbd.Op) error { return u.WriteAt(op, []byte{1}, 0, true) },
		"durable unmap": func(u *sbd.Unit, op *sbd.Op) error { return u.Unmap(op, 0, 512, true) },
		"update": func(u *sbd.Unit, op *sbd.Op) error {
			return u.Update(op, 0, 512, true, func(x sbd.Exclusive) error { return x.WriteAt([]byte{1}, 0) })
		},
	} {
		t.Run(name, func(t *testing.T) {
			f := sbd.NewFaulty(sbd.NewMem(1<<20), sbd.Rule{Calls: sbd.CallSync, Times: 1, Err: lost})
			u := online(t, sbd.Config{WriteCache: true, Thin: true}, f)
			op := &sbd.Op{MayBlock: true}
			if err := fail(u, op); !errors.Is(err, sbd.ErrSyncFailed) || !errors.Is(err, lost) {
				t.Fatalf("the failing call: %v", err)
			}
			// The store would sync again: it must not be asked.
			for what, err := range map[string]error{
				"Err":     u.Err(),
				"WriteAt": u.WriteAt(op, []byte{1}, 0, false),
				"Sync":    u.Sync(op),
				"Unmap":   u.Unmap(op, 0, 512, false),
				"Zero":    u.Zero(op, 0, 512, false),
				"Update": u.Update(op, 0, 512, false, func(x sbd.Exclusive) error {
					return x.WriteAt([]byte{1}, 0)
				}),
			} {
				if !errors.Is(err, sbd.ErrSyncFailed) || !errors.Is(err, lost) {
					t.Errorf("%s afterwards: %v, want ErrSyncFailed and its cause", what, err)
				}
			}
			if n := f.Calls(sbd.CallSync); n != 1 {
				t.Errorf("the store was asked to sync %d times", n)
			}
			if err := u.ReadAt(op, make([]byte, 512), 0); err != nil {
				t.Errorf("ReadAt afterwards: %v", err)
			}
			u.ClearFault()
			if err := u.Err(); err != nil {
				t.Errorf("Err after ClearFault: %v", err)
			}
			if err := u.WriteAt(op, []byte{1}, 0, true); err != nil {
				t.Errorf("WriteAt after ClearFault: %v", err)
			}
		})
	}
}

// A fault outlives the store that brought it: what was lost is lost.
func TestAFailedSyncSurvivesReattachment(t *testing.T) {
	f := sbd.NewFaulty(sbd.NewMem(1<<20), sbd.Rule{Calls: sbd.CallSync, Err: sbd.ErrMedium})
	u := online(t, sbd.Config{}, f)
	op := &sbd.Op{MayBlock: true}
	u.Sync(op)
	if err := u.Detach(errors.New("retired")); err != nil {
		t.Fatal(err)
	}
	if err := u.Attach(sbd.NewMem(1 << 20)); err != nil {
		t.Fatal(err)
	}
	if err := u.Err(); !errors.Is(err, sbd.ErrSyncFailed) {
		t.Errorf("Err() = %v on a new store, want ErrSyncFailed", err)
	}
}

// All who wait for the sync that fails are told.
func TestAFailedSyncReachesAllWhoWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gate := make(chan struct{})
		f := sbd.NewFaulty(sbd.NewMem(1<<20), sbd.Rule{Calls: sbd.CallSync, Hold: gate, Err: sbd.ErrMedium})
		u := online(t, sbd.Config{}, f)
		var failed atomic.Int32
		for range 4 {
			go func() {
				op := sbd.Op{MayBlock: true}
				if err := u.WriteAt(&op, make([]byte, 512), 0, false); errors.Is(err, sbd.ErrSyncFailed) {
					failed.Add(1)
				}
			}()
		}
		synctest.Wait()
		close(gate)
		synctest.Wait()
		if failed.Load() != 4 || f.Calls(sbd.CallSync) != 1 {
			t.Errorf("%d of 4 writers were told, after %d syncs", failed.Load(), f.Calls(sbd.CallSync))
		}
	})
}
