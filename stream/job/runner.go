package job

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/lunarsan/lunar/stream"
)

// ErrNoJob says that the runner does not have the job.
var ErrNoJob = errors.New("there is no such job")

// ErrIdle says that no run is under way.
var ErrIdle = errors.New("no run is under way")

// Options are what a runner works with.
type Options struct {
	Open    Open
	Journal Journal
	// Ended hears of each run that has come to its end, well or not, but for those that were left
	// to another. nil: nobody does.
	Ended func(Job, Run)
	Log   *slog.Logger // nil: nothing is logged
}

// A Runner has jobs done when they are due. A job has a goroutine that heeds its schedules and
// takes its snapshots, and one that sends and prunes, so that snapshots are taken on time however
// long it takes to send them, and no job waits for another, unless both replicate to one volume.
type Runner struct {
	o      Options
	ctx    context.Context
	cancel context.CancelFunc

	mu      sync.Mutex
	workers map[string]*worker
	locks   map[string]chan struct{} // by destination; who has put something in has it
	all     sync.WaitGroup
}

// New starts a runner without jobs. It works until it is closed, or ctx ends.
func New(ctx context.Context, o Options) *Runner {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	r := &Runner{o: o, workers: make(map[string]*worker), locks: make(map[string]chan struct{})}
	r.ctx, r.cancel = context.WithCancel(ctx)
	return r
}

// Close ends all runs, and waits for them.
func (r *Runner) Close() {
	r.cancel()
	r.all.Wait()
}

// Set adds a job, or takes another form of it, which counts from its next run on.
func (r *Runner) Set(ctx context.Context, j Job) error {
	c, err := j.check()
	if err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if w := r.workers[j.Name]; w != nil {
		was := w.as()
		w.set(c)
		r.leave(was, c)
		return nil
	}
	s, err := r.o.Journal.Load(ctx, j.Name)
	if err != nil {
		return fmt.Errorf("reading what is known of job %s: %w", j.Name, err)
	}
	if s.Since.IsZero() {
		s.Since = time.Now().UTC()
		s.Heeded, s.Next = s.Since, 1
		if err := r.o.Journal.Save(ctx, j.Name, s); err != nil {
			return fmt.Errorf("keeping since when job %s is known: %w", j.Name, err)
		}
	}
	w := newWorker(r, c, s)
	r.workers[j.Name] = w
	r.all.Go(w.heed)
	r.all.Go(w.serve)
	return nil
}

// Delete ends a job, and takes away what it holds of its volumes at both ends. Where it cannot, the
// job goes on, unless force says that what it holds may stay.
func (r *Runner) Delete(ctx context.Context, name string, force bool) error {
	w, err := r.end(name)
	if err != nil {
		return err
	}
	if err = w.forget(ctx, force); err == nil {
		return nil
	}
	if force {
		r.forsake(name, err)
		return nil
	}
	return errors.Join(err, r.Set(context.WithoutCancel(ctx), w.job.Job))
}

// Remove ends a job. What it holds of its volumes is taken away while nobody waits for that.
func (r *Runner) Remove(name string) error {
	w, err := r.end(name)
	if err != nil {
		return err
	}
	r.all.Go(func() {
		if err := w.forget(r.ctx, true); err != nil {
			r.forsake(name, err)
		}
	})
	return nil
}

// end ends a job with the run that is under way, which would hold again what is let go of.
func (r *Runner) end(name string) (*worker, error) {
	r.mu.Lock()
	w := r.workers[name]
	delete(r.workers, name)
	r.mu.Unlock()
	if w == nil {
		return nil, fmt.Errorf("job %q: %w", name, ErrNoJob)
	}
	w.stop()
	return w, nil
}

// forsake leaves what a job holds where it is.
func (r *Runner) forsake(name string, why error) {
	r.o.Log.Warn("what a job holds stays where the job does not come any more: zfs release ends holds, zfs destroy bookmarks",
		"job", name, "tag", stream.Tag(name), "reason", why)
}

func (r *Runner) worker(name string) (*worker, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if w := r.workers[name]; w != nil {
		return w, nil
	}
	return nil, fmt.Errorf("job %q: %w", name, ErrNoJob)
}

// Statuses tells how all jobs are, by name.
func (r *Runner) Statuses() []Status {
	r.mu.Lock()
	defer r.mu.Unlock()
	out := make([]Status, 0, len(r.workers))
	for _, w := range r.workers {
		out = append(out, w.status())
	}
	slices.SortFunc(out, func(a, b Status) int { return strings.Compare(a.Job.Name, b.Job.Name) })
	return out
}

// Status tells how a job is.
func (r *Runner) Status(name string) (Status, error) {
	w, err := r.worker(name)
	if err != nil {
		return Status{}, err
	}
	return w.status(), nil
}

// History returns the runs of a job that are remembered, the newest at the end.
func (r *Runner) History(name string) ([]Run, error) {
	w, err := r.worker(name)
	if err != nil {
		return nil, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.state.Runs), nil
}

// An Ask is what somebody wants of a run that is not scheduled.
type Ask struct {
	Rollback bool          `json:"rollback,omitempty"` // see stream.Want
	Reseed   stream.Reseed `json:"reseed,omitempty"`
	NoTake   bool          `json:"no_take,omitempty"` // take no snapshot
}

// Run begins a run, also of a job that is paused, and returns its number. Status and History tell
// what becomes of it.
func (r *Runner) Run(ctx context.Context, name string, a Ask) (int64, error) {
	w, err := r.worker(name)
	if err != nil {
		return 0, err
	}
	if err := w.allows(a); err != nil {
		return 0, err
	}
	q := question{a, make(chan int64, 1)}
	select {
	case w.asks <- q:
	case <-ctx.Done():
		return 0, ctx.Err()
	case <-w.ctx.Done():
		return 0, fmt.Errorf("job %q: %w", name, ErrNoJob)
	}
	select {
	case n := <-q.number:
		return n, nil
	case <-ctx.Done():
		return 0, ctx.Err()
	case <-w.ctx.Done():
		return 0, fmt.Errorf("job %q: %w", name, ErrNoJob)
	}
}

// Cancel ends the run that is under way. ErrIdle.
func (r *Runner) Cancel(name string) error {
	w, err := r.worker(name)
	if err != nil {
		return err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.giveUp == nil {
		return fmt.Errorf("job %s: %w", name, ErrIdle)
	}
	w.giveUp()
	return nil
}

// Pause has the schedules of a job not count, and Resume has them count again, from now on. The
// run that is under way goes on.
func (r *Runner) Pause(name string) error { return r.pause(name, true) }

// Resume takes back Pause.
func (r *Runner) Resume(name string) error { return r.pause(name, false) }

func (r *Runner) pause(name string, paused bool) error {
	w, err := r.worker(name)
	if err != nil {
		return err
	}
	return w.change(func(s *State) {
		if s.Paused && !paused {
			s.Heeded = time.Now().UTC()
		}
		s.Paused = paused
	})
}

// lock waits for the destination to be free, and returns what frees it.
func (r *Runner) lock(ctx context.Context, destination string) (unlock func(), err error) {
	r.mu.Lock()
	l := r.locks[destination]
	if l == nil {
		l = make(chan struct{}, 1)
		r.locks[destination] = l
	}
	r.mu.Unlock()
	select {
	case l <- struct{}{}:
		return func() { <-l }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}
