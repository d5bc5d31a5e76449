package job

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/lunarsan/lunar/stream"
	"github.com/lunarsan/lunar/stream/retain"
)

// A Checker is an End that can tell what its account is not allowed to do with a volume of a job;
// the error names the way out.
type Checker interface {
	Check(ctx context.Context, volume string, destination bool) error
}

// A Finding is what was looked at of a job, and whether it is well.
type Finding struct {
	What    string   `json:"what"`
	Problem *Problem `json:"problem,omitempty"` // nil: it is well
}

// Check looks for what would make a run fail: ends that do not answer, volumes that are not there,
// permissions that are missing, replicas that have gone their own way; and promises that cannot be
// kept. It changes nothing.
func (r *Runner) Check(ctx context.Context, name string) ([]Finding, error) {
	w, err := r.worker(name)
	if err != nil {
		return nil, err
	}
	j := w.as()
	out := []Finding{j.punctual(time.Now())}
	far := false
	visited, unreached, err := r.visit(ctx, name, Ask{}, func(e *errand) error {
		out = append(out, e.check(ctx, e.sourceEnd, e.volume.Source, e.source, false))
		if e.destination == nil {
			return nil
		}
		far = true
		out = append(out, e.check(ctx, e.destinationEnd, e.out.Destination, e.destination, true))
		return e.plan(ctx, &VolumePlan{Takes: !e.job.Existing})
	})
	if err != nil && visited == nil {
		return append(out, Finding{where("source", j.sourcePeer()), problem(err)}), nil
	}
	if unreached != nil {
		out = append(out, Finding{where("destination", j.destinationPeer()), problem(unreached)})
	}
	for _, v := range visited {
		if far || v.Problem != nil {
			out = append(out, Finding{"the next run of " + v.Source, v.Problem})
		}
	}
	return out, err
}

func where(end, peer string) string {
	if peer == "" {
		return "the " + end
	}
	return fmt.Sprintf("the %s, peer %s", end, peer)
}

// check looks at a volume at one end.
func (e *errand) check(ctx context.Context, end End, name string, v stream.Volume, destination bool) Finding {
	f := Finding{What: "volume " + name}
	if destination {
		f.What = "replica " + name
	}
	s, err := stream.Look(ctx, v)
	if err == nil && !s.There && !destination {
		err = stream.ErrNoVolume
	}
	if c, ok := end.(Checker); ok && err == nil {
		err = c.Check(ctx, name, destination)
	}
	if err != nil {
		f.Problem = problem(err)
	}
	return f
}

// punctual compares what is promised with what the schedules can keep.
func (j *checked) punctual(now time.Time) Finding {
	f := Finding{What: "the schedule"}
	if len(j.schedules) == 0 {
		f.What = "no schedule: the job runs when it is asked to"
		return f
	}
	gap, at := time.Duration(0), now
	for range 100 { // times that it is due
		next := j.next(at)
		if next.IsZero() {
			break
		}
		if at != now {
			gap = max(gap, next.Sub(at))
		}
		at = next
	}
	if rpo := time.Duration(j.RPO); rpo > 0 && gap > rpo {
		f.Problem = &Problem{Says: fmt.Sprintf("a replica is to be no older than %s, and there is none for up to %s", j.RPO, retain.Span(gap.Round(time.Minute))),
			Way: "Have it run more often, or promise less."}
	}
	return f
}

// A Verified is what came of comparing a volume with its replica.
type Verified struct {
	Source  string          `json:"source"`
	Verdict *stream.Verdict `json:"verdict,omitempty"`
	Problem *Problem        `json:"problem,omitempty"` // they could not be compared
}

// Verify compares the volumes of a job with their replicas, at the newest snapshot that both have.
func (r *Runner) Verify(ctx context.Context, name string) ([]Verified, error) {
	var out []Verified
	w, err := r.worker(name)
	if err != nil {
		return nil, err
	}
	if s := w.status(); !s.Job.Replicates() {
		return nil, &stream.Refusal{Kind: stream.ErrNoVolume, Says: fmt.Sprintf("job %s makes no replicas", name), Way: "Give it a root: lunar job modify " + name + " --root ROOT"}
	}
	visited, far, err := r.visit(ctx, name, Ask{}, func(e *errand) error {
		if e.destination == nil {
			return nil
		}
		v, err := stream.Verify(ctx, e.source, e.destination, 0, nil)
		if err == nil {
			out = append(out, Verified{Source: e.volume.Source, Verdict: v})
		}
		return e.uncommon(ctx, err)
	})
	if err == nil {
		err = far
	}
	for _, v := range visited {
		if v.Problem != nil {
			out = append(out, Verified{Source: v.Source, Problem: v.Problem})
		}
	}
	return out, err
}

// uncommon says why both ends have no snapshot in common, as a run would say it.
func (e *errand) uncommon(ctx context.Context, err error) error {
	if !errors.Is(err, stream.ErrNoSnapshot) && !errors.Is(err, stream.ErrNoVolume) {
		return err
	}
	if refused := e.plan(ctx, &VolumePlan{Takes: !e.job.Existing}); refused != nil {
		return refused
	}
	return &stream.Refusal{Kind: stream.ErrNoSnapshot, Says: fmt.Sprintf("%s has nothing of %s yet", e.destination.Name(), e.source.Name()),
		Way: "lunar job run " + e.job.Name + " sends it."}
}
