// Package storetest is the contract of an sbd.Store as a test suite.
package storetest

import (
	"bytes"
	"errors"
	"math"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/lunarsan/lunar/sbd"
)

// MinSize is the smallest store that Run can work with, in bytes.
const MinSize = 4 << 20

// Run holds the stores that open returns to the contract, those of the optional powers
// included that they have. Each call of open is for a store of at least MinSize zeros that
// nothing else uses; Run closes it.
func Run(t *testing.T, open func(t *testing.T) sbd.Store) {
	for _, test := range []struct {
		name string
		run  func(*testing.T, sbd.Store)
	}{
		{"reads what was written", readsWhatWasWritten},
		{"starts as zeros", startsAsZeros},
		{"refuses what is out of range", refusesOutOfRange},
		{"leaves its neighbours alone", leavesNeighbours},
		{"leaves the buffer alone", leavesBuffer},
		{"tries like it does", triesLikeItDoes},
		{"unmaps to zeros", unmapsToZeros},
		{"zeroes", zeroes},
		{"copies", copies},
		{"maps all its bytes", mapsAllBytes},
		{"resizes", resizes},
		{"prefetches", prefetches},
		{"advises", advises},
		{"agrees with the model", agreesWithModel},
		{"serves many at a time", servesMany},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := open(t)
			if s.Size() < MinSize {
				t.Fatalf("Size() = %d, the suite needs %d", s.Size(), MinSize)
			}
			defer func() {
				if err := s.Close(); err != nil {
					t.Errorf("Close: %v", err)
				}
			}()
			test.run(t, s)
		})
	}
}

// RunReopen checks that what was written, and what was unmapped, is still so in the store
// that open returns after the first was closed. Both calls of open are for the same medium.
func RunReopen(t *testing.T, open func(t *testing.T) sbd.Store) {
	s := open(t)
	want := pattern(256<<10, 7)
	write(t, s, want, 12345)
	if u, ok := s.(sbd.Unmapper); ok {
		if err := u.Unmap(64<<10, 64<<10); err != nil {
			t.Fatalf("Unmap: %v", err)
		}
		clear(want[64<<10-12345 : 128<<10-12345])
	}
	if err := s.Sync(); err != nil {
		t.Fatalf("Sync: %v", err)
	}
	size := s.Size()
	if err := s.Close(); err != nil {
		t.Fatalf("Close: %v", err)
	}
	s = open(t)
	defer s.Close()
	if s.Size() != size {
		t.Errorf("Size() = %d after it was %d", s.Size(), size)
	}
	expect(t, s, want, 12345)
}

func readsWhatWasWritten(t *testing.T, s sbd.Store) {
	for _, c := range []struct{ off, n int64 }{
		{0, 512}, {0, 1}, {1, 1}, {511, 2}, {4095, 4098}, {65535, 2}, {100, 1 << 20},
		{s.Size() - 512, 512}, {s.Size() - 1, 1}, {s.Size() - 1<<20, 1 << 20}, {0, 0}, {s.Size(), 0},
	} {
		p := pattern(int(c.n), byte(c.off+c.n))
		write(t, s, p, c.off)
		expect(t, s, p, c.off)
	}
	if err := s.Sync(); err != nil {
		t.Errorf("Sync: %v", err)
	}
}

func startsAsZeros(t *testing.T, s sbd.Store) {
	for off := int64(0); off < MinSize; off += 1 << 20 {
		expect(t, s, make([]byte, 1<<20), off)
	}
}

func refusesOutOfRange(t *testing.T, s sbd.Store) {
	size := s.Size()
	for _, c := range []struct{ off, n int64 }{
		{size, 1}, {size - 1, 2}, {size + 1, 0}, {-1, 1}, {-1, 0}, {math.MinInt64, 1},
		{math.MaxInt64, 1}, {math.MaxInt64 - 10, 512}, {0, size + 1},
	} {
		for name, call := range ranged(s) {
			if c.n > 1<<20 && name[len(name)-2:] == "At" {
				continue // too much for a buffer
			}
			if err := call(c.off, c.n); !errors.Is(err, sbd.ErrOutOfRange) && !errors.Is(err, sbd.ErrWouldBlock) {
				t.Errorf("%s of %d bytes at %d of %d: %v, want ErrOutOfRange", name, c.n, c.off, size, err)
			}
		}
	}
	if m, ok := s.(sbd.Mapper); ok {
		for _, off := range []int64{-1, size, math.MaxInt64} {
			if _, _, err := m.Mapped(off); !errors.Is(err, sbd.ErrOutOfRange) {
				t.Errorf("Mapped(%d) of %d: %v, want ErrOutOfRange", off, size, err)
			}
		}
	}
	if s.Size() != size {
		t.Errorf("the store grew from %d to %d bytes", size, s.Size())
	}
}

// ranged returns the calls of s that take a range, by name.
func ranged(s sbd.Store) map[string]func(off, n int64) error {
	buffered := func(f func([]byte, int64) (int, error)) func(off, n int64) error {
		return func(off, n int64) error {
			_, err := f(make([]byte, n), off)
			return err
		}
	}
	calls := map[string]func(off, n int64) error{
		"ReadAt":  buffered(s.ReadAt),
		"WriteAt": buffered(s.WriteAt),
	}
	if s, ok := s.(sbd.TryReader); ok {
		calls["TryReadAt"] = buffered(s.TryReadAt)
	}
	if s, ok := s.(sbd.TryWriter); ok {
		calls["TryWriteAt"] = buffered(s.TryWriteAt)
	}
	if s, ok := s.(sbd.Unmapper); ok {
		calls["Unmap"] = s.Unmap
	}
	if s, ok := s.(sbd.Zeroer); ok {
		calls["Zero"] = s.Zero
	}
	if s, ok := s.(sbd.Prefetcher); ok {
		calls["Prefetch"] = s.Prefetch
	}
	return calls
}

func leavesNeighbours(t *testing.T, s sbd.Store) {
	const around = 300 << 10
	for _, c := range []struct{ off, n int64 }{{4096, 512}, {70000, 1}, {65536, 65536}, {65000, 131000}} {
		for name, call := range ranged(s) {
			if name == "ReadAt" || name == "TryReadAt" || name == "Prefetch" {
				continue
			}
			want := pattern(around, byte(c.off))
			write(t, s, want, 0)
			if err := call(c.off, c.n); errors.Is(err, sbd.ErrWouldBlock) {
				continue
			} else if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			clear(want[c.off : c.off+c.n]) // each of them writes zeros
			expect(t, s, want, 0)
		}
	}
}

func leavesBuffer(t *testing.T, s sbd.Store) {
	p := pattern(128<<10, 3)
	was := bytes.Clone(p)
	write(t, s, p, 4096)
	if !bytes.Equal(p, was) {
		t.Error("WriteAt changed the buffer it was given")
	}
	clear(p)
	expect(t, s, was, 4096) // and did not keep it
}

func triesLikeItDoes(t *testing.T, s sbd.Store) {
	want := pattern(64<<10, 9)
	if w, ok := s.(sbd.TryWriter); ok {
		n, err := w.TryWriteAt(want, 1024)
		if err == nil && n != len(want) {
			t.Errorf("TryWriteAt = %d without an error, want %d", n, len(want))
		}
		if err != nil && !errors.Is(err, sbd.ErrWouldBlock) {
			t.Fatalf("TryWriteAt: %v", err)
		}
		if err != nil {
			write(t, s, want, 1024)
		}
		expect(t, s, want, 1024)
	}
	if r, ok := s.(sbd.TryReader); ok {
		write(t, s, want, 1024)
		got := make([]byte, len(want))
		n, err := r.TryReadAt(got, 1024)
		switch {
		case errors.Is(err, sbd.ErrWouldBlock):
		case err != nil || n != len(want):
			t.Errorf("TryReadAt = %d, %v", n, err)
		case !bytes.Equal(got, want):
			t.Error("TryReadAt read something else than was written")
		}
	}
}

func unmapsToZeros(t *testing.T, s sbd.Store) {
	u, ok := s.(sbd.Unmapper)
	if !ok {
		t.Skip("the store does not unmap")
	}
	write(t, s, pattern(2<<20, 1), 0)
	if err := u.Unmap(0, 1<<20); err != nil {
		t.Fatalf("Unmap: %v", err)
	}
	expect(t, s, make([]byte, 1<<20), 0)
	if err := u.Unmap(0, 2<<20); err != nil {
		t.Fatalf("Unmap of what is unmapped: %v", err)
	}
	if err := u.Unmap(0, 0); err != nil {
		t.Errorf("Unmap of nothing: %v", err)
	}
	expect(t, s, make([]byte, 2<<20), 0)
	write(t, s, pattern(4096, 5), 8192)
	expect(t, s, pattern(4096, 5), 8192)
}

func zeroes(t *testing.T, s sbd.Store) {
	z, ok := s.(sbd.Zeroer)
	if !ok {
		t.Skip("the store does not zero")
	}
	write(t, s, pattern(2<<20, 1), 0)
	if err := z.Zero(512, 1<<20); err != nil {
		t.Fatalf("Zero: %v", err)
	}
	if err := z.Zero(0, 0); err != nil {
		t.Errorf("Zero of nothing: %v", err)
	}
	expect(t, s, make([]byte, 1<<20), 512)
	expect(t, s, pattern(2<<20, 1)[:512], 0)
}

// copies copies within the store: what Copier promises for two, it promises for one.
func copies(t *testing.T, s sbd.Store) {
	c, ok := s.(sbd.Copier)
	if !ok {
		t.Skip("the store does not copy")
	}
	if _, err := c.CopyFrom(s, 0, 1<<20, 0); err != nil && !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("CopyFrom of nothing: %v", err)
	}
	for _, span := range []struct{ from, off, n int64 }{
		{0, 2 << 20, 1 << 20}, {2 << 20, 0, 64 << 10}, {512, 1<<20 + 1024, 4096}, {4096, 1<<20 + 1, 3}, {s.Size() - 4096, 0, 4096},
	} {
		write(t, s, pattern(int(span.n), 1), span.from)
		write(t, s, pattern(int(span.n)+2048, 9), max(span.off-1024, 0))
		_, err := c.CopyFrom(s, span.from, span.off, span.n)
		if errors.Is(err, errors.ErrUnsupported) {
			t.Skip("the store copies, but not here")
		}
		if err != nil {
			t.Fatalf("CopyFrom of %d bytes at %d to %d: %v", span.n, span.from, span.off, err)
		}
		expect(t, s, pattern(int(span.n), 1), span.off)
		expect(t, s, pattern(int(span.n), 1), span.from)
		around := pattern(int(span.n)+2048, 9)
		if before := span.off - max(span.off-1024, 0); before > 0 {
			expect(t, s, around[:before], span.off-before)
			expect(t, s, around[before+span.n:], span.off+span.n)
		}
	}
	size := s.Size()
	want := pattern(4096, 3)
	write(t, s, want, 0)
	for _, span := range []struct{ from, off, n int64 }{{0, size - 1, 2}, {size - 1, 0, 2}, {-1, 0, 1}, {0, -1, 1}, {0, math.MaxInt64, 1}, {math.MaxInt64, 0, 512}} {
		if _, err := c.CopyFrom(s, span.from, span.off, span.n); !errors.Is(err, sbd.ErrOutOfRange) {
			t.Errorf("CopyFrom of %d bytes at %d to %d: %v, want ErrOutOfRange", span.n, span.from, span.off, err)
		}
	}
	expect(t, s, want, 0)
}

func mapsAllBytes(t *testing.T, s sbd.Store) {
	m, ok := s.(sbd.Mapper)
	if !ok {
		t.Skip("the store does not map")
	}
	write(t, s, pattern(64<<10, 2), 1<<20)
	var off int64
	var were bool
	for off < s.Size() {
		mapped, n, err := m.Mapped(off)
		if err != nil || n <= 0 || n > s.Size()-off {
			t.Fatalf("Mapped(%d) = %t, %d, %v with %d bytes left", off, mapped, n, err, s.Size()-off)
		}
		if !mapped {
			expectZeros(t, s, off, min(n, 2<<20))
		}
		if off <= 1<<20 && off+n > 1<<20 {
			were = mapped
		}
		off += n
	}
	if !were {
		t.Errorf("what was written at %d is not mapped", 1<<20)
	}
}

func resizes(t *testing.T, s sbd.Store) {
	r, ok := s.(sbd.Resizer)
	if !ok {
		t.Skip("the store does not resize")
	}
	size := s.Size()
	want := pattern(4096, 4)
	write(t, s, want, size-4096)
	if err := r.Resize(size + 1<<20); err != nil {
		t.Fatalf("Resize: %v", err)
	}
	if s.Size() != size+1<<20 {
		t.Fatalf("Size() = %d after Resize(%d)", s.Size(), size+1<<20)
	}
	expect(t, s, want, size-4096)
	expect(t, s, make([]byte, 1<<20), size)
	write(t, s, want, size+1<<20-4096)
	if err := r.Resize(size - 1000); err != nil {
		t.Fatalf("Resize to less: %v", err)
	}
	if _, err := s.ReadAt(want, size-1000); !errors.Is(err, sbd.ErrOutOfRange) {
		t.Errorf("ReadAt behind the new end: %v, want ErrOutOfRange", err)
	}
	if err := r.Resize(size); err != nil {
		t.Fatalf("Resize to more: %v", err)
	}
	expect(t, s, make([]byte, 1000), size-1000) // what was cut off does not come back
}

func prefetches(t *testing.T, s sbd.Store) {
	p, ok := s.(sbd.Prefetcher)
	if !ok {
		t.Skip("the store does not prefetch")
	}
	if err := p.Prefetch(4096, 1<<20); err != nil {
		t.Errorf("Prefetch: %v", err)
	}
}

func advises(t *testing.T, s sbd.Store) {
	a, ok := s.(sbd.Advisor)
	if !ok {
		t.Skip("the store does not advise")
	}
	if got := a.Advice(); got.Granularity < 0 || got.Optimal < 0 {
		t.Errorf("Advice() = %+v", got)
	}
}

// agreesWithModel does the same random calls on s and in plain memory.
func agreesWithModel(t *testing.T, s sbd.Store) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	model := make([]byte, MinSize)
	u, _ := s.(sbd.Unmapper)
	z, _ := s.(sbd.Zeroer)
	for range 400 {
		off := r.Int64N(MinSize)
		n := 1 + r.Int64N(min(MinSize-off, 300<<10))
		if r.IntN(2) == 0 { // as an initiator would
			off, n = off&^511, (n+511)&^511
		}
		n = min(n, MinSize-off)
		part := model[off : off+n]
		var err error
		switch op := r.IntN(6); {
		case op == 0 && u != nil:
			clear(part)
			err = u.Unmap(off, n)
		case op == 1 && z != nil:
			clear(part)
			err = z.Zero(off, n)
		case op <= 3:
			copy(part, pattern(int(n), byte(r.Uint32())))
			_, err = s.WriteAt(part, off)
		default:
			got := make([]byte, n)
			if _, err = s.ReadAt(got, off); err == nil && !bytes.Equal(got, part) {
				t.Fatalf("the %d bytes at %d are not what the calls so far left there", n, off)
			}
		}
		if err != nil {
			t.Fatalf("%d bytes at %d: %v", n, off, err)
		}
	}
	expect(t, s, model, 0)
}

// servesMany writes, reads and unmaps from several goroutines, each in its own part.
func servesMany(t *testing.T, s sbd.Store) {
	const workers = 4
	u, _ := s.(sbd.Unmapper)
	var wg sync.WaitGroup
	for w := range int64(workers) {
		wg.Go(func() {
			base := w * (MinSize / workers)
			for round := range int64(20) {
				off := base + round*4096 + w*512 // parts share pages of the store
				want := pattern(8192, byte(w*20+round))
				got := make([]byte, len(want))
				if _, err := s.WriteAt(want, off); err != nil {
					t.Errorf("WriteAt: %v", err)
				}
				if _, err := s.ReadAt(got, off); err != nil || !bytes.Equal(got, want) {
					t.Errorf("worker %d does not read what it wrote (%v)", w, err)
				}
				if u != nil {
					if err := u.Unmap(off, 4096); err != nil {
						t.Errorf("Unmap: %v", err)
					}
				}
				if round%8 == 0 {
					if err := s.Sync(); err != nil {
						t.Errorf("Sync: %v", err)
					}
				}
			}
		})
	}
	wg.Wait()
}

// pattern returns n bytes, none of them zero, that differ by seed and do not repeat at
// powers of two.
func pattern(n int, seed byte) []byte {
	p := make([]byte, n)
	for i := range p {
		p[i] = byte((i+int(seed)*31)%251) + 1
	}
	return p
}

func write(t *testing.T, s sbd.Store, p []byte, off int64) {
	t.Helper()
	if n, err := s.WriteAt(p, off); err != nil || n != len(p) {
		t.Fatalf("WriteAt of %d bytes at %d = %d, %v", len(p), off, n, err)
	}
}

func expect(t *testing.T, s sbd.Store, want []byte, off int64) {
	t.Helper()
	got := pattern(len(want), 99)
	if n, err := s.ReadAt(got, off); err != nil || n != len(got) {
		t.Fatalf("ReadAt of %d bytes at %d = %d, %v", len(got), off, n, err)
	}
	for i := range got {
		if got[i] != want[i] {
			t.Fatalf("byte %d of the %d at %d is %#02x, want %#02x", i, len(want), off, got[i], want[i])
		}
	}
}

func expectZeros(t *testing.T, s sbd.Store, off, n int64) {
	t.Helper()
	expect(t, s, make([]byte, n), off)
}
