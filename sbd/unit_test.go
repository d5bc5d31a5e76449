package sbd_test

import (
	"errors"
	"math"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"github.com/lunarsan/lunar/sbd"
)

var disk = sbd.Identity{GUID: sbd.GUID{0: 0x60, 15: 7}, BlockSize: 512}

// online returns a unit on s that is taken offline when the test ends.
func online(t testing.TB, cfg sbd.Config, s sbd.Store) *sbd.Unit {
	t.Helper()
	u := sbd.NewUnit(disk, cfg)
	if err := u.Attach(s); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := u.Detach(errors.New("the test ended")); err != nil {
			t.Errorf("Detach: %v", err)
		}
	})
	return u
}

func TestAUnitStartsOffline(t *testing.T) {
	cfg := sbd.Config{Path: "/a", Size: 1 << 20, Alias: "b", WriteCache: true}
	u := sbd.NewUnit(disk, cfg)
	for range 2 {
		if err := u.Err(); !errors.Is(err, sbd.ErrOffline) || strings.Contains(err.Error(), "nil") {
			t.Errorf("Err() = %v, want ErrOffline", err)
		}
		if err := u.Detach(nil); err != nil {
			t.Errorf("Detach: %v", err)
		}
	}
	for name, err := range calls(u, true) {
		if !errors.Is(err, sbd.ErrOffline) {
			t.Errorf("%s: %v, want ErrOffline", name, err)
		}
	}
	if u.Advice() != (sbd.Advice{}) || u.Size() != 1<<20 || u.Identity() != disk {
		t.Error("an offline unit forgot what it is")
	}
	if diff := cmp.Diff(cfg, u.Config()); diff != "" {
		t.Error(diff)
	}
}

// calls makes every call that enters the store once and returns what each answered.
func calls(u *sbd.Unit, mayBlock bool) map[string]error {
	op, p := &sbd.Op{MayBlock: mayBlock}, make([]byte, 512)
	_, _, mapped := u.Mapped(op, 0)
	return map[string]error{
		"ReadAt":   u.ReadAt(op, p, 0),
		"WriteAt":  u.WriteAt(op, p, 0, false),
		"Update":   u.Update(op, 0, 512, false, func(sbd.Exclusive) error { return nil }),
		"Sync":     u.Sync(op),
		"Unmap":    u.Unmap(op, 0, 512, false),
		"Zero":     u.Zero(op, 0, 512, false),
		"Mapped":   mapped,
		"Prefetch": u.Prefetch(op, 0, 512),
	}
}

func TestSettings(t *testing.T) {
	u := online(t, sbd.Config{}, sbd.NewMem(1<<20))
	if !u.Durable() {
		t.Error("without a write cache writes are not durable")
	}
	u.SetWriteCache(true)
	u.SetAlias("other")
	if u.Durable() {
		t.Error("with a write cache writes are durable")
	}
	u.SetReadOnly(true)
	want := sbd.Config{Size: 1 << 20, Alias: "other", ReadOnly: true, WriteCache: true}
	if diff := cmp.Diff(want, u.Config()); diff != "" {
		t.Error(diff)
	}
	op := &sbd.Op{MayBlock: true}
	for name, err := range map[string]error{
		"WriteAt": u.WriteAt(op, []byte{1}, 0, false),
		"Unmap":   u.Unmap(op, 0, 512, false),
		"Zero":    u.Zero(op, 0, 512, false),
		"Update":  u.Update(op, 0, 1, false, func(x sbd.Exclusive) error { return x.WriteAt([]byte{1}, 0) }),
	} {
		if !errors.Is(err, sbd.ErrReadOnly) {
			t.Errorf("%s: %v, want ErrReadOnly", name, err)
		}
	}
	if err := u.ReadAt(op, make([]byte, 1), 0); err != nil {
		t.Errorf("ReadAt: %v", err)
	}
}

func TestAttachMeasures(t *testing.T) {
	small := sbd.NewUnit(disk, sbd.Config{Size: 1 << 20})
	err := small.Attach(sbd.NewMem(1<<20 - 1))
	if !errors.Is(err, sbd.ErrOutOfRange) || !strings.Contains(err.Error(), "1048575") || !strings.Contains(err.Error(), "1048576") {
		t.Errorf("a store that is too small: %v", err)
	}
	if !errors.Is(small.Err(), sbd.ErrOffline) {
		t.Error("the unit went online on it")
	}
	if u := online(t, sbd.Config{Size: 1 << 20}, sbd.NewMem(2<<20)); u.Size() != 1<<20 {
		t.Errorf("on a larger store Size() = %d", u.Size())
	}
	if u := online(t, sbd.Config{}, sbd.NewMem(1<<20+511)); u.Size() != 1<<20 {
		t.Errorf("on a whole store Size() = %d, want whole blocks", u.Size())
	}
}

func TestAttachNeedsABlock(t *testing.T) {
	u := sbd.NewUnit(disk, sbd.Config{})
	if err := u.Attach(sbd.NewMem(511)); !errors.Is(err, sbd.ErrOutOfRange) {
		t.Errorf("a store of 511 bytes: %v, want ErrOutOfRange", err)
	}
}

func TestAttachTwice(t *testing.T) {
	u := online(t, sbd.Config{}, sbd.NewMem(1<<20))
	if err := u.Attach(sbd.NewMem(1 << 20)); !errors.Is(err, sbd.ErrInUse) {
		t.Errorf("a second Attach: %v, want ErrInUse", err)
	}
}

// closing notes when it is closed, and whether it was closed twice.
type closing struct {
	sbd.Store
	closed int
}

func (c *closing) Close() error { c.closed++; return c.Store.Close() }

func TestDetachDrains(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		store := &closing{Store: sbd.NewFaulty(sbd.NewMem(1<<20), sbd.Rule{Calls: sbd.CallReadAt, Times: 1, Hold: release})}
		u := sbd.NewUnit(disk, sbd.Config{})
		if err := u.Attach(store); err != nil {
			t.Fatal(err)
		}
		var read, detach error
		var detached bool
		reason := errors.New("pulled")
		go func() { read = u.ReadAt(&sbd.Op{MayBlock: true}, make([]byte, 512), 0) }()
		synctest.Wait()
		go func() { detach, detached = u.Detach(reason), true }()
		synctest.Wait()
		if detached || store.closed != 0 {
			t.Fatal("the store was closed under a call")
		}
		// Nobody queues behind the one that hangs.
		for name, err := range calls(u, true) {
			if !errors.Is(err, sbd.ErrOffline) || !errors.Is(err, reason) {
				t.Errorf("%s: %v, want ErrOffline and the reason", name, err)
			}
		}
		close(release)
		synctest.Wait()
		if read != nil || detach != nil || !detached || store.closed != 1 {
			t.Errorf("read %v, Detach %v (%t), closed %d times", read, detach, detached, store.closed)
		}
		later := errors.New("and gone for good")
		if err := u.Detach(later); err != nil || store.closed != 1 || !errors.Is(u.Err(), later) {
			t.Errorf("a second Detach: %v, closed %d times, %v", err, store.closed, u.Err())
		}
		if err := u.Attach(sbd.NewMem(1 << 20)); err != nil || u.Err() != nil {
			t.Errorf("Attach after that: %v, %v", err, u.Err())
		}
	})
}

// A call that waits for a lock while the unit is taken offline does not enter the store.
func TestDetachReachesThoseWhoWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := sbd.NewFaulty(sbd.NewMem(1 << 20))
		u := sbd.NewUnit(disk, sbd.Config{})
		if err := u.Attach(f); err != nil {
			t.Fatal(err)
		}
		release := make(chan struct{})
		var waiter, detach error
		go u.Update(&sbd.Op{MayBlock: true}, 0, 512, false, func(sbd.Exclusive) error { <-release; return nil })
		synctest.Wait()
		go func() { waiter = u.ReadAt(&sbd.Op{MayBlock: true}, make([]byte, 512), 0) }()
		synctest.Wait()
		go func() { detach = u.Detach(errors.New("pulled")) }()
		synctest.Wait()
		close(release)
		synctest.Wait()
		if !errors.Is(waiter, sbd.ErrOffline) || f.Calls(sbd.CallRead) != 0 || detach != nil {
			t.Errorf("waiter: %v, %d reads of the store, Detach: %v", waiter, f.Calls(sbd.CallRead), detach)
		}
	})
}

func TestRangesAreChecked(t *testing.T) {
	const size = 1 << 20
	u := online(t, sbd.Config{WriteCache: true}, sbd.NewMem(size+4096))
	op := &sbd.Op{MayBlock: true}
	for _, c := range []struct{ off, n int64 }{
		{size + 4096, 1}, {size + 4095, 2}, {-1, 1}, {-1, 0}, {math.MaxInt64, 1}, {math.MaxInt64, math.MaxInt64},
		{math.MinInt64, 0}, {0, size + 4097}, {size + 4097, 0}, {0, -1}, {512, math.MinInt64}, {1, math.MaxInt64},
	} {
		got := map[string]error{
			"Update":   u.Update(op, c.off, c.n, false, func(sbd.Exclusive) error { return nil }),
			"Unmap":    u.Unmap(op, c.off, c.n, false),
			"Zero":     u.Zero(op, c.off, c.n, false),
			"Prefetch": u.Prefetch(op, c.off, c.n),
		}
		if c.n >= 0 && c.n <= 2*size {
			got["ReadAt"] = u.ReadAt(op, make([]byte, c.n), c.off)
			got["WriteAt"] = u.WriteAt(op, make([]byte, c.n), c.off, false)
		}
		for name, err := range got {
			if !errors.Is(err, sbd.ErrOutOfRange) {
				t.Errorf("%s of %d bytes at %d: %v, want ErrOutOfRange", name, c.n, c.off, err)
			}
		}
	}
	for name, err := range map[string]error{
		"at the end":  u.ReadAt(op, make([]byte, 512), size+4096-512),
		"of no bytes": u.ReadAt(op, nil, size+4096),
		"nor here":    u.WriteAt(op, nil, 0, true),
	} {
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestTroubles: Troubled is called once when a call finds that the store has gone, and Err says
// so until a sync finds it whole; once more when a sync fails.
func TestTroubles(t *testing.T) {
	f := sbd.NewFaulty(sbd.NewMem(1 << 20))
	u := sbd.NewUnit(disk, sbd.Config{WriteCache: true})
	told := 0
	u.Troubled = func() { told++ }
	if err := u.Attach(f); err != nil {
		t.Fatal(err)
	}
	op, p := &sbd.Op{MayBlock: true}, make([]byte, 512)
	expect := func(what string, want error, calls int) {
		t.Helper()
		if err := u.Err(); !errors.Is(err, want) || told != calls {
			t.Errorf("%s: Err() = %v, told %d times; want %v, %d", what, err, told, want, calls)
		}
	}
	f.Add(sbd.Rule{Calls: sbd.CallRead, Err: sbd.ErrMedium, Times: 1})
	f.Add(sbd.Rule{Calls: sbd.CallRead, Err: sbd.ErrGone, Times: 2})
	_ = u.ReadAt(op, p, 0)
	expect("after a medium error", nil, 0)
	_ = u.ReadAt(op, p, 0)
	_ = u.ReadAt(op, p, 0)
	expect("after the store has gone", sbd.ErrGone, 1)
	if err := u.ReadAt(op, p, 0); err != nil {
		t.Errorf("a call on a store that has gone does not try it: %v", err)
	}
	expect("after a call that succeeded", sbd.ErrGone, 1)
	if err := u.Sync(op); err != nil {
		t.Fatal(err)
	}
	expect("after a sync", nil, 1)
	f.Add(sbd.Rule{Calls: sbd.CallSync, Err: sbd.ErrMedium})
	_ = u.Sync(op)
	_ = u.Sync(op)
	expect("after a failed sync", sbd.ErrSyncFailed, 2)
	if err := u.Detach(nil); err != nil {
		t.Fatal(err)
	}
	_ = u.ReadAt(op, p, 0)
	expect("offline", sbd.ErrOffline, 2)
}
