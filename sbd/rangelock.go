package sbd

import (
	"context"
	"math"
	"sync"
)

// A rangeLock orders calls that touch the same bytes. Ordinary calls hold their range
// shared, which never conflicts with shared; atomic ones hold it exclusively.
//
// It is fair: a hold waits for every conflicting hold that asked earlier, whether that one
// is granted or waits itself, so that neither kind starves. An ordinary call looks only at
// the exclusive holds, which are few; with none it costs one uncontended mutex.
//
// The range [gate, 0) stands for the store as such. Calls that touch no particular bytes
// hold it shared, and [gate, math.MaxInt64) exclusively is the whole unit, drained; a hold that
// lets reads pass is drained of all else.
type rangeLock struct {
	mu                sync.Mutex
	waiting           int    // holds not granted yet
	asked             uint64 // holds ever
	shared, exclusive holdList
}

const (
	gate  = -1
	whole = math.MaxInt64
)

// A hold is one call's claim on the bytes [off, end). It is a node of its rangeLock's lists,
// embedded in an Op so that locking allocates nothing.
type hold struct {
	off, end   int64
	exclusive  bool
	reads      bool // only reads
	passReads  bool // exclusive, but for reads
	asked      uint64
	ahead      int // conflicting holds that asked earlier and have not let go; 0: granted
	prev, next *hold
	granted    chan struct{} // made by the first wait, kept for later ones
}

// lock claims [off, end) for h. If it cannot have it at once, it waits, or without wait
// returns false and claims nothing.
func (l *rangeLock) lock(h *hold, off, end int64, exclusive, wait bool) bool {
	l.mu.Lock()
	l.ask(h, off, end, exclusive)
	if h.ahead > 0 && !wait {
		l.mu.Unlock()
		return false
	}
	l.enter(h)
	ahead := h.ahead
	l.mu.Unlock()
	if ahead > 0 {
		<-h.granted
	}
	return true
}

// lockWithin is lock, and waits until ctx ends: then it returns its error and claims nothing.
func (l *rangeLock) lockWithin(ctx context.Context, h *hold, off, end int64, exclusive bool) error {
	l.mu.Lock()
	l.ask(h, off, end, exclusive)
	l.enter(h)
	ahead := h.ahead
	l.mu.Unlock()
	if ahead == 0 {
		return nil
	}
	select {
	case <-h.granted:
		return nil
	case <-ctx.Done():
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if h.ahead == 0 {
		<-h.granted // all the same
	} else {
		l.waiting--
	}
	l.leave(h)
	return ctx.Err()
}

// ask makes h a claim on [off, end), and finds how many are ahead of it.
func (l *rangeLock) ask(h *hold, off, end int64, exclusive bool) {
	h.off, h.end, h.exclusive = off, end, exclusive
	h.ahead = l.exclusive.overlaps(h)
	if exclusive {
		h.ahead += l.shared.overlaps(h)
	}
}

// enter puts h, which waits for h.ahead others, behind all who asked before.
func (l *rangeLock) enter(h *hold) {
	l.asked++
	h.asked = l.asked
	l.list(h).push(h)
	if h.ahead > 0 {
		l.waiting++
		if h.granted == nil {
			h.granted = make(chan struct{}, 1)
		}
	}
}

// unlock lets go of h's claim and grants the holds that waited for nothing else.
func (l *rangeLock) unlock(h *hold) {
	l.mu.Lock()
	l.leave(h)
	l.mu.Unlock()
}

func (l *rangeLock) leave(h *hold) {
	l.list(h).remove(h)
	if l.waiting > 0 {
		l.step(&l.exclusive, h)
		if h.exclusive {
			l.step(&l.shared, h)
		}
	}
}

// lockBoth claims from's range shared and into's exclusively, and waits for both. Nobody's claim
// comes between the two: calls that claim two ranges cannot wait for each other. The ranges may
// overlap.
func (l *rangeLock) lockBoth(from, into *hold) {
	l.mu.Lock()
	l.ask(from, from.off, from.end, false)
	l.ask(into, into.off, into.end, true)
	var waits []*hold
	for _, h := range []*hold{from, into} {
		if l.enter(h); h.ahead > 0 {
			waits = append(waits, h)
		}
	}
	l.mu.Unlock()
	for _, h := range waits {
		<-h.granted
	}
}

// unlockBoth lets go of the claims of lockBoth.
func (l *rangeLock) unlockBoth(from, into *hold) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.shared.remove(from)
	l.exclusive.remove(into)
	if l.waiting > 0 {
		l.step(&l.exclusive, from)
		l.step(&l.exclusive, into)
		l.step(&l.shared, into)
	}
}

// step tells the holds of list that waited for a hold that it is gone: those that overlap it and
// asked later.
func (l *rangeLock) step(list *holdList, gone *hold) {
	for h := list.first; h != nil; h = h.next {
		if h.asked < gone.asked || !h.overlaps(gone) {
			continue
		}
		if h.ahead--; h.ahead == 0 {
			l.waiting--
			h.granted <- struct{}{}
		}
	}
}

func (l *rangeLock) list(h *hold) *holdList {
	if h.exclusive {
		return &l.exclusive
	}
	return &l.shared
}

// overlaps says whether two holds share bytes, and are not ones that pass each other.
func (h *hold) overlaps(o *hold) bool {
	return h.off < o.end && o.off < h.end && !(h.reads && o.passReads || h.passReads && o.reads)
}

// A holdList is a doubly linked list of holds in order of asking.
type holdList struct{ first, last *hold }

func (l *holdList) push(h *hold) {
	h.prev, h.next = l.last, nil
	if l.last == nil {
		l.first = h
	} else {
		l.last.next = h
	}
	l.last = h
}

func (l *holdList) remove(h *hold) {
	if h.prev == nil {
		l.first = h.next
	} else {
		h.prev.next = h.next
	}
	if h.next == nil {
		l.last = h.prev
	} else {
		h.next.prev = h.prev
	}
	h.prev, h.next = nil, nil
}

// overlaps counts the holds that share a byte with h.
func (l *holdList) overlaps(h *hold) (n int) {
	for o := l.first; o != nil; o = o.next {
		if o.overlaps(h) {
			n++
		}
	}
	return n
}
