package job

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/lunarsan/lunar/stream"
)

// A worker does one job. heed runs on one goroutine, serve on another.
type worker struct {
	r      *Runner
	ctx    context.Context
	cancel context.CancelFunc
	ended  sync.WaitGroup

	wake  chan struct{} // the schedules, or the state, are others
	asks  chan question
	taken time.Time       // when heed took a snapshot last
	begun chan assignment // room for one: what waits there is left to what comes next

	mu      sync.Mutex
	job     *checked
	state   State
	next    time.Time // when a run is due; zero: never
	running *Running
	giveUp  context.CancelFunc
}

// allows refuses what the destination is known not to do.
func (w *worker) allows(a Ask) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.job.AppendOnly || !a.Rollback && a.Reseed == "" {
		return nil
	}
	return &stream.Refusal{Kind: stream.ErrForbidden, Says: fmt.Sprintf("the destination of job %s is append-only: nothing is given up there from here", w.job.Name),
		Way: "Have its own machine roll it back, or send to another root."}
}

// A question asks for a run, and is told its number.
type question struct {
	Ask
	number chan int64
}

// An assignment is a run whose snapshots were taken.
type assignment struct {
	job *checked
	ask Ask
	run Run
}

func newWorker(r *Runner, j *checked, s State) *worker {
	w := &worker{r: r, job: j, state: s, wake: make(chan struct{}, 1), asks: make(chan question), begun: make(chan assignment, 1)}
	w.ctx, w.cancel = context.WithCancel(r.ctx)
	if n := len(s.Runs); n > 0 {
		w.taken = s.Runs[n-1].Ended // or before
	}
	w.ended.Add(2)
	w.reckon()
	return w
}

func (w *worker) stop() {
	w.cancel()
	w.ended.Wait()
}

// set makes the job another. Other schedules count from now on: what they would have asked for before
// was not missed.
func (w *worker) set(j *checked) {
	w.mu.Lock()
	other := !slices.Equal(w.job.Schedules, j.Schedules) || w.job.Zone != j.Zone
	moved := j.moved(&w.job.Job)
	w.job = j
	if other {
		w.state.Heeded = time.Now().UTC()
	}
	if moved {
		w.state.Replicas = nil // there are none yet
	}
	w.reckon()
	w.mu.Unlock()
	w.nudge()
	if other || moved {
		w.note(func(*State) {})
	}
}

// as is the job as it is now.
func (w *worker) as() *checked {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.job
}

func (w *worker) nudge() {
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// change changes what is remembered, and keeps it.
func (w *worker) change(f func(*State)) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	f(&w.state)
	w.reckon()
	w.nudge()
	s := w.state
	s.Replicas = maps.Clone(s.Replicas)
	return w.r.o.Journal.Save(context.WithoutCancel(w.ctx), w.job.Name, s)
}

// note is change where nobody waits for the answer.
func (w *worker) note(f func(*State)) {
	if err := w.change(f); err != nil {
		w.r.o.Log.Error("what is known of a job cannot be kept", "job", w.job.Name, "reason", err)
	}
}

// longestNap is how long a worker sleeps at most: the clock may be set meanwhile.
const longestNap = 5 * time.Minute

// late is how late a run may be that is not counted as missed.
const late = longestNap + time.Minute

// heed begins runs when they are due, or asked for.
func (w *worker) heed() {
	defer w.ended.Done()
	for {
		now := time.Now()
		due := w.due(now)
		if !due.IsZero() && !due.After(now) {
			trigger := Scheduled
			if now.Sub(due) > late {
				trigger = Missed
			}
			w.begin(trigger, due, question{})
			continue
		}
		nap := longestNap
		if !due.IsZero() {
			nap = min(nap, due.Sub(now))
		}
		timer := time.NewTimer(nap)
		select {
		case <-w.ctx.Done():
		case <-timer.C:
		case <-w.wake:
		case q := <-w.asks:
			w.begin(Asked, time.Time{}, q)
		}
		timer.Stop()
		if w.ctx.Err() != nil {
			return
		}
	}
}

// due is when a run is due next; zero: never. What is due more than once by now is due once.
func (w *worker) due(now time.Time) time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.state.Heeded.After(now) { // the clock was set back
		w.state.Heeded = now.UTC()
		w.reckon()
	}
	return w.next
}

// reckon finds when a run is due.
func (w *worker) reckon() {
	w.next = time.Time{}
	if !w.state.Paused {
		w.next = w.job.next(w.state.Heeded)
	}
}

// next is the earliest moment after another at which a schedule is due; zero: none is.
func (j *checked) next(after time.Time) (first time.Time) {
	for i := range j.schedules {
		if at := j.schedules[i].Next(after.In(j.zone)); !at.IsZero() && (first.IsZero() || at.Before(first)) {
			first = at
		}
	}
	return first
}

// begin takes the snapshots of a run, and hands it to serve.
func (w *worker) begin(trigger Trigger, due time.Time, q question) {
	w.mu.Lock()
	a := assignment{job: w.job, ask: q.Ask, run: Run{Number: w.state.Next, Trigger: trigger, Due: due.UTC(), Started: time.Now().UTC()}}
	w.mu.Unlock()
	w.note(func(s *State) {
		s.Next++
		if trigger != Asked {
			s.Heeded = a.run.Started
		}
	})
	if q.number != nil {
		q.number <- a.run.Number
	}
	if !a.job.Existing && !q.NoTake {
		if err := w.take(w.ctx, a.job, &a.run); err != nil {
			a.run.Problem = problem(err)
		}
	}
	select {
	case waits := <-w.begun: // this run does its work, too
		a.ask.Rollback = a.ask.Rollback || waits.ask.Rollback
		a.ask.Reseed = cmp.Or(a.ask.Reseed, waits.ask.Reseed)
		waits.run.Left, waits.run.Ended = true, time.Now().UTC()
		w.note(func(s *State) { s.remember(waits.run) })
	default:
	}
	w.begun <- a // there is room: nobody else puts anything in
}

// serve does what has begun.
func (w *worker) serve() {
	defer w.ended.Done()
	for {
		select {
		case <-w.ctx.Done():
			return
		case a := <-w.begun:
			w.finish(a)
		}
	}
}

// finish does the rest of a run, and remembers it.
func (w *worker) finish(a assignment) {
	ctx, cancel := context.WithCancel(w.ctx)
	defer cancel()
	w.mu.Lock()
	w.giveUp, w.running = cancel, &Running{Number: a.run.Number, Started: a.run.Started, Volumes: make(map[string]stream.Progress)}
	w.mu.Unlock()
	w.work(ctx, &a)
	a.run.Ended = time.Now().UTC()
	w.note(func(s *State) { s.remember(a.run) })
	w.mu.Lock()
	w.giveUp, w.running = nil, nil
	w.mu.Unlock()
	if w.r.o.Ended != nil {
		w.r.o.Ended(a.job.Job, a.run)
	}
}

// problem puts an error into words, with the way out where the error knows one.
func problem(err error) *Problem {
	p := &Problem{Says: err.Error()}
	var refused *stream.Refusal
	var knows interface{ WayOut() string }
	switch {
	case errors.As(err, &refused):
		p.Way, p.Flag = refused.Way, refused.Flag
	case errors.As(err, &knows):
		p.Way = knows.WayOut()
	}
	return p
}
