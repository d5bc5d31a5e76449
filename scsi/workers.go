package scsi

import (
	"errors"
	"slices"

	"github.com/lunarsan/lunar/sbd"
)

// A lane is a queue of tasks that may block, and the goroutines that run them: started as
// there is work, up to a limit, and ended when there is none. Guarded by taskSet.mu.
type lane struct {
	queue []*Task
	busy  int // workers
	limit int // of busy
}

const (
	bulk = iota // everything that blocks
	fast        // what must not wait behind it (express)
	laneCount
)

// The workers of a unit: each may hold an operating system thread in a blocking call.
const (
	bulkWorkers = 64
	fastWorkers = 4
)

func (s *taskSet) lane(t *Task) *lane {
	if t.row != nil && t.row.flags&express != 0 {
		return &s.lanes[fast]
	}
	return &s.lanes[bulk]
}

// enqueue leaves t to a worker. The caller holds s.mu.
func (s *taskSet) enqueue(t *Task) {
	s.move(t, queued)
	l := s.lane(t)
	if t.Attr == HeadOfQueue {
		l.queue = slices.Insert(l.queue, 0, t)
	} else {
		l.queue = append(l.queue, t)
	}
	if l.busy < l.limit {
		l.busy++
		go s.work(l)
	}
}

func (l *lane) remove(t *Task) {
	i := slices.Index(l.queue, t)
	l.queue = slices.Delete(l.queue, i, i+1)
}

// A handover is a result on its way from a worker to the task's port: the task has left the
// set, and its port does not have it yet. Guarded by taskSet.mu.
type handover struct {
	waiting barriers // functions that came meanwhile, which are to be answered after it
}

// work runs tasks of l until there are none.
func (s *taskSet) work(l *lane) {
	var h handover
	s.mu.Lock()
	defer s.mu.Unlock()
	for len(l.queue) > 0 {
		t := l.queue[0]
		l.queue[0] = nil
		l.queue = l.queue[1:]
		s.enable(t)
		s.mu.Unlock()
		s.complete(t, &h)
		s.mu.Lock()
	}
	l.busy--
	s.empty.Broadcast()
}

// complete runs t, which may block, and gives it back to its port, unless it has to wait for
// memory.
func (s *taskSet) complete(t *Task, h *handover) {
	t.mayBlock, t.op.MayBlock = true, true
	err := t.execute()
	if t.inWanted > 0 && errors.Is(err, sbd.ErrWouldBlock) {
		if waiting, gone := s.suspend(t); gone {
			t.Done(t)
			waiting.settle(false)
		}
		return
	}
	s.mu.Lock()
	waiting := s.leave(t)
	s.handovers = append(s.handovers, h)
	s.mu.Unlock()
	t.finish(err)
	t.Done(t)
	waiting.settle(true)

	s.mu.Lock()
	late := h.waiting
	h.waiting = nil
	i := slices.Index(s.handovers, h)
	s.handovers = slices.Delete(s.handovers, i, i+1)
	s.mu.Unlock()
	late.settle(false)
}
