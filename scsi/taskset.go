package scsi

import (
	"errors"
	"sync"

	"github.com/lunarsan/lunar/internal/buffer"
	"github.com/lunarsan/lunar/sbd"
)

// A taskSet holds the tasks of a unit, from Prepare until they leave with a result or without
// one, and decides which may run (SAM-5, task set management).
//
//	Prepare          Submit
//	  ───▶ gathering ──┬──────────────── its turn ───────────▶ enabled ───▶ outside
//	                   └▶ dormant ─ its turn ▶ queued ─ worker ──▶ │
//	                                             ▲◀─ would block ──┤
//	                                             └── parked ◀──────┘ no memory for Data-In
//
// A task is older than all that were prepared after it, whatever it waits for.
type taskSet struct {
	mu             sync.Mutex
	oldest, newest *Task
	ordered, heads int         // tasks that are ORDERED; submitted ones that are HEAD OF QUEUE
	in             [stages]int // tasks by stage
	lanes          [laneCount]lane
	handing        []*worker // those that hand a result over
	empty          sync.Cond // there may be no task and no worker left; its lock is mu
	solitary       int       // tasks that wait to be alone
	quiet          sync.Cond // a single task may be enabled; its lock is mu
}

// queueEntry is a task's place in its set; guarded by taskSet.mu.
type queueEntry struct {
	older, newer *Task
	next         *Task // in a lane's queue
	stage        stage
	parking      *parking // while parked
	waiting      barriers // for this task to run no more, while enabled
	tellAborted  bool     // the one who aborts wants it to end with TASK ABORTED
	aborted      bool     // ended without a result
}

type stage uint8

const (
	outside   stage = iota // in no task set
	gathering              // prepared: Data-Out may be on its way
	dormant                // submitted: waits for its turn
	queued                 // waits for a worker
	parked                 // waits for memory
	enabled                // its handler runs
	stages
)

// parking is the place of a parked task in the pool's queue, which cannot be left: when the
// task no longer waits, its parking stays behind empty. Guarded by taskSet.mu.
type parking struct {
	task *Task
	want int // bytes of Data-In
}

func (s *taskSet) init() {
	s.empty.L, s.quiet.L = &s.mu, &s.mu
	s.lanes[bulk].limit, s.lanes[fast].limit, s.lanes[slow].limit = bulkWorkers, fastWorkers, slowWorkers
}

// enter puts t, which is being prepared, into the set.
func (s *taskSet) enter(t *Task) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.move(t, gathering)
	t.queued.older = s.newest
	if s.newest != nil {
		s.newest.queued.newer = t
	} else {
		s.oldest = t
	}
	s.newest = t
	if t.Attr == Ordered {
		s.ordered++
	}
}

// submit runs t here and now if it is its turn and nothing makes it wait: true. Otherwise it
// hands t over, which is then not to be touched: false. With here, the caller may be the one to
// go on with it.
func (s *taskSet) submit(t *Task, here bool) (done bool, errand *Errand) {
	s.mu.Lock()
	if t.queued.stage == outside { // aborted while it gathered
		s.mu.Unlock()
		return true, nil
	}
	if !s.turn(t) {
		s.mu.Unlock()
		return s.postpone(t), nil
	}
	s.enable(t)
	s.mu.Unlock()

	err := t.execute()
	if err != nil && errors.Is(err, sbd.ErrWouldBlock) {
		if here {
			if errand = s.errand(t); errand != nil {
				return false, errand
			}
		}
		waiting, gone := s.suspend(t)
		waiting.settle(false)
		return gone, nil
	}
	s.mu.Lock()
	waiting := s.leave(t)
	s.mu.Unlock()
	t.finish(err)
	waiting.settle(true)
	return true, nil
}

// turn reports whether t may run: SIMPLE waits for older ORDERED ones, ORDERED for all older
// ones, and both for every HEAD OF QUEUE (SAM-5, task attributes). The last count from Submit
// on, so that one whose Data-Out never comes holds nobody up.
func (s *taskSet) turn(t *Task) bool {
	switch {
	case t.Attr == HeadOfQueue:
		return true
	case s.heads > 0:
		return false
	case t.Attr == Ordered:
		return s.oldest == t
	case s.ordered == 0:
		return true
	}
	for o := t.queued.older; o != nil; o = o.queued.older {
		if o.Attr == Ordered {
			return false
		}
	}
	return true
}

func (s *taskSet) enable(t *Task) {
	if t.Attr == HeadOfQueue && t.queued.stage == gathering {
		s.heads++
	}
	s.move(t, enabled)
}

func (s *taskSet) move(t *Task, to stage) {
	s.in[t.queued.stage]--
	s.in[to]++
	t.queued.stage = to
	if s.solitary > 0 && s.in[enabled] <= s.solitary {
		s.quiet.Broadcast()
	}
}

// alone waits for a moment at which nothing runs but the task that asks. Whoever may not run
// beside it has to be refused from before on.
func (s *taskSet) alone() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.solitary++
	for s.in[enabled] > s.solitary {
		s.quiet.Wait()
	}
	s.solitary--
}

// postpone leaves t to wait for its turn: false. True: it was aborted meanwhile.
func (s *taskSet) postpone(t *Task) bool {
	t.keepOut()
	s.mu.Lock()
	defer s.mu.Unlock()
	if t.queued.stage == outside {
		return true
	}
	s.move(t, dormant)
	s.advance()
	return false
}

// advance queues the dormant tasks whose turn has come. Where they wait for nothing but tasks
// that wait for memory, one of these gets some beyond the budget: the dormant ones may hold
// what it waits for.
func (s *taskSet) advance() {
	if s.in[dormant] == 0 {
		return
	}
	for t := s.oldest; t != nil && s.heads == 0; t = t.queued.newer {
		if t.queued.stage == dormant && (t.Attr != Ordered || t == s.oldest) {
			s.enqueue(t)
		}
		if t.Attr == Ordered {
			break
		}
	}
	if s.in[dormant] == 0 || s.in[parked] == 0 || s.in[queued]+s.in[enabled] > 0 {
		return
	}
	t := s.oldest
	for t.queued.stage != parked {
		t = t.queued.newer
	}
	s.unpark(t, t.nexus.pool.Overdraw(t.queued.parking.want))
}

// suspend takes t out of the running, since its handler would have to block: it waits for
// memory or for a worker. gone: it was to be aborted, and has left the set. The caller settles
// waiting, after it has told the port of one that is gone.
func (s *taskSet) suspend(t *Task) (waiting barriers, gone bool) {
	t.keepOut()
	s.mu.Lock()
	waiting, t.queued.waiting = t.queued.waiting, nil
	if t.cancel.Load() {
		s.drop(t)
		s.advance()
		s.mu.Unlock()
		return waiting, true
	}
	if t.inWanted == 0 {
		s.enqueue(t)
		s.mu.Unlock()
		return waiting, false
	}
	p, pool := &parking{t, t.inWanted}, t.nexus.pool
	t.queued.parking = p
	s.move(t, parked)
	s.advance()
	s.mu.Unlock()
	pool.GetLater(p.want, func(b *buffer.Buffer) { s.granted(p, b) })
	return waiting, false
}

// granted gives b to the task in p, if it still waits.
func (s *taskSet) granted(p *parking, b *buffer.Buffer) {
	s.mu.Lock()
	waits := p.task != nil
	if waits {
		s.unpark(p.task, b)
	}
	s.mu.Unlock()
	if !waits {
		b.Put()
	}
}

// unpark goes on with t, which gets b.
func (s *taskSet) unpark(t *Task, b *buffer.Buffer) {
	t.inBuf = b
	t.queued.parking.task, t.queued.parking = nil, nil
	s.enqueue(t)
}

// leave takes t, whose handler has ended, out of the set. Whoever waits for that is settled
// by the caller, who holds s.mu, after t's port has got the result.
func (s *taskSet) leave(t *Task) barriers {
	waiting := t.queued.waiting
	s.unlink(t)
	s.advance()
	return waiting
}

// abandon takes t, which will not be submitted, out of the set.
func (s *taskSet) abandon(t *Task) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if t.queued.stage != outside {
		s.unlink(t)
		s.advance()
	}
}

// abort aborts the tasks that match; tell: they end with TASK ABORTED status rather than in
// silence. Those that run are asked to end soon (Task.cancelled), and b waits for them; the
// others are back at their ports when abort returns, unless their ports still gather Data-Out
// for them. b also waits for the results that workers are handing to their ports, so that none
// of them comes after the answer to the function. It returns how many matched.
func (s *taskSet) abort(b *barrier, match func(*Task) bool, tell func(*Task) bool) int {
	var dropped []*Task
	n := 0
	s.mu.Lock()
	for t := s.oldest; t != nil; {
		next := t.queued.newer
		if match(t) {
			n++
			t.queued.tellAborted = tell(t)
			switch t.queued.stage {
			case enabled:
				t.cancel.Store(true)
				t.queued.waiting = append(t.queued.waiting, b)
				b.left.Add(1)
			case gathering:
				s.drop(t)
			default:
				s.drop(t)
				dropped = append(dropped, t)
			}
		}
		t = next
	}
	for _, w := range s.handing {
		w.waiting = append(w.waiting, b)
		b.left.Add(1)
	}
	s.advance()
	s.mu.Unlock()
	for _, t := range dropped {
		t.Done(t)
	}
	return n
}

// await makes b wait until the tasks that match and run have ended or wait again, which is
// when they meet the checks once more.
func (s *taskSet) await(b *barrier, match func(*Task) bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for t := s.oldest; t != nil; t = t.queued.newer {
		if t.queued.stage == enabled && match(t) {
			t.queued.waiting = append(t.queued.waiting, b)
			b.left.Add(1)
		}
	}
}

// drop takes t out of the set without a result, wherever it waits.
func (s *taskSet) drop(t *Task) {
	waited := t.queued.stage != gathering
	switch t.queued.stage {
	case queued:
		s.lane(t).remove(t)
	case parked:
		t.queued.parking.task = nil
	}
	s.unlink(t)
	t.In, t.InLen = nil, 0 // what an attempt that would block had reserved
	if t.queued.tellAborted {
		t.Status = TaskAborted
	} else {
		t.queued.aborted = true
	}
	if waited {
		t.cutShort()
	}
}

// unlink takes t out of the set.
func (s *taskSet) unlink(t *Task) {
	q := &t.queued
	if q.older != nil {
		q.older.queued.newer = q.newer
	} else {
		s.oldest = q.newer
	}
	if q.newer != nil {
		q.newer.queued.older = q.older
	} else {
		s.newest = q.older
	}
	switch {
	case t.Attr == Ordered:
		s.ordered--
	case t.Attr == HeadOfQueue && q.stage != gathering:
		s.heads--
	}
	q.older, q.newer, q.waiting = nil, nil, nil
	s.move(t, outside)
	if s.oldest == nil {
		s.empty.Broadcast()
	}
}

// visit lets g, a guest that runs elsewhere, into the set as one that runs.
func (s *taskSet) visit(g *Task) {
	s.enter(g)
	s.mu.Lock()
	defer s.mu.Unlock()
	if g.queued.stage == gathering {
		s.enable(g)
	} else { // aborted already
		g.cancel.Store(true)
	}
}

// part lets a guest out of the set, and those go on that waited for it.
func (s *taskSet) part(g *Task) {
	s.mu.Lock()
	var waiting barriers
	if g.queued.stage == enabled {
		waiting = s.leave(g)
	}
	s.mu.Unlock()
	waiting.settle(true)
}

// has reports whether a task in the set matches.
func (s *taskSet) has(match func(*Task) bool) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for t := s.oldest; t != nil; t = t.queued.newer {
		if match(t) {
			return true
		}
	}
	return false
}

// drain waits until no task is in the set and no worker runs.
func (s *taskSet) drain() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for s.oldest != nil || s.lanes[bulk].busy+s.lanes[fast].busy+s.lanes[slow].busy > 0 {
		s.empty.Wait()
	}
}
