package sbd

import (
	"slices"
	"sync/atomic"
)

// A Range is N bytes at Off.
type Range struct{ Off, N int64 }

// A Watch tells whether some bytes of a unit have changed since it began. Whatever may change
// them counts: writes that failed, the store's going away, a resize that cuts them off.
type Watch struct {
	unit    *Unit
	ranges  []Range
	changed atomic.Bool
}

// Watch begins to watch ranges, which it keeps. Calls that are inside them now have ended when
// it returns. It always blocks, and the caller owes it a Stop.
func (u *Unit) Watch(op *Op, ranges []Range) (*Watch, error) {
	if !op.MayBlock {
		return nil, ErrWouldBlock
	}
	w := &Watch{unit: u, ranges: ranges}
	u.rewatch(func(all []*Watch) []*Watch { return append(all, w) })
	// Writers look for watches while they hold their range: those that did before this one was
	// there are gone once the range was had exclusively.
	for _, r := range ranges {
		if _, err := u.enter(op, r.Off, r.N, alone); err != nil {
			w.Stop()
			return nil, u.counts.fail(err)
		}
		u.leave(op)
	}
	return w, nil
}

// Changed reports whether any of the bytes may have changed. To know whether bytes that were
// read are those of the beginning, ask after reading them.
func (w *Watch) Changed() bool { return w.changed.Load() }

// Stop ends the watch.
func (w *Watch) Stop() {
	w.unit.rewatch(func(all []*Watch) []*Watch {
		return slices.DeleteFunc(all, func(o *Watch) bool { return o == w })
	})
}

// rewatch replaces the unit's watches by what f makes of a copy of them.
func (u *Unit) rewatch(f func([]*Watch) []*Watch) {
	u.mu.Lock()
	defer u.mu.Unlock()
	var all []*Watch
	if old := u.watches.Load(); old != nil {
		all = slices.Clone(*old)
	}
	if all = f(all); len(all) == 0 {
		u.watches.Store(nil)
		return
	}
	u.watches.Store(&all)
}

// touch tells the watches that the n bytes at off are about to change. The caller holds their
// lock.
func (u *Unit) touch(off, n int64) {
	if all := u.watches.Load(); all != nil {
		tell(*all, off, n)
	}
}

func tell(all []*Watch, off, n int64) {
	for _, w := range all {
		if !w.changed.Load() && w.covers(off, n) {
			w.changed.Store(true)
		}
	}
}

func (w *Watch) covers(off, n int64) bool {
	return slices.ContainsFunc(w.ranges, func(r Range) bool { return r.Off-off < n && off-r.Off < r.N })
}
