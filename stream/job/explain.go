package job

import (
	"context"
	"errors"
	"time"

	"github.com/lunarsan/lunar/stream"
)

// An Explanation is why the snapshots of a volume are where they are.
type Explanation struct {
	Source      string           `json:"source"`
	Destination string           `json:"destination,omitempty"`
	Common      *stream.Snapshot `json:"common,omitempty"`  // the newest that both ends have
	Partial     *stream.Partial  `json:"partial,omitempty"` // what came of a stream that was cut
	Here        []Explained      `json:"here"`              // the source's, oldest first
	There       []Explained      `json:"there,omitempty"`
	Steps       int              `json:"steps"`             // that the next run would do
	Problem     *Problem         `json:"problem,omitempty"` // why it would do none
}

// An Explained is a snapshot, and what the job thinks of it.
type Explained struct {
	Name    string    `json:"name"`
	GUID    uint64    `json:"guid,string"`
	Created time.Time `json:"created"`
	Keep    bool      `json:"keep"`
	Why     string    `json:"why"`            // it is kept, or goes with the next prune
	Sent    string    `json:"sent,omitempty"` // of the source: whether the destination has it, or why not; of the destination: whether the source has it
}

// Explain tells of each snapshot of a job's volumes why it is kept, and why it is or is not at the
// other end. Where the destination does not answer, it tells of the source, and the error says so.
func (r *Runner) Explain(ctx context.Context, name string) ([]Explanation, error) {
	var out []Explanation
	visited, far, err := r.visit(ctx, name, Ask{}, func(e *errand) error {
		x := Explanation{Source: e.volume.Source, Destination: e.out.Destination}
		err := e.explain(ctx, &x)
		out = append(out, x)
		return err
	})
	if err != nil {
		return nil, err
	}
	for _, v := range visited {
		found := false
		for i := range out {
			if out[i].Source == v.Source {
				found, out[i].Problem = true, v.Problem
			}
		}
		if !found {
			out = append(out, Explanation{Source: v.Source, Problem: v.Problem})
		}
	}
	return out, far
}

func (e *errand) explain(ctx context.Context, x *Explanation) error {
	source, err := e.lookHere(ctx)
	if err != nil {
		return err
	}
	for _, d := range e.decideHere(ctx, source) {
		x.Here = append(x.Here, d.explained())
	}
	if e.destination == nil {
		return nil
	}
	destination, err := stream.Look(ctx, e.destination)
	if err != nil {
		return err
	}
	for _, d := range e.decideThere(ctx, source, destination) {
		x.There = append(x.There, d.explained())
	}
	x.Common, x.Partial = stream.Common(source, destination), destination.Partial
	plan, refused := stream.NewPlan(source, destination, e.job.want(e.ask))
	passed := map[uint64]bool{} // older than what both have
	for i := range source.Snapshots {
		if x.Common == nil || source.Snapshots[i].GUID == x.Common.GUID {
			break
		}
		passed[source.Snapshots[i].GUID] = true
	}
	e.explainSent(x, plan, passed)
	if plan != nil {
		x.Steps = len(plan.Steps)
	}
	if errors.Is(refused, stream.ErrNoSnapshot) && !e.job.Existing {
		return nil // the next run takes one
	}
	return refused
}

func (d *decision) explained() Explained {
	return Explained{Name: d.Name, GUID: d.GUID, Created: d.Created, Keep: d.Keep, Why: d.why()}
}

// explainSent says of each snapshot whether the other end has it. There is no plan where it was
// refused.
func (e *errand) explainSent(x *Explanation, plan *stream.Plan, passed map[uint64]bool) {
	here, there, next := map[uint64]bool{}, map[uint64]bool{}, map[uint64]bool{}
	for _, s := range x.Here {
		here[s.GUID] = true
	}
	for _, s := range x.There {
		there[s.GUID] = true
	}
	if plan != nil {
		for _, s := range plan.Steps {
			next[s.To.GUID] = s.Streams()
		}
	}
	for i := range x.Here {
		s := &x.Here[i]
		switch {
		case there[s.GUID]:
			s.Sent = "is there"
		case next[s.GUID]:
			s.Sent = "is sent next"
		case plan == nil:
			s.Sent = "is not sent: there is no way"
		case x.Common != nil && passed[s.GUID]:
			s.Sent = "is not sent: the destination has a newer one"
		case x.Common == nil:
			s.Sent = "is not sent: the first run begins with the newest"
		default:
			s.Sent = "is not sent: the job sends the newest alone"
		}
	}
	for i := range x.There {
		s := &x.There[i]
		if s.Sent = "is not at the source"; here[s.GUID] {
			s.Sent = "is at the source"
		}
	}
}
