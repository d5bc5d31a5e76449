package sbd_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/lunarsan/lunar/sbd"
	"github.com/lunarsan/lunar/sbd/storetest"
)

// A plain store has no optional powers.
type plain struct{ sbd.Store }

func TestNothingBlocksThatMayNot(t *testing.T) {
	op := &sbd.Op{}
	t.Run("store without the powers", func(t *testing.T) {
		u := online(t, sbd.Config{WriteCache: true}, plain{sbd.NewMem(1 << 20)})
		for name, err := range calls(u, false) {
			if !errors.Is(err, sbd.ErrWouldBlock) {
				t.Errorf("%s: %v, want ErrWouldBlock", name, err)
			}
		}
	})
	t.Run("store with them", func(t *testing.T) {
		u := online(t, sbd.Config{WriteCache: true}, sbd.NewMem(1<<20))
		inline := map[string]bool{"ReadAt": true, "WriteAt": true}
		for name, err := range calls(u, false) {
			if inline[name] && err != nil || !inline[name] && !errors.Is(err, sbd.ErrWouldBlock) {
				t.Errorf("%s: %v", name, err)
			}
		}
		if err := u.WriteAt(op, []byte{1}, 0, true); !errors.Is(err, sbd.ErrWouldBlock) {
			t.Errorf("a durable write: %v, want ErrWouldBlock", err)
		}
		u.SetWriteCache(false)
		if err := u.WriteAt(op, []byte{1}, 0, false); !errors.Is(err, sbd.ErrWouldBlock) {
			t.Errorf("a write without a write cache: %v, want ErrWouldBlock", err)
		}
		if m := u.Metrics(); m.Errors != 0 || m.Syncs != 0 {
			t.Errorf("calls that would block are counted: %v", m)
		}
	})
	t.Run("beside an update", func(t *testing.T) {
		u := online(t, sbd.Config{WriteCache: true}, sbd.NewMem(1<<20))
		err := u.Update(&sbd.Op{MayBlock: true}, 0, 512, false, func(sbd.Exclusive) error {
			if err := u.ReadAt(op, make([]byte, 1), 511); !errors.Is(err, sbd.ErrWouldBlock) {
				t.Errorf("ReadAt inside the range: %v, want ErrWouldBlock", err)
			}
			return u.ReadAt(op, make([]byte, 1), 512)
		})
		if err != nil {
			t.Errorf("ReadAt beside the range: %v", err)
		}
	})
}

func TestDurability(t *testing.T) {
	f := sbd.NewFaulty(sbd.NewMem(1 << 20))
	u := online(t, sbd.Config{WriteCache: true, Thin: true}, f)
	op := &sbd.Op{MayBlock: true}
	update := func(wrote, durable bool) func() error {
		return func() error {
			return u.Update(op, 0, 512, durable, func(x sbd.Exclusive) error {
				if wrote {
					return x.WriteAt([]byte{1}, 0)
				}
				return x.ReadAt(make([]byte, 1), 0)
			})
		}
	}
	for _, c := range []struct {
		name  string
		cache bool
		call  func() error
		syncs int
	}{
		{"write", true, func() error { return u.WriteAt(op, []byte{1}, 0, false) }, 0},
		{"durable write", true, func() error { return u.WriteAt(op, []byte{1}, 0, true) }, 1},
		{"write without cache", false, func() error { return u.WriteAt(op, []byte{1}, 0, false) }, 1},
		{"sync", true, func() error { return u.Sync(op) }, 1},
		{"unmap", true, func() error { return u.Unmap(op, 0, 512, false) }, 0},
		{"unmap without cache", false, func() error { return u.Unmap(op, 0, 512, false) }, 1},
		{"durable zero", true, func() error { return u.Zero(op, 0, 512, true) }, 1},
		{"update that writes", true, update(true, false), 0},
		{"durable update that writes", true, update(true, true), 1},
		{"update that writes without cache", false, update(true, false), 1},
		{"durable update that only reads", true, update(false, true), 0},
		{"read without cache", false, func() error { return u.ReadAt(op, make([]byte, 1), 0) }, 0},
	} {
		u.SetWriteCache(c.cache)
		before := f.Calls(sbd.CallSync)
		if err := c.call(); err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
		if got := f.Calls(sbd.CallSync) - before; got != c.syncs {
			t.Errorf("%s: %d syncs of the store, want %d", c.name, got, c.syncs)
		}
	}
}

// Several goroutines add to the same counters: none may be lost, and no reader may see half
// an update.
func TestUpdateIsAtomic(t *testing.T) {
	storetest.Folders(t, func(t *testing.T, folder string) {
		path := folder + "/store"
		create(t, path, 1<<20, true)
		u := online(t, sbd.Config{WriteCache: true}, open(t, path))
		const workers, rounds, off = 4, 50, 4096 - 8
		var wg sync.WaitGroup
		for range workers {
			wg.Go(func() {
				op, p := &sbd.Op{MayBlock: true}, make([]byte, 16)
				for range rounds {
					err := u.Update(op, off, 16, false, func(x sbd.Exclusive) error {
						if err := x.ReadAt(p, off); err != nil {
							return err
						}
						n := binary.LittleEndian.Uint64(p) + 1
						binary.LittleEndian.PutUint64(p, n)
						binary.LittleEndian.PutUint64(p[8:], n)
						if err := x.WriteAt(p[:8], off); err != nil {
							return err
						}
						return x.WriteAt(p[8:], off+8)
					})
					if err == nil {
						err = u.ReadAt(op, p, off)
					}
					if err != nil {
						t.Error(err)
					}
					if !bytes.Equal(p[:8], p[8:]) {
						t.Errorf("half an update is seen: %x", p)
					}
				}
			})
		}
		wg.Wait()
		p := make([]byte, 8)
		if err := u.ReadAt(&sbd.Op{MayBlock: true}, p, off); err != nil {
			t.Fatal(err)
		}
		if n := binary.LittleEndian.Uint64(p); n != workers*rounds {
			t.Errorf("counted %d, want %d", n, workers*rounds)
		}
	})
}

func TestUpdateKeepsToItsRange(t *testing.T) {
	u := online(t, sbd.Config{WriteCache: true}, sbd.NewMem(1<<20))
	op := &sbd.Op{MayBlock: true}
	err := u.Update(op, 512, 512, false, func(x sbd.Exclusive) error {
		for _, c := range []struct{ off, n int64 }{{511, 1}, {1024, 1}, {512, 513}, {1025, 0}, {-1, 1}, {1 << 62, 1}} {
			p := make([]byte, c.n)
			if err := x.ReadAt(p, c.off); !errors.Is(err, sbd.ErrOutOfRange) {
				t.Errorf("ReadAt of %d at %d: %v", c.n, c.off, err)
			}
			if err := x.WriteAt(p, c.off); !errors.Is(err, sbd.ErrOutOfRange) {
				t.Errorf("WriteAt of %d at %d: %v", c.n, c.off, err)
			}
		}
		return x.WriteAt(make([]byte, 512), 512)
	})
	if err != nil {
		t.Error(err)
	}
}

func TestUpdateThatFails(t *testing.T) {
	u := online(t, sbd.Config{}, sbd.NewMem(1<<20))
	op := &sbd.Op{MayBlock: true}
	if err := u.Update(op, 0, 512, true, func(sbd.Exclusive) error { return sbd.ErrMismatch }); err != sbd.ErrMismatch {
		t.Errorf("Update = %v, want what f returned", err)
	}
	if m := u.Metrics(); m.Errors != 0 || m.Updates != 0 {
		t.Errorf("a mismatch counts as %v", m)
	}
	func() {
		defer func() { recover() }()
		u.Update(op, 0, 512, true, func(sbd.Exclusive) error { panic("in f") })
	}()
	if err := u.Update(&sbd.Op{MayBlock: true}, 0, 512, false, func(sbd.Exclusive) error { return nil }); err != nil {
		t.Errorf("after a panic in f: %v", err)
	}
}

// A broken store panics instead of answering.
type broken struct{ sbd.Store }

func (broken) ReadAt([]byte, int64) (int, error)  { panic("in ReadAt") }
func (broken) WriteAt([]byte, int64) (int, error) { panic("in WriteAt") }

func TestAPanicInTheStoreLeavesNoLock(t *testing.T) {
	u := online(t, sbd.Config{WriteCache: true}, broken{sbd.NewMem(1 << 20)})
	op := &sbd.Op{MayBlock: true}
	for _, call := range []func() error{
		func() error { return u.ReadAt(op, make([]byte, 512), 0) },
		func() error { return u.WriteAt(op, make([]byte, 512), 0, false) },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Error("the store did not panic")
				}
			}()
			call()
		}()
	}
	if err := u.Detach(errors.New("it is broken")); err != nil {
		t.Errorf("Detach afterwards: %v", err)
	}
}

// A store that hangs on one range holds up nothing else.
func TestAHangingCallHoldsUpOnlyItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release, held := make(chan struct{}), false
		f := sbd.NewFaulty(sbd.NewMem(1<<20), sbd.Rule{Calls: sbd.CallWrite, Times: 1, Hold: release, Held: func() { held = true }})
		u := online(t, sbd.Config{WriteCache: true}, f)
		done := false
		go func() {
			if err := u.WriteAt(&sbd.Op{MayBlock: true}, make([]byte, 512), 0, false); err != nil {
				t.Error(err)
			}
			done = true
		}()
		synctest.Wait()
		if !held || done {
			t.Fatalf("held %t, done %t", held, done)
		}
		op := &sbd.Op{MayBlock: true}
		if err := u.WriteAt(op, make([]byte, 512), 0, true); err != nil {
			t.Errorf("a write of the same range: %v", err)
		}
		if err := u.Update(op, 512, 512, false, func(sbd.Exclusive) error { return nil }); err != nil {
			t.Errorf("an update beside it: %v", err)
		}
		close(release)
		synctest.Wait()
		if !done {
			t.Error("the write did not end")
		}
	})
}

// Errors of the store reach the caller as they are, and are counted.
func TestErrorsOfTheStore(t *testing.T) {
	for _, want := range []error{sbd.ErrNoSpace, sbd.ErrGone, sbd.ErrMedium, sbd.ErrReadOnly} {
		all := sbd.CallRead | sbd.CallWrite | sbd.CallUnmap | sbd.CallZero | sbd.CallMapped | sbd.CallPrefetch
		f := sbd.NewFaulty(sbd.NewMem(1<<20), sbd.Rule{Calls: all, Err: want})
		u := online(t, sbd.Config{WriteCache: true, Thin: true}, f)
		got := calls(u, true)
		delete(got, "Update")
		delete(got, "Sync")
		for name, err := range got {
			if !errors.Is(err, want) {
				t.Errorf("%s: %v, want %v", name, err, want)
			}
		}
		if err := u.WriteAt(&sbd.Op{MayBlock: true}, make([]byte, 512), 0, true); !errors.Is(err, want) || f.Calls(sbd.CallSync) != 1 {
			t.Errorf("a durable write: %v, want %v and no sync", err, want)
		}
		if n := u.Metrics().Errors; n != uint64(len(got))+1 {
			t.Errorf("counted %d errors, want %d", n, len(got)+1)
		}
		if err := u.Err(); errors.Is(err, sbd.ErrOffline) || (err != nil) != (want == sbd.ErrGone) {
			t.Errorf("after %v the unit says %v of itself", want, err)
		}
	}
}
