package stream

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
)

// Options say how a replication is carried out.
type Options struct {
	Want
	// Retry says how long to wait after an error that may pass, and whether to try again at all;
	// failures counts those since anything last came through. nil: never again.
	Retry func(failures int, err error) (time.Duration, bool)
	// Progress hears of each piece that was sent. nil: nobody does.
	Progress func(Progress)
}

// A Progress is how far a replication has come.
type Progress struct {
	Step  Step  `json:"step"`
	Nth   int   `json:"nth"` // of the steps of the plan, from 1
	Of    int   `json:"of"`
	Bytes int64 `json:"bytes"` // of the step's stream; Step.Bytes is about how many there will be
}

// An Outcome is what came of a replication, whether or not it came to its end.
type Outcome struct {
	Done     []Done   `json:"done,omitempty"`
	Failures []string `json:"failures,omitempty"` // that were tried again after
	Notes    []string `json:"notes,omitempty"`    // what is not as it should be, and does no harm yet
	// Newest is the newest snapshot that is known to be at both ends; nil: none is.
	Newest *Snapshot `json:"newest,omitempty"`
}

// A Done is a step that was done.
type Done struct {
	Kind  Kind          `json:"kind"`
	From  string        `json:"from,omitempty"`
	To    string        `json:"to"`
	GUID  uint64        `json:"guid,string"`
	Bytes int64         `json:"bytes"` // that were sent
	Took  time.Duration `json:"took"`
}

// Replicate has the destination come to have what the source has. It plans, does each step, and
// plans again after a failure, so it does not matter what the failure left. Where the plan was
// overtaken by what the volumes did meanwhile it plans again at once, with or without Retry.
// Nothing but Rollback and Reseed of the options has it give up anything of the destination's.
// Errors that time does not mend are a *Refusal, or of a kind in errors.go.
func Replicate(ctx context.Context, source, destination Volume, o Options) (out Outcome, err error) {
	r := &replication{Options: o, source: source, destination: destination, out: &out,
		chain: chain{source: source, destination: destination, job: o.Job, notes: &out.Notes}}
	for failures := 1; ; failures++ {
		err := r.once(ctx)
		if err == nil || ctx.Err() != nil {
			return out, err
		}
		if r.moved {
			failures, r.moved, r.relooked = 1, false, false
		}
		wait, again := time.Duration(0), outdated(err) && !r.relooked
		switch {
		case again:
			r.relooked = true
		case o.Retry != nil && !lasts(err):
			wait, again = o.Retry(failures, err)
		}
		if !again {
			return out, err
		}
		if len(out.Failures) < maxFailures {
			out.Failures = append(out.Failures, err.Error())
		}
		select {
		case <-ctx.Done():
			return out, errors.Join(ctx.Err(), err)
		case <-time.After(wait):
		}
	}
}

// maxFailures is how many failures an Outcome tells of, the first ones.
const maxFailures = 20

// lasts reports whether an error is of those that trying again does not mend.
func lasts(err error) bool {
	var refusal *Refusal
	if errors.As(err, &refusal) {
		return true
	}
	for _, kind := range []error{ErrNoVolume, ErrHeld, ErrCloned, ErrSpace, ErrForbidden, ErrExists} {
		if errors.Is(err, kind) {
			return true
		}
	}
	return false
}

// outdated reports whether an error says that a volume is not any more as it was when it was looked
// at: a stream whose sender has died may go on arriving for a while, and even arrive; and others
// destroy snapshots. A *Refusal was told by what was just looked at.
func outdated(err error) bool {
	var refusal *Refusal
	if errors.As(err, &refusal) {
		return false
	}
	for _, kind := range []error{ErrToken, ErrBase, ErrExists, ErrNoSnapshot} {
		if errors.Is(err, kind) {
			return true
		}
	}
	return false
}

type replication struct {
	Options
	source, destination Volume
	chain               chain
	out                 *Outcome
	moved               bool   // something has come through since the last failure
	relooked            bool   // and since then it was planned again at once
	useless             string // a token that the source does not take
	durable             int64  // how much of a stream that was cut the destination had when it was last asked
}

// once plans, and does what is planned.
func (r *replication) once(ctx context.Context) error {
	source, destination, err := r.look(ctx)
	if err != nil {
		return err
	}
	plan, err := NewPlan(source, destination, r.Want)
	if err != nil {
		return err
	}
	if err := r.chain.let(ctx, plan.Discards); err != nil {
		return err
	}
	for i := range plan.Steps {
		if err := r.step(ctx, &plan.Steps[i], i+1, len(plan.Steps)); err != nil {
			return err
		}
	}
	if len(plan.Steps) > 0 {
		if source, destination, err = r.look(ctx); err != nil {
			return err
		}
	}
	if at, _ := source.meet(destination.real()); at != none {
		r.out.Newest = &source.Snapshots[at]
	}
	return r.chain.settle(ctx, &source, &destination)
}

func (r *replication) look(ctx context.Context) (source, destination Side, err error) {
	if source, err = Look(ctx, r.source); err != nil {
		return source, destination, err
	}
	if destination, err = Look(ctx, r.destination); err != nil {
		return source, destination, err
	}
	if !source.There {
		return source, destination, fmt.Errorf("%s: %w", source.Name, ErrNoVolume)
	}
	p := destination.Partial
	if p == nil {
		r.durable = 0
		return source, destination, nil
	}
	r.moved = r.moved || p.Bytes > r.durable
	r.durable = p.Bytes
	if r.useless != "" && p.Token == r.useless {
		lost := *p
		lost.GUID = 0 // nothing has it, so the plan throws it away
		destination.Partial = &lost
	}
	return source, destination, nil
}

// step does a step.
func (r *replication) step(ctx context.Context, s *Step, nth, of int) error {
	start := time.Now()
	done := Done{Kind: s.Kind, To: s.To.Name, GUID: s.To.GUID}
	if s.From != nil {
		done.From = s.From.Name
	}
	var err error
	switch s.Kind {
	case Abandon:
		err = r.destination.Abandon(ctx)
	case Destroy:
		err = r.destination.Destroy(ctx, s.To.Name)
	default:
		if err = r.chain.secure(ctx, s); err == nil {
			done.Bytes, err = r.send(ctx, s, nth, of)
		}
	}
	if err != nil {
		return fmt.Errorf("%s %s of %s to %s: %w", s.Kind, called(&s.To), r.source.Name(), r.destination.Name(), r.explain(s, err))
	}
	if s.Streams() && s.From == nil {
		r.Reseed = "" // it is done, and what follows goes on from it, also after a failure
	}
	done.Took = time.Since(start)
	r.out.Done = append(r.out.Done, done)
	r.moved = true
	return nil
}

// send has a stream go from one volume to the other.
func (r *replication) send(ctx context.Context, s *Step, nth, of int) (int64, error) {
	if r.Progress != nil && !s.whole() {
		if n, err := r.source.Estimate(ctx, s.Send); err == nil {
			s.Bytes = n
		}
	}
	from, err := r.open(ctx, s)
	if errors.Is(err, ErrToken) {
		r.useless = s.Send.Token
	}
	if err != nil {
		return 0, err
	}
	in := &counter{in: from, tell: r.Progress, at: Progress{Step: *s, Nth: nth, Of: of}}
	got, err := r.destination.Receive(ctx, in, s.Receive)
	closed := from.Close()
	switch {
	case err != nil:
		return in.at.Bytes, err
	case got.GUID != s.To.GUID:
		return in.at.Bytes, fmt.Errorf("%w: %s arrived as %s", ErrStream, called(&s.To), called(&got))
	}
	return in.at.Bytes, closed
}

// open begins the stream of a step.
func (r *replication) open(ctx context.Context, s *Step) (io.ReadCloser, error) {
	if s.whole() {
		return io.NopCloser(strings.NewReader("")), nil
	}
	return r.source.Send(ctx, s.Send)
}

// explain has an error say the way out where there is one.
func (r *replication) explain(s *Step, err error) error {
	switch {
	case errors.Is(err, ErrChanged) && s.From != nil:
		return &Refusal{Kind: ErrChanged, Says: fmt.Sprintf("%v; the newest that both have is %s", err, called(s.From)), Flag: "--rollback",
			Way: fmt.Sprintf("--rollback gives up what was written to %s since.", r.destination.Name())}
	case errors.Is(err, ErrSpace) && s.Receive.Anew:
		return &Refusal{Kind: ErrSpace, Says: err.Error(), Flag: "--reseed=discard",
			Way: fmt.Sprintf("--reseed=discard gives up the snapshots of %s first, and what has come.", r.destination.Name())}
	}
	return err
}

// A counter tells how far a stream has come.
type counter struct {
	in   io.Reader
	tell func(Progress)
	at   Progress
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.in.Read(p)
	c.at.Bytes += int64(n)
	if c.tell != nil {
		c.tell(c.at)
	}
	return n, err
}

// Estimate fills in how long the streams of the plan will be.
func (p *Plan) Estimate(ctx context.Context, source Volume) error {
	for i := range p.Steps {
		s := &p.Steps[i]
		if !s.Streams() || s.whole() {
			continue
		}
		n, err := source.Estimate(ctx, s.Send)
		if err != nil {
			return fmt.Errorf("estimating %s of %s: %w", called(&s.To), p.Source, err)
		}
		s.Bytes = n
	}
	return nil
}
