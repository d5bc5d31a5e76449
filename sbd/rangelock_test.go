package sbd

import (
	"context"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
)

// A lockTest is a range lock and who was granted what, in order.
type lockTest struct {
	rangeLock
	t       *testing.T
	holds   map[string]*hold
	orderMu sync.Mutex
	order   string
}

func newLockTest(t *testing.T) *lockTest {
	l := &lockTest{t: t, holds: make(map[string]*hold)}
	t.Cleanup(func() {
		if l.shared.first != nil || l.exclusive.first != nil || l.waiting != 0 {
			t.Error("holds are left in the lock")
		}
	})
	return l
}

// ask has a goroutine lock a range under name and waits until it is granted or waits.
func (l *lockTest) ask(name string, off, end int64, exclusive bool) {
	h := new(hold)
	l.holds[name] = h
	go func() {
		l.lock(h, off, end, exclusive, true)
		l.orderMu.Lock()
		l.order += name
		l.orderMu.Unlock()
	}()
	synctest.Wait()
}

func (l *lockTest) letGo(names ...string) {
	for _, name := range names {
		l.unlock(l.holds[name])
		synctest.Wait()
	}
}

func (l *lockTest) granted(want string) {
	l.t.Helper()
	if l.order != want {
		l.t.Errorf("granted %q, want %q", l.order, want)
	}
}

func TestRangeLockOrder(t *testing.T) {
	const shared, exclusive = false, true
	for name, run := range map[string]func(*lockTest){
		"shared holds do not conflict": func(l *lockTest) {
			l.ask("a", 0, 10, shared)
			l.ask("b", 5, 15, shared)
			l.granted("ab")
			l.letGo("a", "b")
		},
		"exclusive waits for shared": func(l *lockTest) {
			l.ask("a", 0, 10, shared)
			l.ask("b", 5, 15, shared)
			l.ask("X", 9, 10, exclusive)
			l.granted("ab")
			l.letGo("b")
			l.granted("ab")
			l.letGo("a")
			l.granted("abX")
			l.letGo("X")
		},
		"neighbours do not conflict": func(l *lockTest) {
			l.ask("X", 10, 20, exclusive)
			l.ask("a", 0, 10, shared)
			l.ask("b", 20, 30, shared)
			l.ask("Y", 30, 31, exclusive)
			l.granted("XabY")
			l.letGo("X", "a", "b", "Y")
		},
		"shared does not overtake a waiting exclusive": func(l *lockTest) {
			l.ask("a", 0, 10, shared)
			l.ask("X", 0, 10, exclusive)
			l.ask("b", 5, 6, shared)
			l.ask("c", 10, 11, shared)
			l.granted("ac")
			l.letGo("a")
			l.granted("acX")
			l.letGo("X")
			l.granted("acXb")
			l.letGo("b", "c")
		},
		"exclusives go in order of asking": func(l *lockTest) {
			l.ask("X", 0, 10, exclusive)
			l.ask("Y", 0, 20, exclusive)
			l.ask("Z", 15, 30, exclusive)
			l.granted("X")
			l.letGo("X")
			l.granted("XY")
			l.letGo("Y")
			l.granted("XYZ")
			l.letGo("Z")
		},
		"the whole waits for the gate and everything": func(l *lockTest) {
			l.ask("g", gate, 0, shared)
			l.ask("a", 0, 1, shared)
			l.ask("X", 7, 9, exclusive)
			l.ask("W", gate, whole, exclusive)
			l.ask("h", gate, 0, shared)
			l.ask("z", 1<<40, 1<<40, shared) // no bytes, but in the store
			l.granted("gaX")
			l.letGo("g", "a")
			l.granted("gaX")
			l.letGo("X")
			l.granted("gaXW")
			l.letGo("W")
			if l.order != "gaXWhz" && l.order != "gaXWzh" {
				l.t.Errorf("granted %q", l.order)
			}
			l.letGo("h", "z")
		},
		"the gate does not meet bytes": func(l *lockTest) {
			l.ask("X", 0, 1<<40, exclusive)
			l.ask("g", gate, 0, shared)
			l.granted("Xg")
			l.letGo("X", "g")
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { run(newLockTest(t)) })
		})
	}
}

func TestRangeLockTry(t *testing.T) {
	l := newLockTest(t)
	var a, x, b hold
	if !l.lock(&x, 0, 10, true, false) {
		t.Fatal("an empty lock refuses")
	}
	if l.lock(&a, 9, 10, false, false) || l.lock(&b, 0, 1, true, false) {
		t.Error("granted beside an exclusive hold")
	}
	if !l.lock(&a, 10, 11, false, false) {
		t.Error("refused beside it")
	}
	if l.lock(&b, 10, 11, true, false) {
		t.Error("exclusive beside shared")
	}
	l.unlock(&a)
	l.unlock(&x)
}

// Exclusive holders of a range add to a plain variable: the race detector and the sum tell.
func TestRangeLockExcludes(t *testing.T) {
	const cells, rounds = 8, 300
	var l rangeLock
	var value [cells]int
	var readers [cells]atomic.Int32
	var added [cells]atomic.Int64
	var wg sync.WaitGroup
	for w := range uint64(6) {
		wg.Go(func() {
			r := rand.New(rand.NewPCG(w, 1))
			var h hold
			for range rounds {
				off := r.Int64N(cells)
				end := off + 1 + r.Int64N(cells-off)
				exclusive := r.IntN(3) == 0
				if !l.lock(&h, off, end, exclusive, r.IntN(2) == 0) {
					continue
				}
				for i := off; i < end; i++ {
					if exclusive {
						if readers[i].Load() != 0 {
							t.Error("exclusive with others inside")
						}
						value[i]++
						added[i].Add(1)
					} else {
						readers[i].Add(1)
						_ = value[i]
						readers[i].Add(-1)
					}
				}
				l.unlock(&h)
			}
		})
	}
	wg.Wait()
	for i := range value {
		if int64(value[i]) != added[i].Load() {
			t.Errorf("cell %d is %d, want %d", i, value[i], added[i].Load())
		}
	}
	if l.waiting != 0 || l.shared.first != nil || l.exclusive.first != nil {
		t.Error("holds are left in the lock")
	}
}

func BenchmarkRangeLock(b *testing.B) {
	b.Run("alone", func(b *testing.B) {
		var l rangeLock
		var h hold
		b.ReportAllocs()
		for b.Loop() {
			l.lock(&h, 4096, 8192, false, false)
			l.unlock(&h)
		}
	})
	b.Run("beside 32 shared and 4 exclusive", func(b *testing.B) {
		var l rangeLock
		var h hold
		for i := range int64(36) {
			l.lock(new(hold), i<<20, i<<20+4096, i < 4, false)
		}
		b.ReportAllocs()
		for b.Loop() {
			l.lock(&h, 4096, 8192, false, false)
			l.unlock(&h)
		}
	})
	b.Run("parallel", func(b *testing.B) {
		var l rangeLock
		b.ReportAllocs()
		b.RunParallel(func(pb *testing.PB) {
			var h hold
			for pb.Next() {
				l.lock(&h, 4096, 8192, false, true)
				l.unlock(&h)
			}
		})
	})
}

// Who gives up waiting is in nobody's way, whether that was in front or behind.
func TestRangeLockGivesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLockTest(t)
		l.ask("a", 0, 10, false)
		ctx, giveUp := context.WithCancel(t.Context())
		gaveUp := make(chan error)
		go func() { gaveUp <- l.lockWithin(ctx, new(hold), gate, whole, true) }()
		synctest.Wait()
		l.ask("b", 0, 10, false)
		l.ask("c", 5, 20, true)
		l.granted("a")
		giveUp()
		if err := <-gaveUp; err != context.Canceled {
			t.Errorf("lockWithin = %v", err)
		}
		synctest.Wait()
		l.granted("ab")
		l.letGo("a")
		l.granted("ab")
		l.letGo("b")
		l.granted("abc")
		l.letGo("c")
		var h hold
		if err := l.lockWithin(ctx, &h, 0, 10, true); err != nil {
			t.Errorf("a lock that is free: %v", err)
		}
		l.unlock(&h)
	})
}

// A hold that lets reads pass waits for all else, and all else for it.
func TestRangeLockPassesReads(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLockTest(t)
		var read, write, still, later hold
		read.reads, later.reads, still.passReads = true, true, true
		l.lock(&read, 0, 10, false, true)
		l.lock(&write, 0, 10, false, true)
		granted := make(chan struct{})
		go func() {
			l.lock(&still, gate, whole, true, true)
			close(granted)
		}()
		synctest.Wait()
		if !l.lock(&later, 0, 10, false, false) {
			t.Error("a read waits for who waits for writes")
		}
		if l.lock(new(hold), 20, 30, false, false) {
			t.Error("a write went past who waits for writes")
		}
		l.unlock(&write)
		<-granted
		for _, h := range []*hold{&read, &later, &still} {
			l.unlock(h)
		}
	})
}
