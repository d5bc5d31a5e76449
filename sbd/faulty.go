package sbd

import (
	"errors"
	"sync"
)

// A Call is a method of a store, or several: the sum of their bits.
type Call uint16

const (
	CallReadAt Call = 1 << iota
	CallTryReadAt
	CallWriteAt
	CallTryWriteAt
	CallSync
	CallUnmap
	CallZero
	CallMapped
	CallPrefetch
	CallResize
	CallCopyFrom

	CallRead  = CallReadAt | CallTryReadAt
	CallWrite = CallWriteAt | CallTryWriteAt
)

// A Rule says which calls a Faulty meddles with, and how. A call meets the first rule that
// matches it and is not used up.
type Rule struct {
	Calls  Call
	Off, N int64 // only calls that touch these bytes; N 0: any
	After  int   // lets this many matching calls pass first
	Times  int   // then meddles with this many; 0: with all

	Hold  <-chan struct{} // wait until it is closed, if not nil
	Held  func()          // called before that wait, if not nil
	Short int             // a failing ReadAt or WriteAt moves this many bytes first
	Err   error           // the call's result; nil: that of the store
}

// A Faulty is a store that fails on demand, for tests. It has exactly the powers of the
// store it wraps: where that lacks one, a call does what a Unit would do without it, through
// the other methods.
type Faulty struct {
	store Store

	mu    sync.Mutex
	rules []*rule
	calls map[Call]int
}

type rule struct {
	Rule
	seen int // matching calls
}

// NewFaulty wraps s. It fails by rules and by those that Add brings later.
func NewFaulty(s Store, rules ...Rule) *Faulty {
	f := &Faulty{store: s, calls: make(map[Call]int)}
	for _, r := range rules {
		f.Add(r)
	}
	return f
}

// Add puts r behind the rules there are.
func (f *Faulty) Add(r Rule) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.rules = append(f.rules, &rule{Rule: r})
}

// Heal drops all rules.
func (f *Faulty) Heal() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.rules = nil
}

// Calls returns how many calls there were of each method in c together.
func (f *Faulty) Calls(c Call) (n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for call, count := range f.calls {
		if c&call != 0 {
			n += count
		}
	}
	return n
}

// meet returns what the rules say about a call, after its wait.
func (f *Faulty) meet(c Call, off, n int64) (short int, err error) {
	r := f.match(c, off, n)
	if r == nil {
		return 0, nil
	}
	if r.Hold != nil {
		if r.Held != nil {
			r.Held()
		}
		<-r.Hold
	}
	return r.Short, r.Err
}

func (f *Faulty) match(c Call, off, n int64) *Rule {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls[c]++
	for _, r := range f.rules {
		if r.Calls&c == 0 || r.N > 0 && (off >= r.Off+r.N || r.Off >= off+n) {
			continue
		}
		r.seen++
		if r.seen > r.After && (r.Times == 0 || r.seen <= r.After+r.Times) {
			return &r.Rule
		}
	}
	return nil
}

// Size returns the capacity in bytes.
func (f *Faulty) Size() int64 { return f.store.Size() }

// ReadAt fills p from off.
func (f *Faulty) ReadAt(p []byte, off int64) (int, error) {
	return f.move(CallReadAt, f.store.ReadAt, f.store.ReadAt, p, off)
}

// WriteAt writes p at off.
func (f *Faulty) WriteAt(p []byte, off int64) (int, error) {
	return f.move(CallWriteAt, f.store.WriteAt, f.store.WriteAt, p, off)
}

// TryReadAt would block where the store lacks it.
func (f *Faulty) TryReadAt(p []byte, off int64) (int, error) {
	try := wouldBlock
	if s, ok := f.store.(TryReader); ok {
		try = s.TryReadAt
	}
	return f.move(CallTryReadAt, try, f.store.ReadAt, p, off)
}

// TryWriteAt would block where the store lacks it.
func (f *Faulty) TryWriteAt(p []byte, off int64) (int, error) {
	try := wouldBlock
	if s, ok := f.store.(TryWriter); ok {
		try = s.TryWriteAt
	}
	return f.move(CallTryWriteAt, try, f.store.WriteAt, p, off)
}

func wouldBlock([]byte, int64) (int, error) { return 0, ErrWouldBlock }

// move does a call c by f, or the part of it that a rule leaves by some.
func (f *Faulty) move(c Call, all, some func([]byte, int64) (int, error), p []byte, off int64) (int, error) {
	short, err := f.meet(c, off, int64(len(p)))
	if err == nil {
		return all(p, off)
	}
	done := 0
	if short > 0 {
		done, _ = some(p[:min(short, len(p))], off)
	}
	return done, err
}

// Sync makes every write that has returned survive a power loss.
func (f *Faulty) Sync() error {
	if _, err := f.meet(CallSync, 0, f.store.Size()); err != nil {
		return err
	}
	return f.store.Sync()
}

// Unmap gives the n bytes at off back, or writes zeros.
func (f *Faulty) Unmap(off, n int64) error {
	if _, err := f.meet(CallUnmap, off, n); err != nil {
		return err
	}
	return unmap(f.store, off, n)
}

// Zero makes the n bytes at off zeros.
func (f *Faulty) Zero(off, n int64) error {
	if _, err := f.meet(CallZero, off, n); err != nil {
		return err
	}
	return zero(f.store, off, n)
}

// CopyFrom copies by the store. Where s is a Faulty too, it is a read of that one.
func (f *Faulty) CopyFrom(s Store, from, off, n int64) (shared bool, err error) {
	if _, ok := f.store.(Copier); !ok {
		return false, errors.ErrUnsupported
	}
	if _, err := f.meet(CallCopyFrom, off, n); err != nil {
		return false, err
	}
	if source, ok := s.(*Faulty); ok {
		if _, err := source.meet(CallReadAt, from, n); err != nil {
			return false, err
		}
		s = source.store
	}
	return copyFrom(f.store, s, from, off, n)
}

// Mapped tells whether the byte at off has space, and how far that holds.
func (f *Faulty) Mapped(off int64) (bool, int64, error) {
	if _, err := f.meet(CallMapped, off, 1); err != nil {
		return false, 0, err
	}
	return mapped(f.store, off)
}

// Shared is the store's.
func (f *Faulty) Shared(off int64) (bool, int64, error) { return shared(f.store, off) }

// Space is the store's.
func (f *Faulty) Space() (Space, error) { return measure(f.store) }

// Prefetch starts to read the n bytes at off.
func (f *Faulty) Prefetch(off, n int64) error {
	if _, err := f.meet(CallPrefetch, off, n); err != nil {
		return err
	}
	return prefetch(f.store, off, n)
}

// Resize makes the store size bytes long, if it can.
func (f *Faulty) Resize(size int64) error {
	if _, err := f.meet(CallResize, 0, size); err != nil {
		return err
	}
	return resize(f.store, size)
}

// Advice is the store's.
func (f *Faulty) Advice() Advice { return advise(f.store) }

// Close closes the store.
func (f *Faulty) Close() error { return f.store.Close() }
