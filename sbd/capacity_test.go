package sbd_test

import (
	"errors"
	"testing"

	"github.com/lunarsan/lunar/sbd"
)

// TestFull: what would take more space is refused while the unit is full, in every way to write;
// what has its space is written, and what gives space back too.
func TestFull(t *testing.T) {
	u := online(t, sbd.Config{WriteCache: true, Thin: true}, sbd.NewMem(16<<20))
	fill(t, u, 'x', 1<<20, 1<<20)
	source := online(t, sbd.Config{WriteCache: true}, sbd.NewMem(1<<20))
	fill(t, source, 's', 0, 4096)
	u.SetFull(true)
	op, p := &sbd.Op{MayBlock: true}, make([]byte, 4096)
	writes := map[string]func(off int64) error{
		"WriteAt": func(off int64) error { return u.WriteAt(op, p, off, false) },
		"Update": func(off int64) error {
			return u.Update(op, off, 4096, false, func(x sbd.Exclusive) error { return x.WriteAt(p, off) })
		},
		"Zero": func(off int64) error { return u.Zero(op, off, 4096, false) },
		"Fill": func(off int64) error { return u.Fill(op, p, off, 4096, false) },
		"CopyFrom": func(off int64) error {
			return u.CopyFrom(sbd.Copy{From: source, Off: off, N: 4096, Buffers: [][]byte{make([]byte, sbd.CopyPiece)}})
		},
	}
	for name, write := range writes {
		for off, want := range map[int64]error{
			0: sbd.ErrNoSpace, 1<<20 - 2048: sbd.ErrNoSpace, 1 << 20: nil, 2<<20 - 4096: nil, 2<<20 - 2048: sbd.ErrNoSpace,
		} {
			if err := write(off); !errors.Is(err, want) || (err == nil) != (want == nil) {
				t.Errorf("%s at %d: %v, want %v", name, off, err, want)
			}
		}
	}
	if err := u.WriteAt(&sbd.Op{}, p, 1<<20, false); !errors.Is(err, sbd.ErrWouldBlock) {
		t.Errorf("a write that may not look whether it has space: %v", err)
	}
	if err := u.Unmap(op, 0, 16<<20, false); err != nil {
		t.Errorf("Unmap: %v", err)
	}
	u.SetFull(false)
	for name, write := range writes {
		if err := write(0); err != nil {
			t.Errorf("%s when there is space again: %v", name, err)
		}
	}
}

// TestSpaceUnknown: a store that cannot measure itself says so, and nothing is made up.
func TestSpaceUnknown(t *testing.T) {
	u := online(t, sbd.Config{}, sbd.NewMem(1<<20))
	if _, err := u.Measure(); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("Measure: %v", err)
	}
	if s, known := u.Space(); known {
		t.Errorf("Space() = %+v", s)
	}
	want := sbd.Space{Pool: "p", Used: 1, Size: 3, Free: 2}
	u.SetSpace(want)
	if s, known := u.Space(); !known || s != want {
		t.Errorf("Space() = %+v, %t", s, known)
	}
	if err := u.Detach(nil); err != nil {
		t.Fatal(err)
	}
	if _, err := u.Measure(); !errors.Is(err, sbd.ErrOffline) {
		t.Errorf("Measure offline: %v", err)
	}
}
