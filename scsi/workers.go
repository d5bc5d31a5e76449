package scsi

import (
	"errors"
	"slices"

	"github.com/lunarsan/lunar/sbd"
)

// A lane is a queue of tasks that may block, and the goroutines that run them: started as
// there is work, up to a limit, and ended when there is none. Guarded by taskSet.mu.
type lane struct {
	first, last *Task // linked by queueEntry.next
	busy        int   // workers that run
	limit       int   // of busy
	resting     []*worker
}

const (
	bulk = iota // everything that blocks
	fast        // what must not wait behind it (express)
	slow        // what could take all of it for long (lengthy)
	laneCount
)

// The workers of a unit: each may hold an operating system thread in a blocking call.
const (
	bulkWorkers = 64
	fastWorkers = 4
	slowWorkers = 8
)

func (s *taskSet) lane(t *Task) *lane {
	switch {
	case t.row == nil:
	case t.row.flags&express != 0:
		return &s.lanes[fast]
	case t.row.flags&lengthy != 0:
		return &s.lanes[slow]
	}
	return &s.lanes[bulk]
}

// enqueue leaves t to a worker. The caller holds s.mu.
func (s *taskSet) enqueue(t *Task) {
	s.move(t, queued)
	l := s.lane(t)
	l.push(t)
	if l.busy < l.limit {
		l.busy++
		go s.worker(l).run()
	}
}

// push puts t last, or first if it is HEAD OF QUEUE.
func (l *lane) push(t *Task) {
	switch {
	case l.first == nil:
		l.first, l.last = t, t
	case t.Attr == HeadOfQueue:
		t.queued.next, l.first = l.first, t
	default:
		l.last.queued.next, l.last = t, t
	}
}

// pop takes the first task; nil: there is none.
func (l *lane) pop() *Task {
	t := l.first
	if t != nil {
		l.remove(t)
	}
	return t
}

// remove takes t, which is in the queue, out of it.
func (l *lane) remove(t *Task) {
	var before *Task
	for o := l.first; o != t; o = o.queued.next {
		before = o
	}
	if before == nil {
		l.first = t.queued.next
	} else {
		before.queued.next = t.queued.next
	}
	if l.last == t {
		l.last = before
	}
	t.queued.next = nil
}

// A worker is a goroutine that runs the tasks of a lane, one after the other. It is kept when
// it ends: to start it again allocates nothing.
type worker struct {
	run    func() // the goroutine
	errand Errand

	// waiting are functions that came while the worker hands a result over: the task has left
	// the set, and its port does not have it yet. They are answered after it. Guarded by
	// taskSet.mu.
	waiting barriers
}

// worker returns one for l that does not run. The caller holds s.mu.
func (s *taskSet) worker(l *lane) *worker {
	if n := len(l.resting); n > 0 {
		w := l.resting[n-1]
		l.resting = l.resting[:n-1]
		return w
	}
	w := &worker{}
	w.run = func() { s.work(l, w) }
	w.errand = Errand{set: s, lane: l, worker: w}
	w.errand.left = w.errand.Run
	return w
}

// An Errand is a task that whoever submitted it has kept, to do what a worker would: it runs
// already, as far as others can see, and blocks when it really does.
type Errand struct {
	set    *taskSet
	lane   *lane
	worker *worker
	task   *Task
	left   func() // Run, on a goroutine of its own
}

// errand returns t, which would block, as an errand; nil: it is to be left to a worker, since it
// waits for memory, could take long, or finds workers that are at it.
func (s *taskSet) errand(t *Task) *Errand {
	t.keepOut()
	s.mu.Lock()
	defer s.mu.Unlock()
	l := s.lane(t)
	if t.inWanted > 0 || t.cancel.Load() || l == &s.lanes[slow] || l.busy > 0 {
		return nil
	}
	l.busy++
	e := &s.worker(l).errand
	e.task = t
	return e
}

// Run does it. t.Done is called before it returns, unless t now waits for memory.
func (e *Errand) Run() {
	s, l, w, t := e.set, e.lane, e.worker, e.task
	e.task = nil
	s.complete(t, w)
	s.mu.Lock()
	defer s.mu.Unlock()
	if l.first != nil { // that is not the caller's
		go w.run()
		return
	}
	s.retire(l, w)
}

// Leave leaves it to a worker.
func (e *Errand) Leave() { go e.left() }

// work runs tasks of l until there are none.
func (s *taskSet) work(l *lane, w *worker) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for t := l.pop(); t != nil; t = l.pop() {
		s.enable(t)
		s.mu.Unlock()
		s.complete(t, w)
		s.mu.Lock()
	}
	s.retire(l, w)
}

// retire keeps w, which has nothing to do any more. The caller holds s.mu.
func (s *taskSet) retire(l *lane, w *worker) {
	l.busy--
	l.resting = append(l.resting, w)
	s.empty.Broadcast()
}

// complete runs t, which may block, and gives it back to its port, unless it has to wait for
// memory.
func (s *taskSet) complete(t *Task, w *worker) {
	t.mayBlock, t.op.MayBlock = true, true
	err := t.execute()
	if t.inWanted > 0 && errors.Is(err, sbd.ErrWouldBlock) {
		waiting, gone := s.suspend(t)
		if gone {
			t.Done(t)
		}
		waiting.settle(false)
		return
	}
	cut := errors.Is(err, errCancelled)
	s.mu.Lock()
	waiting := t.queued.waiting
	if cut {
		s.drop(t)
	} else {
		s.unlink(t)
	}
	s.advance()
	s.handing = append(s.handing, w)
	s.mu.Unlock()
	if !cut {
		t.finish(err)
	}
	t.Done(t)
	waiting.settle(!cut)

	s.mu.Lock()
	late := w.waiting
	w.waiting = nil
	i := slices.Index(s.handing, w)
	s.handing = slices.Delete(s.handing, i, i+1)
	s.mu.Unlock()
	late.settle(false)
}
