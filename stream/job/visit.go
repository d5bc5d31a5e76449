package job

import (
	"context"
	"errors"
	"slices"

	"github.com/lunarsan/lunar/stream"
)

// visit goes to both ends of a job, at once or not at all, and calls f with each of its volumes.
// What f fails with is a problem of that volume's. Where the destination does not answer, far has
// why, and f is called all the same, without it.
func (r *Runner) visit(ctx context.Context, name string, a Ask, f func(e *errand) error) (out []VolumeRun, far error, err error) {
	w, err := r.worker(name)
	if err != nil {
		return nil, nil, err
	}
	return w.visit(ctx, a, f)
}

func (w *worker) visit(ctx context.Context, a Ask, f func(e *errand) error) (out []VolumeRun, far error, err error) {
	if err := w.allows(a); err != nil {
		return nil, nil, err
	}
	j := w.as()
	source, err := w.r.o.Open(ctx, &j.Job, j.sourcePeer())
	if err != nil {
		return nil, nil, err
	}
	defer func() { err = errors.Join(err, source.Close()) }()
	var destination End
	if j.Replicates() {
		if destination, far = w.r.o.Open(ctx, &j.Job, j.destinationPeer()); far == nil {
			defer func() { err = errors.Join(err, destination.Close()) }()
		}
	}
	out = make([]VolumeRun, len(j.Volumes))
	for i, v := range j.Volumes {
		e := errand{worker: w, job: j, ask: a, volume: v, out: &out[i]}
		err := e.find(ctx, source, destination)
		if err == nil {
			err = errors.Join(f(&e), e.far)
		}
		if err != nil {
			e.out.Problem = problem(err)
		}
	}
	return out, far, ctx.Err()
}

// A VolumePlan is what a run would do for a volume.
type VolumePlan struct {
	Source  string       `json:"source"`
	Takes   bool         `json:"takes,omitempty"` // a snapshot first, which Plan does not have
	Plan    *stream.Plan `json:"plan,omitempty"`
	Pruned  []Pruned     `json:"pruned,omitempty"` // that would be, if nothing else were done
	Problem *Problem     `json:"problem,omitempty"`
}

// Plan tells what a run would do now, with the lengths of the streams, and does nothing. The
// snapshot that the run would take first is not in it.
func (r *Runner) Plan(ctx context.Context, name string, a Ask) ([]VolumePlan, error) {
	var out []VolumePlan
	visited, far, err := r.visit(ctx, name, a, func(e *errand) error {
		p := VolumePlan{Source: e.volume.Source, Takes: !e.job.Existing && !e.ask.NoTake}
		err := e.plan(ctx, &p)
		out = append(out, p)
		return err
	})
	if err = errors.Join(err, far); err != nil {
		return nil, err
	}
	return joined(out, visited), nil
}

// joined puts the problems of the visit to what came of it.
func joined(plans []VolumePlan, visited []VolumeRun) []VolumePlan {
	out := make([]VolumePlan, len(visited))
	for i, v := range visited {
		out[i].Source = v.Source
		for _, p := range plans {
			if p.Source == v.Source {
				out[i] = p
			}
		}
		out[i].Problem = v.Problem
	}
	return out
}

func (e *errand) plan(ctx context.Context, p *VolumePlan) error {
	source, err := e.lookHere(ctx)
	if err != nil {
		return err
	}
	decided := e.decideHere(ctx, source)
	if e.destination != nil {
		destination, err := stream.Look(ctx, e.destination)
		if err != nil {
			return err
		}
		p.Plan, err = stream.NewPlan(source, destination, e.job.want(e.ask))
		if errors.Is(err, stream.ErrNoSnapshot) && p.Takes {
			return nil // it will have one
		}
		if err != nil {
			return err
		}
		if err := p.Plan.Estimate(ctx, e.source); err != nil {
			return err
		}
		decided = append(decided, e.decideThere(ctx, source, destination)...)
	}
	p.Pruned = dropped(decided)
	return nil
}

// Prune destroys what the rules do not keep, or only tells what it would destroy. Where the
// destination does not answer the error says so, beside what became of the source.
func (r *Runner) Prune(ctx context.Context, name string, dry bool) ([]VolumeRun, error) {
	out, far, err := r.visit(ctx, name, Ask{}, func(e *errand) error {
		if dry {
			here, there, err := e.decide(ctx, e.destination != nil)
			e.out.Pruned = dropped(slices.Concat(here, there))
			return err
		}
		if e.destination == nil {
			return e.prune(ctx, false)
		}
		unlock, err := e.r.lock(ctx, e.place())
		if err != nil {
			return err
		}
		defer unlock()
		return e.prune(ctx, true)
	})
	if far != nil {
		err = errors.Join(err, far)
	}
	return out, err
}

// forget takes away what the job holds of its volumes: at the source only when that is done at the
// destination, so that a job that has to stay has its chain, unless force says that it has not.
func (w *worker) forget(ctx context.Context, force bool) error {
	visited, far, err := w.visit(ctx, Ask{}, func(e *errand) (err error) {
		if e.destination != nil {
			err = stream.Forget(ctx, e.destination, e.job.Name)
		}
		if lacks := e.destination == nil && e.job.Replicates(); force || err == nil && !lacks {
			err = errors.Join(err, stream.Forget(ctx, e.source, e.job.Name))
		}
		return err
	})
	return errors.Join(err, far, problems(visited))
}

// problems are those of all volumes.
func problems(visited []VolumeRun) (err error) {
	for _, v := range visited {
		if v.Problem != nil {
			err = errors.Join(err, errors.New(v.Problem.Says))
		}
	}
	return err
}
