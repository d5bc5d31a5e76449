package sbd_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/lunarsan/lunar/sbd"
	"github.com/lunarsan/lunar/sbd/storetest"
)

const behind = 64 << 10

func shift(t *testing.T, s sbd.Store, offset int64) sbd.Store {
	t.Helper()
	s, err := sbd.Shift(s, offset)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// plainStore hides the powers of a store.
type plainStore struct{ sbd.Store }

// TestShifted holds shifted stores to the contract, whatever the store below can do.
func TestShifted(t *testing.T) {
	t.Run("memory", func(t *testing.T) {
		storetest.Run(t, func(t *testing.T) sbd.Store { return shift(t, sbd.NewMem(storetest.MinSize+behind), behind) })
	})
	t.Run("odd", func(t *testing.T) {
		storetest.Run(t, func(t *testing.T) sbd.Store { return shift(t, sbd.NewMem(storetest.MinSize+777), 777) })
	})
	t.Run("twice", func(t *testing.T) {
		storetest.Run(t, func(t *testing.T) sbd.Store {
			return shift(t, shift(t, sbd.NewMem(storetest.MinSize+behind+512), 512), behind)
		})
	})
	t.Run("file", func(t *testing.T) {
		storetest.Run(t, func(t *testing.T) sbd.Store { return shift(t, shiftedFile(t, storetest.MinSize+behind), behind) })
	})
}

// TestShiftedPlain does without the powers that a store lacks. The suite cannot: it takes Resize
// for a promise.
func TestShiftedPlain(t *testing.T) {
	s := shift(t, plainStore{sbd.NewMem(1 << 20)}, behind)
	want := bytes.Repeat([]byte{7}, 4096)
	if _, err := s.(sbd.TryWriter).TryWriteAt(want, 0); !errors.Is(err, sbd.ErrWouldBlock) {
		t.Errorf("TryWriteAt: %v", err)
	}
	if _, err := s.(sbd.TryReader).TryReadAt(want, 0); !errors.Is(err, sbd.ErrWouldBlock) {
		t.Errorf("TryReadAt: %v", err)
	}
	if _, err := s.WriteAt(want, 0); err != nil {
		t.Fatal(err)
	}
	if err := s.(sbd.Unmapper).Unmap(0, 512); err != nil {
		t.Errorf("Unmap: %v", err)
	}
	if has, n, err := s.(sbd.Mapper).Mapped(4096); err != nil || !has || n != s.Size()-4096 {
		t.Errorf("Mapped = %t, %d, %v", has, n, err)
	}
	if err := s.(sbd.Resizer).Resize(s.Size() + 1); !errors.Is(err, sbd.ErrOutOfRange) {
		t.Errorf("Resize beyond the store: %v", err)
	}
	got := make([]byte, 1024)
	if _, err := s.ReadAt(got, 0); err != nil || !bytes.Equal(got, append(make([]byte, 512), want[:512]...)) {
		t.Errorf("read %x (%v)", got, err)
	}
}

func shiftedFile(t *testing.T, size int64) sbd.Store {
	t.Helper()
	path := filepath.Join(t.TempDir(), "store")
	create(t, path, size, true)
	s, err := sbd.Open(path, sbd.OpenOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestShiftKeepsWhatIsBefore does everything at the front of a unit behind 64 KiB, and looks at
// the 64 KiB.
func TestShiftKeepsWhatIsBefore(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store")
	head := bytes.Repeat([]byte{0xc5}, behind)
	if err := os.WriteFile(path, append(bytes.Clone(head), make([]byte, 4<<20)...), 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := sbd.Open(path, sbd.OpenOptions{})
	if err != nil {
		t.Fatal(err)
	}
	u := sbd.NewUnit(sbd.Identity{GUID: sbd.NewGUID(), BlockSize: 512}, sbd.Config{Offset: behind, Thin: true})
	if err := u.Attach(s); err != nil {
		t.Fatal(err)
	}
	if u.Size() != 4<<20 {
		t.Errorf("Size() = %d", u.Size())
	}
	op := &sbd.Op{MayBlock: true}
	p := bytes.Repeat([]byte{1}, 128<<10)
	for name, do := range map[string]func() error{
		"write": func() error { return u.WriteAt(op, p, 0, true) },
		"unmap": func() error { return u.Unmap(op, 0, 1<<20, true) },
		"zero":  func() error { return u.Zero(op, 0, 1<<20, true) },
		"copy": func() error {
			return u.CopyFrom(sbd.Copy{From: u, FromOff: 1 << 20, N: 1 << 20, Buffers: [][]byte{make([]byte, sbd.CopyPiece)}})
		},
		"resize": func() error { return u.Resize(5 << 20) },
	} {
		if err := do(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if now, err := os.ReadFile(path); err != nil || !bytes.Equal(now[:behind], head) {
			t.Errorf("%s touched what is before the unit (%v)", name, err)
		}
	}
	if err := u.Detach(errors.New("done")); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(path); err != nil || info.Size() != 5<<20+behind {
		t.Errorf("the store has %d bytes (%v)", info.Size(), err)
	}
}

// TestShiftedCopies copies between files of which either, or both, are shifted.
func TestShiftedCopies(t *testing.T) {
	want := bytes.Repeat([]byte("moon"), 64<<10)
	moved := make(map[[2]int64]uint64)
	for _, by := range [][2]int64{{0, 0}, {behind, 0}, {0, behind}, {behind, 4096}} {
		t.Run(fmt.Sprint(by), func(t *testing.T) {
			from := sbd.NewUnit(sbd.Identity{GUID: sbd.NewGUID(), BlockSize: 512}, sbd.Config{Offset: by[0], Thin: true})
			into := sbd.NewUnit(sbd.Identity{GUID: sbd.NewGUID(), BlockSize: 512}, sbd.Config{Offset: by[1], Thin: true})
			for _, u := range []*sbd.Unit{from, into} {
				if err := u.Attach(shiftedFile(t, 2<<20)); err != nil {
					t.Fatal(err)
				}
				defer u.Detach(errors.New("done"))
			}
			op := &sbd.Op{MayBlock: true}
			if err := from.WriteAt(op, want, 8192, false); err != nil {
				t.Fatal(err)
			}
			c := sbd.Copy{From: from, FromOff: 8192, Off: 4096, N: int64(len(want)), Buffers: [][]byte{make([]byte, sbd.CopyPiece)}}
			if err := into.CopyFrom(c); err != nil {
				t.Fatal(err)
			}
			got := make([]byte, len(want))
			if err := into.ReadAt(op, got, 4096); err != nil || !bytes.Equal(got, want) {
				t.Errorf("the copy is something else (%v)", err)
			}
			if moved[by] = into.Metrics().CopyMovedBytes; moved[by] != moved[[2]int64{}] {
				t.Errorf("%d bytes went through the buffer, and %d where no store is shifted", moved[by], moved[[2]int64{}])
			}
		})
	}
}

func TestShiftRefuses(t *testing.T) {
	for _, offset := range []int64{-1, 1 << 20, 1<<20 + 1} {
		if _, err := sbd.Shift(sbd.NewMem(1<<20), offset); !errors.Is(err, sbd.ErrOutOfRange) {
			t.Errorf("Shift by %d of 1 MiB: %v", offset, err)
		}
	}
	if err := shift(t, sbd.NewMem(1<<20), behind).(sbd.Resizer).Resize(math.MaxInt64); !errors.Is(err, sbd.ErrOutOfRange) {
		t.Errorf("Resize to all there is: %v", err)
	}
	u := sbd.NewUnit(sbd.Identity{GUID: sbd.NewGUID(), BlockSize: 512}, sbd.Config{Offset: behind, Size: 1 << 20})
	if err := u.Attach(sbd.NewMem(1 << 20)); !errors.Is(err, sbd.ErrOutOfRange) {
		t.Errorf("1 MiB behind 64 KiB in 1 MiB: %v", err)
	}
	if _, err := io.ReadAll(io.NewSectionReader(shift(t, sbd.NewMem(1<<20), behind), 0, 1<<20-behind)); err != nil {
		t.Error(err)
	}
}

// TestShiftedAdvice passes on what holds at shifted offsets too.
func TestShiftedAdvice(t *testing.T) {
	for _, c := range []struct {
		offset int64
		want   sbd.Advice
	}{
		{64 << 10, sbd.Advice{Granularity: 4096, Optimal: 64 << 10, Rotational: true}},
		{4096, sbd.Advice{Granularity: 4096, Rotational: true}},
		{512, sbd.Advice{Rotational: true}},
	} {
		s := shift(t, advised{sbd.NewMem(1 << 20)}, c.offset)
		if got := s.(sbd.Advisor).Advice(); got != c.want {
			t.Errorf("behind %d: %+v, want %+v", c.offset, got, c.want)
		}
	}
}

type advised struct{ sbd.Store }

func (advised) Advice() sbd.Advice {
	return sbd.Advice{Granularity: 4096, Optimal: 64 << 10, Rotational: true}
}
