package sbd_test

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/lunarsan/lunar/sbd"
)

// another returns a unit with a GUID of its own, numbered n.
func another(t testing.TB, n byte, cfg sbd.Config, s sbd.Store) *sbd.Unit {
	t.Helper()
	id := disk
	id.GUID[14] = n
	u := sbd.NewUnit(id, cfg)
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

func buffers(n int) [][]byte {
	b := make([][]byte, n)
	for i := range b {
		b[i] = make([]byte, sbd.CopyPiece)
	}
	return b
}

func contents(t *testing.T, u *sbd.Unit) []byte {
	t.Helper()
	p := make([]byte, u.Size())
	if err := u.ReadAt(&sbd.Op{MayBlock: true}, p, 0); err != nil {
		t.Fatal(err)
	}
	return p
}

// noise is bytes with holes of zeros in them, none of which repeat.
func noise(n int, seed uint64) []byte {
	p := make([]byte, n)
	r := rand.New(rand.NewPCG(seed, 0))
	for i := 0; i+7 < n; i += 8 {
		if i/(192<<10)%3 == 1 {
			continue
		}
		v := r.Uint64()
		for k := range 8 {
			p[i+k] = byte(v >> (8 * k))
		}
	}
	return p
}

// TestCopy copies ranges of all kinds and compares everything with plain memory.
func TestCopy(t *testing.T) {
	const size = 8 << 20
	const piece = sbd.CopyPiece
	one, other := noise(size, 1), noise(size, 2)
	for i, c := range []struct {
		name         string
		from, off, n int64
	}{
		{"nothing", 512, 4096, 0},
		{"a block", 512, 4096, 512},
		{"aligned pieces", 0, 4 * piece, 3 * piece},
		{"pieces that are not aligned", 512, 4*piece + 1536, 3*piece + 512},
		{"up to the end", size - 3*piece, 0, 3 * piece},
		{"up", 0, 512, 3 * piece},
		{"up by more than a piece", 0, piece + 512, 3*piece + 1024},
		{"down", 512, 0, 3 * piece},
		{"down by more than a piece", piece + 512, 0, 3*piece + 1024},
		{"onto itself", 512, 512, 2 * piece},
		{"side by side", 0, 2 * piece, 2 * piece},
	} {
		for _, same := range []bool{true, false} {
			thin, workers := (i%2 == 0) == same, 1+3*(i%3/2)
			t.Run(fmt.Sprintf("%s, same %t, thin %t", c.name, same, thin), func(t *testing.T) {
				cfg := sbd.Config{WriteCache: true, Thin: thin}
				from := online(t, cfg, sbd.NewMem(size))
				into, want := from, bytes.Clone(one)
				fillFrom(t, from, one)
				if !same {
					into, want = another(t, 1, cfg, sbd.NewMem(size)), bytes.Clone(other)
					fillFrom(t, into, other)
				}
				copy(want[c.off:c.off+c.n], one[c.from:])
				var done atomic.Int64
				err := into.CopyFrom(sbd.Copy{From: from, FromOff: c.from, Off: c.off, N: c.n, Buffers: buffers(workers), Done: &done})
				if err != nil {
					t.Fatal(err)
				}
				if got := contents(t, into); !bytes.Equal(got, want) {
					i := 0
					for got[i] == want[i] {
						i++
					}
					t.Errorf("byte %d is %#x, want %#x", i, got[i], want[i])
				}
				if done.Load() != c.n {
					t.Errorf("%d bytes are done, want %d", done.Load(), c.n)
				}
				if m := into.Metrics(); m.Copies != 1 || m.CopyMovedBytes+m.CopyHoleBytes != uint64(c.n) {
					t.Errorf("%v", m)
				}
			})
		}
	}
}

// fillFrom writes p, and leaves holes where it is zeros.
func fillFrom(t *testing.T, u *sbd.Unit, p []byte) {
	t.Helper()
	const step = 64 << 10
	for off := 0; off < len(p); off += step {
		part := p[off:min(off+step, len(p))]
		if len(part) == bytes.Count(part, []byte{0}) {
			continue
		}
		if err := u.WriteAt(&sbd.Op{MayBlock: true}, part, int64(off), false); err != nil {
			t.Fatal(err)
		}
	}
}

// Holes stay holes in a unit that is thin, and become zeros that keep their space in another.
func TestCopyOfHoles(t *testing.T) {
	for _, thin := range []bool{true, false} {
		from := online(t, sbd.Config{WriteCache: true, Thin: true}, sbd.NewMem(4<<20))
		into := another(t, 1, sbd.Config{WriteCache: true, Thin: thin}, sbd.NewMem(4<<20))
		fill(t, from, 1, 0, 64<<10)
		fill(t, into, 2, 0, 4<<20)
		if err := into.CopyFrom(sbd.Copy{From: from, N: 4 << 20, Buffers: buffers(2)}); err != nil {
			t.Fatal(err)
		}
		holds(t, into, 1, 0, 64<<10)
		holds(t, into, 0, 64<<10, 4<<20-64<<10)
		has, n, err := into.Mapped(&sbd.Op{MayBlock: true}, 64<<10)
		if has == thin || n != 4<<20-64<<10 || err != nil {
			t.Errorf("thin %t: mapped %t for %d bytes (%v)", thin, has, n, err)
		}
	}
}

// TestCopiesCross lets copies meet head on, between two units and within one, with updates
// across them: all come to their end, and no piece is ever half of one copy.
func TestCopiesCross(t *testing.T) {
	const pieces = 8
	a := online(t, sbd.Config{WriteCache: true, Thin: true}, sbd.NewMem(pieces*sbd.CopyPiece))
	b := another(t, 1, sbd.Config{WriteCache: true, Thin: true}, sbd.NewMem(pieces*sbd.CopyPiece))
	for i := range int64(pieces) {
		fill(t, a, byte(i+1), i*sbd.CopyPiece, sbd.CopyPiece)
		fill(t, b, byte(i+101), i*sbd.CopyPiece, sbd.CopyPiece)
	}
	var all sync.WaitGroup
	for w := range 6 {
		all.Go(func() {
			r := rand.New(rand.NewPCG(uint64(w), 0))
			for range 10 {
				from, into := a, b
				switch r.IntN(3) {
				case 0:
					from, into = b, a
				case 1:
					from = b
				}
				n := 1 + r.Int64N(4)
				c := sbd.Copy{
					From: from, FromOff: r.Int64N(pieces-n+1) * sbd.CopyPiece,
					Off: r.Int64N(pieces-n+1) * sbd.CopyPiece, N: n * sbd.CopyPiece, Buffers: buffers(1 + w%2),
				}
				if err := into.CopyFrom(c); err != nil {
					t.Error(err)
				}
			}
		})
	}
	for _, u := range []*sbd.Unit{a, b} {
		all.Go(func() {
			for i := range 40 {
				off := int64(i%pieces) * sbd.CopyPiece
				err := u.Update(&sbd.Op{MayBlock: true}, off, sbd.CopyPiece, false, func(x sbd.Exclusive) error {
					p := make([]byte, sbd.CopyPiece)
					if err := x.ReadAt(p, off); err != nil {
						return err
					}
					if n := bytes.Count(p, p[:1]); n != len(p) {
						t.Errorf("a piece with %d bytes of %d and others", n, p[0])
					}
					return x.WriteAt(p, off)
				})
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
}

func TestCopyFails(t *testing.T) {
	boom := errors.New("boom")
	const size = 4 << 20
	for _, c := range []struct {
		name      string
		spoil     func(from, into *sbd.Unit, s, d *sbd.Faulty, c *sbd.Copy)
		is        error
		side      bool // it is a CopyError
		source    bool
		untouched bool
	}{
		{"the source cannot be read", func(_, _ *sbd.Unit, s, _ *sbd.Faulty, _ *sbd.Copy) {
			s.Add(sbd.Rule{Calls: sbd.CallReadAt, Off: 1 << 20, N: 1, Err: sbd.ErrMedium})
		}, sbd.ErrMedium, true, true, false},
		{"the source does not know its holes", func(_, _ *sbd.Unit, s, _ *sbd.Faulty, _ *sbd.Copy) {
			s.Add(sbd.Rule{Calls: sbd.CallMapped, Err: sbd.ErrMedium})
		}, sbd.ErrMedium, true, true, true},
		{"the destination is full", func(_, _ *sbd.Unit, _, d *sbd.Faulty, _ *sbd.Copy) {
			d.Add(sbd.Rule{Calls: sbd.CallWriteAt, After: 1, Err: sbd.ErrNoSpace})
		}, sbd.ErrNoSpace, true, false, false},
		{"the sync fails", func(_, into *sbd.Unit, _, d *sbd.Faulty, _ *sbd.Copy) {
			into.SetWriteCache(false)
			d.Add(sbd.Rule{Calls: sbd.CallSync, Err: boom})
		}, sbd.ErrSyncFailed, true, false, false},
		{"read-only", func(_, into *sbd.Unit, _, _ *sbd.Faulty, _ *sbd.Copy) { into.SetReadOnly(true) },
			sbd.ErrReadOnly, true, false, true},
		{"it is stopped", func(_, _ *sbd.Unit, _, _ *sbd.Faulty, c *sbd.Copy) {
			asked := 0
			c.Between = func() error {
				if asked++; asked == 3 {
					return boom
				}
				return nil
			}
		}, boom, false, false, false},
		{"the source has changed", func(from, _ *sbd.Unit, _, _ *sbd.Faulty, c *sbd.Copy) {
			w, err := from.Watch(&sbd.Op{MayBlock: true}, []sbd.Range{{Off: 0, N: size}})
			if err != nil {
				panic(err)
			}
			c.Watch = w
			if err := from.WriteAt(&sbd.Op{MayBlock: true}, []byte{9}, size-1, false); err != nil {
				panic(err)
			}
		}, sbd.ErrChanged, false, false, false},
		{"past the end of the source", func(_, _ *sbd.Unit, _, _ *sbd.Faulty, c *sbd.Copy) { c.FromOff = 1 },
			sbd.ErrOutOfRange, true, true, true},
		{"past the end of the destination", func(_, _ *sbd.Unit, _, _ *sbd.Faulty, c *sbd.Copy) { c.Off = 1 },
			sbd.ErrOutOfRange, true, false, true},
		{"the source goes offline", func(from, _ *sbd.Unit, _, _ *sbd.Faulty, _ *sbd.Copy) {
			if err := from.Detach(boom); err != nil {
				panic(err)
			}
		}, sbd.ErrOffline, true, true, true},
		{"the destination goes offline", func(_, into *sbd.Unit, _, _ *sbd.Faulty, _ *sbd.Copy) {
			if err := into.Detach(boom); err != nil {
				panic(err)
			}
		}, sbd.ErrOffline, true, false, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, d := sbd.NewFaulty(sbd.NewMem(size)), sbd.NewFaulty(sbd.NewMem(size))
			from := online(t, sbd.Config{WriteCache: true, Thin: true}, s)
			into := another(t, 1, sbd.Config{WriteCache: true, Thin: true}, d)
			fill(t, from, 1, 0, size)
			fill(t, into, 2, 0, size)
			job := sbd.Copy{From: from, N: size, Buffers: buffers(2)}
			c.spoil(from, into, s, d, &job)
			err := into.CopyFrom(job)
			if !errors.Is(err, c.is) {
				t.Fatalf("%v, want %v", err, c.is)
			}
			var side *sbd.CopyError
			if errors.As(err, &side) != c.side || c.side && side.Source != c.source {
				t.Errorf("%v: a side %t, the source %t", err, side != nil, side != nil && side.Source)
			}
			faults := [2]uint64{from.Metrics().Errors, into.Metrics().Errors}
			if want := (map[bool][2]uint64{true: {1, 0}, false: {0, 1}})[c.source]; c.side && faults != want || !c.side && faults != [2]uint64{} {
				t.Errorf("%d errors of the source, %d of the destination", faults[0], faults[1])
			}
			if into.Metrics().Copies != 0 {
				t.Error("it counts as a copy")
			}
			if c.untouched {
				holds(t, into, 2, 0, size)
			}
			if w := job.Watch; w != nil {
				w.Stop()
			}
		})
	}
}

// A store that panics ends the copy with its panic on the caller's goroutine, and no lock
// stays behind.
func TestCopyPanics(t *testing.T) {
	u := online(t, sbd.Config{WriteCache: true}, &panicky{sbd.NewMem(8 << 20)})
	func() {
		defer func() {
			if recover() == nil {
				t.Error("no panic")
			}
		}()
		t.Error(u.CopyFrom(sbd.Copy{From: u, Off: 4 << 20, N: 4 << 20, Buffers: buffers(4)}))
	}()
	if err := u.Resize(8 << 20); err != nil {
		t.Error(err)
	}
}

type panicky struct{ *sbd.Mem }

func (*panicky) Mapped(int64) (bool, int64, error) { panic("here") }

// While a copy is in one piece, others use the rest; what would meet the piece waits.
func TestACopyLetsOthersIn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		f := sbd.NewFaulty(sbd.NewMem(8<<20), sbd.Rule{Calls: sbd.CallReadAt, Off: 1 << 20, N: 1, Times: 1, Hold: release})
		u := online(t, sbd.Config{WriteCache: true}, f)
		fill(t, u, 1, 0, 8<<20)
		copied, wrote := false, false
		go func() {
			if err := u.CopyFrom(sbd.Copy{From: u, Off: 4 << 20, N: 4 << 20, Buffers: buffers(1)}); err != nil {
				t.Error(err)
			}
			copied = true
		}()
		synctest.Wait() // in its second piece
		fill(t, u, 2, 0, 512)
		fill(t, u, 2, 4<<20, 512)
		fill(t, u, 2, 7<<20, 512)
		holds(t, u, 1, 1<<20, 1<<20) // the piece's source is shared
		go func() {
			fill(t, u, 3, 5<<20, 512)
			wrote = true
		}()
		synctest.Wait()
		if copied || wrote {
			t.Error("a write is in the middle of a piece")
		}
		close(release)
		synctest.Wait()
		if !copied || !wrote {
			t.Error("not everybody came through")
		}
		holds(t, u, 3, 5<<20, 512)
	})
}

// A copy's destination waits for another's source, and its source for another's destination.
func TestCopiesWaitForEachOther(t *testing.T) {
	for name, second := range map[string]sbd.Copy{
		"onto the source":      {FromOff: 4 << 20, Off: 0, N: 1 << 20},
		"onto the destination": {FromOff: 4 << 20, Off: 2 << 20, N: 1 << 20},
		"from the destination": {FromOff: 2 << 20, Off: 4 << 20, N: 1 << 20},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				release := make(chan struct{})
				f := sbd.NewFaulty(sbd.NewMem(8<<20), sbd.Rule{Calls: sbd.CallReadAt, Times: 1, Hold: release})
				u := online(t, sbd.Config{WriteCache: true}, f)
				fill(t, u, 1, 0, 8<<20)
				var ended atomic.Int32
				for _, c := range []sbd.Copy{{FromOff: 0, Off: 2 << 20, N: 1 << 20}, second} {
					c.From, c.Buffers = u, buffers(1)
					go func() {
						if err := u.CopyFrom(c); err != nil {
							t.Error(err)
						}
						ended.Add(1)
					}()
					synctest.Wait()
				}
				if ended.Load() != 0 {
					t.Error("the second did not wait")
				}
				close(release)
				synctest.Wait()
				if ended.Load() != 2 {
					t.Errorf("%d ended", ended.Load())
				}
			})
		})
	}
}

// Two copies that cross have their first claims at the same time, and neither has the other's
// second.
func TestCopiesBetweenUnitsKeepAnOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		units := [2]*sbd.Unit{
			another(t, 0, sbd.Config{WriteCache: true}, sbd.NewMem(4<<20)),
			another(t, 1, sbd.Config{WriteCache: true}, sbd.NewMem(4<<20)),
		}
		var release [2]chan struct{}
		var ended atomic.Int32
		for i, u := range units { // both begin with blocks that are claimed
			release[i] = make(chan struct{})
			fill(t, u, byte(i), 0, 4<<20)
			go func() {
				if err := u.Update(&sbd.Op{MayBlock: true}, 0, 512, false, func(sbd.Exclusive) error { <-release[i]; return nil }); err != nil {
					t.Error(err)
				}
			}()
		}
		synctest.Wait()
		for _, c := range []struct {
			from, into *sbd.Unit
			fromOff    int64
		}{{units[0], units[1], 0}, {units[1], units[0], 512 << 10}, {units[1], units[0], 0}, {units[0], units[1], 512 << 10}} {
			go func() {
				if err := c.into.CopyFrom(sbd.Copy{From: c.from, FromOff: c.fromOff, N: 1 << 20, Buffers: buffers(1)}); err != nil {
					t.Error(err)
				}
				ended.Add(1)
			}()
			synctest.Wait()
		}
		for _, r := range release {
			close(r)
			synctest.Wait()
		}
		if ended.Load() != 4 {
			t.Errorf("%d of 4 copies ended", ended.Load())
		}
	})
}
