// Package buffer lends byte buffers to the I/O path and keeps their sum within a budget.
//
// A buffer has one owner at a time: connection, task, store, output batch, and back here.
// Get and Put are the only ends of that chain; Outstanding tells how many buffers are out,
// so that a test can assert that none leaked.
//
// There are four ways to get one, and they differ in what happens when the budget is spent:
//
//	TryGet    says no: for the run-to-completion path, which then leaves for a worker
//	Get       waits its turn: for workers, which may block
//	GetLater  calls back in turn: for a connection, which may not block but may be patient
//	Overdraw  gives it all the same: for data that a granted command window has promised
//	          to take (the window stays closed until the debt is paid)
//
// Buffers of up to 4 KiB start on a 4 KiB boundary, larger ones on an 8 KiB boundary.
package buffer

import (
	"slices"
	"sync"
	"sync/atomic"
)

// MaxLen is the largest buffer that the pool lends, in bytes.
const MaxLen = 8 << 20

// classes are the capacities lent, in bytes, ascending.
var classes = [...]int{4 << 10, 16 << 10, 64 << 10, 256 << 10, 1 << 20, 2 << 20, 4 << 20, MaxLen}

// A Buffer is a borrowed run of bytes. Its content is whatever the last borrower left.
type Buffer struct {
	b     []byte // within the capacity of the class
	pool  *Pool
	class int
}

// Bytes returns the n bytes that were asked for.
func (b *Buffer) Bytes() []byte { return b.b }

// A Pool lends buffers. Use NewPool.
type Pool struct {
	budget      int64
	inUse       atomic.Int64 // bytes lent, by class capacity
	outstanding atomic.Int64 // buffers lent
	free        [len(classes)]sync.Pool

	waiting atomic.Int32 // len(queue), readable without the lock
	mu      sync.Mutex
	queue   []waiter // first come, first served
}

type waiter struct {
	n     int
	ready func(*Buffer)
}

// NewPool returns a pool that lends up to budget bytes at a time.
func NewPool(budget int64) *Pool { return &Pool{budget: budget} }

// TryGet lends n bytes (n ≤ MaxLen), or returns nil when the budget is spent or others wait.
func (p *Pool) TryGet(n int) *Buffer {
	c := classOf(n)
	if p.waiting.Load() != 0 {
		return nil
	}
	return p.reserve(c, n)
}

// Get lends n bytes and waits for its turn when the budget is spent.
func (p *Pool) Get(n int) *Buffer {
	if b := p.TryGet(n); b != nil {
		return b
	}
	got := make(chan *Buffer, 1)
	p.GetLater(n, func(b *Buffer) { got <- b })
	return <-got
}

// GetLater calls ready with n bytes as soon as the budget allows, in order of asking: at
// once, on this goroutine, or later on the goroutine of whoever gave memory back. ready
// must not block.
func (p *Pool) GetLater(n int, ready func(*Buffer)) {
	p.mu.Lock()
	p.queue = append(p.queue, waiter{n, ready})
	p.waiting.Store(int32(len(p.queue)))
	p.mu.Unlock()
	p.grant()
}

// Overdraw lends n bytes whatever the budget says.
func (p *Pool) Overdraw(n int) *Buffer {
	c := classOf(n)
	p.inUse.Add(int64(classes[c]))
	return p.take(c, n)
}

// Put gives b back. The caller must not touch it afterwards; the invariants build tag makes
// it show if it does.
func (b *Buffer) Put() {
	b = retire(b)
	p := b.pool
	p.free[b.class].Put(b)
	p.outstanding.Add(-1)
	p.inUse.Add(-int64(classes[b.class]))
	if p.waiting.Load() != 0 {
		p.grant()
	}
}

// Full reports whether the budget is spent: a command window must not open further.
func (p *Pool) Full() bool { return p.inUse.Load() >= p.budget || p.waiting.Load() != 0 }

// Budget returns the bytes that the pool may lend at a time.
func (p *Pool) Budget() int64 { return p.budget }

// InUse returns the bytes lent.
func (p *Pool) InUse() int64 { return p.inUse.Load() }

// Outstanding returns the number of buffers lent.
func (p *Pool) Outstanding() int64 { return p.outstanding.Load() }

// reserve lends n bytes of class c within the budget, or nil. A lone borrower is served
// whatever the budget, so that no budget is too small for one buffer.
func (p *Pool) reserve(c, n int) *Buffer {
	size := int64(classes[c])
	for {
		// Not an addition that is taken back when it was too much: another caller could fail
		// by it and then wait for a Put that never comes.
		used := p.inUse.Load()
		if used > 0 && used+size > p.budget {
			return nil
		}
		if p.inUse.CompareAndSwap(used, used+size) {
			return p.take(c, n)
		}
	}
}

func (p *Pool) take(c, n int) *Buffer {
	p.outstanding.Add(1)
	b, _ := p.free[c].Get().(*Buffer)
	if b == nil {
		b = &Buffer{b: make([]byte, classes[c]), pool: p, class: c}
	}
	b.b = b.b[:n]
	return b
}

// grant serves the queue as far as the budget goes.
func (p *Pool) grant() {
	for {
		p.mu.Lock()
		if len(p.queue) == 0 {
			p.mu.Unlock()
			return
		}
		w := p.queue[0]
		b := p.reserve(classOf(w.n), w.n)
		if b == nil {
			p.mu.Unlock()
			return
		}
		p.queue = slices.Delete(p.queue, 0, 1)
		p.waiting.Store(int32(len(p.queue)))
		p.mu.Unlock()
		w.ready(b)
	}
}

func classOf(n int) int {
	for c, size := range classes {
		if n <= size {
			return c
		}
	}
	panic("buffer: more than MaxLen asked for")
}
