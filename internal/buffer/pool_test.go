package buffer

import (
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"unsafe"
)

// newPool returns a pool that must have everything back when the test ends.
func newPool(t testing.TB, budget int64) *Pool {
	p := NewPool(budget)
	t.Cleanup(func() {
		if n, used := p.Outstanding(), p.InUse(); n != 0 || used != 0 {
			t.Errorf("%d buffers of %d bytes were not given back", n, used)
		}
	})
	return p
}

func TestLengthAndClass(t *testing.T) {
	p := newPool(t, MaxLen)
	for _, c := range []struct{ n, class int }{
		{0, 4 << 10}, {1, 4 << 10}, {4096, 4 << 10}, {4097, 16 << 10}, {16 << 10, 16 << 10},
		{64<<10 + 1, 256 << 10}, {1 << 20, 1 << 20}, {1<<20 + 1, 2 << 20}, {4<<20 + 1, 8 << 20}, {MaxLen, 8 << 20},
	} {
		for _, get := range []func(int) *Buffer{p.TryGet, p.Get, p.Overdraw} {
			b := get(c.n)
			if len(b.Bytes()) != c.n || p.InUse() != int64(c.class) || p.Outstanding() != 1 {
				t.Errorf("%d bytes asked: got %d, in use %d, outstanding %d, want a class of %d",
					c.n, len(b.Bytes()), p.InUse(), p.Outstanding(), c.class)
			}
			if c.n > 0 {
				boundary := uintptr(8 << 10)
				if c.n <= 4<<10 {
					boundary = 4 << 10
				}
				if at := uintptr(unsafe.Pointer(&b.Bytes()[0])); at%boundary != 0 {
					t.Errorf("%d bytes start at %#x, want a boundary of %d", c.n, at, boundary)
				}
			}
			b.Put()
		}
	}
}

func TestMoreThanMaxLenPanics(t *testing.T) {
	p := newPool(t, MaxLen)
	defer func() {
		if recover() == nil {
			t.Error("no panic")
		}
	}()
	p.TryGet(MaxLen + 1)
}

func TestTryGetKeepsToTheBudget(t *testing.T) {
	p := newPool(t, 12<<10)
	var lent []*Buffer
	for range 3 {
		b := p.TryGet(4096)
		if b == nil || p.Full() != (len(lent) == 2) {
			t.Fatalf("buffer %d: %v, Full() = %t", len(lent), b, p.Full())
		}
		lent = append(lent, b)
	}
	if b := p.TryGet(1); b != nil {
		t.Error("lent more than the budget")
	}
	lent[0].Put()
	if b := p.TryGet(4097); b != nil {
		t.Error("lent a larger buffer than there was budget for")
	}
	lent[0] = p.TryGet(1)
	if lent[0] == nil {
		t.Fatal("what was given back is not lent again")
	}
	for _, b := range lent {
		b.Put()
	}
}

func TestALoneBorrowerIsServed(t *testing.T) {
	p := newPool(t, 1)
	for _, get := range []func(int) *Buffer{p.TryGet, p.Get} {
		b := get(MaxLen)
		if b == nil {
			t.Fatal("a lone borrower is refused")
		}
		if p.TryGet(1) != nil {
			t.Error("a second borrower is served beyond the budget")
		}
		b.Put()
	}
}

func TestOverdraw(t *testing.T) {
	p := newPool(t, 4<<10)
	b, more := p.TryGet(4096), p.Overdraw(64<<10)
	if p.InUse() != 68<<10 || !p.Full() {
		t.Errorf("InUse() = %d, Full() = %t after an overdraft", p.InUse(), p.Full())
	}
	b.Put()
	if p.TryGet(1) != nil || !p.Full() {
		t.Error("the debt is not paid and the pool lends")
	}
	more.Put()
	if p.Full() {
		t.Error("the debt is paid and the pool is full")
	}
}

func TestWaitersAreServedInOrder(t *testing.T) {
	p := newPool(t, 16<<10)
	b := p.TryGet(16 << 10)
	var order []int
	var got []*Buffer
	// The first wants more than the second: it must not be overtaken.
	for i, n := range []int{16 << 10, 4096, 4096} {
		p.GetLater(n, func(b *Buffer) { order = append(order, i); got = append(got, b) })
	}
	if len(order) != 0 {
		t.Fatalf("served %v beyond the budget", order)
	}
	b.Put()
	if !slices.Equal(order, []int{0}) {
		t.Fatalf("served %v, want the first alone", order)
	}
	if p.TryGet(1) != nil || !p.Full() {
		t.Error("TryGet overtakes those who wait")
	}
	got[0].Put()
	if !slices.Equal(order, []int{0, 1, 2}) {
		t.Fatalf("served %v, want all in order", order)
	}
	got[1].Put()
	got[2].Put()
}

func TestGetLaterAtOnce(t *testing.T) {
	p := newPool(t, 4<<10)
	var got *Buffer
	p.GetLater(10, func(b *Buffer) { got = b })
	if got == nil || len(got.Bytes()) != 10 {
		t.Fatalf("with budget to spare: %v", got)
	}
	got.Put()
}

func TestGetWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPool(t, 4<<10)
		first := p.Get(4096)
		var second *Buffer
		go func() { second = p.Get(4096) }()
		synctest.Wait()
		if second != nil {
			t.Fatal("did not wait")
		}
		first.Put()
		synctest.Wait()
		if second == nil {
			t.Fatal("not served after Put")
		}
		second.Put()
	})
}

// A waiter's callback may give back at once, and so serve the next.
func TestReadyMayPut(t *testing.T) {
	p := newPool(t, 4<<10)
	b := p.TryGet(1)
	served := 0
	for range 100 {
		p.GetLater(1, func(b *Buffer) { served++; b.Put() })
	}
	b.Put()
	if served != 100 {
		t.Errorf("served %d of 100", served)
	}
}

// Nobody may be left waiting, nor two hold the same bytes, whoever races with whom.
func TestConcurrent(t *testing.T) {
	p := newPool(t, 40<<10)
	var wg sync.WaitGroup
	for w := range 8 {
		wg.Go(func() {
			r := rand.New(rand.NewPCG(uint64(w), 0))
			for i := range 500 {
				n := 1 + r.IntN(20<<10)
				var b *Buffer
				switch i % 4 {
				case 0:
					if b = p.TryGet(n); b == nil {
						continue
					}
				case 1:
					b = p.Get(n)
				case 2:
					b = p.Overdraw(n)
				case 3:
					wg.Add(1)
					p.GetLater(n, func(b *Buffer) { b.Put(); wg.Done() })
					continue
				}
				for j := range b.Bytes() {
					b.Bytes()[j] = byte(w)
				}
				for j, c := range b.Bytes() {
					if c != byte(w) {
						t.Errorf("byte %d is someone else's", j)
						break
					}
				}
				b.Put()
			}
		})
	}
	wg.Wait()
}

func TestWarmBuffersAllocateNothing(t *testing.T) {
	if race || invariants {
		t.Skip("the race detector and the invariants build tag allocate")
	}
	p := newPool(t, 2*MaxLen)
	for _, n := range []int{4096, 64 << 10, MaxLen} {
		p.TryGet(n).Put()
		if a := testing.AllocsPerRun(100, func() { p.TryGet(n).Put() }); a != 0 {
			t.Errorf("TryGet(%d) and Put allocate %v times", n, a)
		}
	}
}

func BenchmarkTryGetPut(b *testing.B) {
	p := newPool(b, MaxLen)
	b.ReportAllocs()
	for b.Loop() {
		p.TryGet(4096).Put()
	}
}
