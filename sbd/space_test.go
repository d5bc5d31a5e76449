package sbd_test

import (
	"bytes"
	"errors"
	"testing"
	"testing/synctest"

	"github.com/lunarsan/lunar/sbd"
)

// fill writes n bytes of c at off.
func fill(t *testing.T, u *sbd.Unit, c byte, off, n int64) {
	t.Helper()
	if err := u.WriteAt(&sbd.Op{MayBlock: true}, bytes.Repeat([]byte{c}, int(n)), off, false); err != nil {
		t.Fatal(err)
	}
}

// holds checks that n bytes at off are all c.
func holds(t *testing.T, u *sbd.Unit, c byte, off, n int64) {
	t.Helper()
	p := make([]byte, n)
	if err := u.ReadAt(&sbd.Op{MayBlock: true}, p, off); err != nil {
		t.Fatal(err)
	}
	if others := len(p) - bytes.Count(p, []byte{c}); others > 0 {
		t.Errorf("%d of the %d bytes from %d on are not %#x", others, n, off, c)
	}
}

func TestUnmapAndZero(t *testing.T) {
	for name, store := range map[string]func() sbd.Store{
		"store with the powers":    func() sbd.Store { return sbd.NewMem(40 << 20) },
		"store without them":       func() sbd.Store { return plain{sbd.NewMem(40 << 20)} },
		"faulty store, nothing on": func() sbd.Store { return sbd.NewFaulty(plain{sbd.NewMem(40 << 20)}) },
	} {
		for _, thin := range []bool{true, false} {
			t.Run(name, func(t *testing.T) {
				u := online(t, sbd.Config{WriteCache: true, Thin: thin}, store())
				op := &sbd.Op{MayBlock: true}
				const from, n = 1<<20 + 512, 34 << 20 // several pieces, neither end on a boundary
				for _, call := range []func(*sbd.Op, int64, int64, bool) error{u.Unmap, u.Zero} {
					fill(t, u, 'x', 0, 40<<20)
					if err := call(op, from, n, true); err != nil {
						t.Fatal(err)
					}
					holds(t, u, 'x', 0, from)
					holds(t, u, 0, from, n)
					holds(t, u, 'x', from+n, 40<<20-from-n)
				}
				if m := u.Metrics(); m.Unmaps != 1 || m.UnmapBytes != n || m.Zeros != 1 || m.ZeroBytes != n {
					t.Errorf("counted %v", m)
				}
			})
		}
	}
}

func TestUnmapGivesSpaceBackOnlyWhenThin(t *testing.T) {
	for _, thin := range []bool{true, false} {
		u := online(t, sbd.Config{WriteCache: true, Thin: thin}, sbd.NewMem(1<<20))
		op := &sbd.Op{MayBlock: true}
		fill(t, u, 'x', 0, 1<<20)
		if err := u.Unmap(op, 0, 512<<10, false); err != nil {
			t.Fatal(err)
		}
		mapped, n, err := u.Mapped(op, 0)
		if err != nil || mapped == thin || thin && n != 512<<10 {
			t.Errorf("thin %t: Mapped = %t, %d, %v", thin, mapped, n, err)
		}
	}
}

// The length that Mapped answers for ends with the unit, even where the store goes on.
func TestMappedEndsWithTheUnit(t *testing.T) {
	for _, s := range []sbd.Store{sbd.NewMem(2 << 20), plain{sbd.NewMem(2 << 20)}} {
		u := online(t, sbd.Config{Size: 1 << 20}, s)
		if _, n, err := u.Mapped(&sbd.Op{MayBlock: true}, 1000); err != nil || n != 1<<20-1000 {
			t.Errorf("Mapped = %d bytes, %v", n, err)
		}
		if _, _, err := u.Mapped(&sbd.Op{MayBlock: true}, 1<<20); !errors.Is(err, sbd.ErrOutOfRange) {
			t.Errorf("Mapped at the end: %v, want ErrOutOfRange", err)
		}
	}
}

// Between two pieces of a long Unmap others have their turn.
func TestALongUnmapLetsOthersIn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		f := sbd.NewFaulty(sbd.NewMem(64<<20), sbd.Rule{Calls: sbd.CallUnmap, After: 1, Times: 1, Hold: release})
		u := online(t, sbd.Config{WriteCache: true, Thin: true}, f)
		unmapped, updated := false, false
		go func() {
			if err := u.Unmap(&sbd.Op{MayBlock: true}, 0, 64<<20, false); err != nil {
				t.Error(err)
			}
			unmapped = true
		}()
		synctest.Wait() // in its second piece
		update := func(off int64) error {
			return u.Update(&sbd.Op{MayBlock: true}, off, 512, false, func(sbd.Exclusive) error { return nil })
		}
		if err := update(0); err != nil {
			t.Errorf("an update of the first piece: %v", err)
		}
		if err := update(60 << 20); err != nil {
			t.Errorf("an update of the last piece: %v", err)
		}
		go func() {
			if err := update(5 << 20); err != nil {
				t.Error(err)
			}
			updated = true
		}()
		synctest.Wait()
		if updated || unmapped {
			t.Error("an update overlaps the piece under way")
		}
		close(release)
		synctest.Wait()
		if !updated || !unmapped {
			t.Error("not everybody came through")
		}
	})
}

func TestResize(t *testing.T) {
	op := &sbd.Op{MayBlock: true}
	f := sbd.NewFaulty(sbd.NewMem(1 << 20))
	u := online(t, sbd.Config{WriteCache: true}, f)
	fill(t, u, 'x', 1<<20-512, 512)
	if err := u.Resize(2 << 20); err != nil {
		t.Fatal(err)
	}
	if u.Size() != 2<<20 || u.Config().Size != 2<<20 {
		t.Errorf("Size() = %d, Config().Size = %d", u.Size(), u.Config().Size)
	}
	if n := f.Calls(sbd.CallSync); n != 1 {
		t.Errorf("%d syncs of the store, want 1", n)
	}
	holds(t, u, 'x', 1<<20-512, 512)
	holds(t, u, 0, 1<<20, 1<<20)
	if err := u.Resize(1 << 20); err != nil {
		t.Fatal(err)
	}
	if err := u.ReadAt(op, make([]byte, 1), 1<<20); !errors.Is(err, sbd.ErrOutOfRange) {
		t.Errorf("ReadAt behind the new end: %v", err)
	}
	for _, size := range []int64{0, -1} {
		if err := u.Resize(size); !errors.Is(err, sbd.ErrOutOfRange) {
			t.Errorf("Resize(%d): %v", size, err)
		}
	}

	fixed := online(t, sbd.Config{Size: 1 << 20}, plain{sbd.NewMem(2 << 20)})
	if err := fixed.Resize(2 << 20); err != nil || fixed.Size() != 2<<20 {
		t.Errorf("Resize to what the store holds: %v, Size() = %d", err, fixed.Size())
	}
	if err := fixed.Resize(2<<20 + 1); !errors.Is(err, sbd.ErrOutOfRange) || fixed.Size() != 2<<20 {
		t.Errorf("Resize beyond the store: %v, Size() = %d", err, fixed.Size())
	}
	if err := sbd.NewUnit(disk, sbd.Config{}).Resize(1); !errors.Is(err, sbd.ErrOffline) {
		t.Errorf("Resize offline: %v", err)
	}
}
