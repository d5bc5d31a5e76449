package stream

import (
	"fmt"
	"slices"
)

// A Want is what somebody wants of a replication.
type Want struct {
	Job   string // whose holds and bookmarks keep the chain; empty: nobody's
	Until string // the snapshot to arrive at; empty: the newest
	Every bool   // each snapshot up to there, rather than that one alone
	// History has the first stream be of the oldest snapshot rather than of the newest, so that
	// all before follow. It needs Every.
	History bool
	// Rollback gives up what is in the way at the destination and newer than what both have,
	// Reseed all that is there.
	Rollback bool
	Reseed   Reseed
	// Form says how blocks travel: Compressed, Large, Embedded and Raw of it count.
	Form Send
}

// A Reseed is how a destination may be given up, to start again. What was begun beside it is gone on
// with, whatever is wanted then, but for a Rollback to what both have.
type Reseed string

// The ways to start again; empty: not at all.
const (
	Beside  Reseed = "beside"  // where there is need: what is there goes when the first stream has come whole
	Anyway  Reseed = "anyway"  // the same, also where there is no need
	Discard Reseed = "discard" // where there is need: the snapshots that are there go first
)

// MarshalText is the way as it is written.
func (r Reseed) MarshalText() ([]byte, error) { return []byte(r), nil }

// UnmarshalText takes the ways that there are.
func (r *Reseed) UnmarshalText(text []byte) error {
	switch way := Reseed(text); way {
	case "", Beside, Anyway, Discard:
		*r = way
		return nil
	}
	return fmt.Errorf("%q is no way to start again: there are %s, %s and %s", text, Beside, Anyway, Discard)
}

// A Plan is how a destination comes to have what a source has.
type Plan struct {
	Source      string    `json:"source"` // names of volumes
	Destination string    `json:"destination"`
	Newest      *Snapshot `json:"newest,omitempty"` // of the source
	Common      *Snapshot `json:"common,omitempty"` // the newest that both have, as it is at the source; may be a bookmark there
	Steps       []Step    `json:"steps"`            // none: there is nothing to send
	// Discards are the destination's snapshots that Rollback or Reseed gives up: with Beside when
	// the first stream has come whole.
	Discards []Snapshot `json:"discards,omitempty"`
	Beside   bool       `json:"beside,omitempty"`
}

// A Step is one thing to do.
type Step struct {
	Kind    Kind      `json:"kind"`
	From    *Snapshot `json:"from,omitempty"` // of the source; nil: a full stream
	To      Snapshot  `json:"to"`             // of the source; what Destroy is about, of the destination
	Send    Send      `json:"-"`
	Receive Receive   `json:"-"`
	Bytes   int64     `json:"bytes"` // about how long the stream will be; -1: not known
}

// A Kind is what a step does.
type Kind string

// The kinds of steps.
const (
	Abandon   Kind = "abandon" // throw away what came of a stream that cannot be gone on with
	Destroy   Kind = "destroy" // end a snapshot of the destination, to start again
	Full      Kind = "full"
	Increment Kind = "increment"
	Resume    Kind = "resume" // go on with a stream that was cut
)

// Streams reports whether the step sends something.
func (s *Step) Streams() bool { return s.Kind == Full || s.Kind == Increment || s.Kind == Resume }

// whole reports whether all that the step would send has come already.
func (s *Step) whole() bool { return s.Kind == Resume && s.Send.Token == "" }

// NewPlan plans the way from what the destination has to what is wanted, by the GUIDs on both
// sides. Errors are a *Refusal.
func NewPlan(source, destination Side, w Want) (*Plan, error) {
	p := &planner{Want: w, source: source, destination: destination, Plan: Plan{Source: source.Name, Destination: destination.Name}}
	target, err := p.target()
	if err != nil {
		return nil, err
	}
	base, err := p.base(target)
	if err != nil {
		return nil, err
	}
	base = p.goOn(base, target)
	p.stream(base, target)
	if first := slices.IndexFunc(p.Steps, func(s Step) bool { return s.Streams() }); first >= 0 {
		p.Steps[first].Receive.Anew = p.Beside
		p.Steps[first].Receive.Rollback = !p.Beside && (w.Rollback || p.empties)
	}
	return &p.Plan, nil
}

// A planner makes a plan. Places are positions in the source's list, which is oldest first; none
// is -1.
type planner struct {
	Want
	Plan
	source, destination Side
	empties             bool // the destination's snapshots go first
}

// none is where there is no place.
const none = -1

// target is where to arrive at.
func (p *planner) target() (int, error) {
	for at, s := range slices.Backward(p.source.Snapshots) {
		if !s.Bookmark && (p.Until == "" || s.Name == p.Until) {
			p.Newest = &p.source.Snapshots[at]
			return at, nil
		}
	}
	says := fmt.Sprintf("%s has no snapshot yet", p.source.Name)
	if p.Until != "" {
		says = fmt.Sprintf("%s has no snapshot %s", p.source.Name, p.Until)
	}
	return 0, &Refusal{Kind: ErrNoSnapshot, Says: says, Way: "Take one first."}
}

// base is what the first stream goes on from; none: it is full.
func (p *planner) base(target int) (int, error) {
	d := &p.destination
	snapshots := d.real()
	if !d.There {
		p.Beside = d.Partial.whole()
		return none, nil
	}
	at, newer := p.source.meet(snapshots)
	if at != none {
		p.Common = &p.source.Snapshots[at]
	}
	if begun := p.begun(target) && (at == none || !p.Rollback); begun || at == none || p.Reseed == Anyway {
		return none, p.reseed(snapshots, begun)
	}
	if at >= target || len(newer) == 0 {
		return at, nil
	}
	if !p.Rollback {
		return 0, p.diverged(newer)
	}
	if err := p.keeps(newer, "--rollback"); err != nil {
		return 0, err
	}
	p.Discards = newer
	return at, nil
}

// begun reports whether a full stream of a snapshot that leads to the target has begun to come.
func (p *planner) begun(target int) bool {
	part := p.destination.Partial
	return part != nil && part.From == 0 && p.leads(part, target)
}

// leads reports whether the rest of what was cut can be had, on the way to the target.
func (p *planner) leads(part *Partial, target int) bool {
	to := p.source.find(part.GUID)
	return to != none && to <= target && !p.source.Snapshots[to].Bookmark
}

// reseed starts again, where nothing leads on from what is there, or goes on with that.
func (p *planner) reseed(snapshots []Snapshot, begun bool) error {
	if p.Reseed == "" && !begun {
		return p.unrelated(snapshots)
	}
	if err := p.keeps(snapshots, "--reseed"); err != nil {
		return err
	}
	p.Discards = snapshots
	if p.Reseed != Discard {
		p.Beside = true
		return nil
	}
	p.empties = true
	if p.destination.Partial != nil {
		p.abandon()
	}
	for _, s := range snapshots {
		p.Steps = append(p.Steps, Step{Kind: Destroy, To: s})
	}
	return nil
}

// goOn takes up what was cut, where the way leads over it, and returns what is then the base.
func (p *planner) goOn(base, target int) int {
	d := &p.destination
	if d.Partial == nil || p.empties {
		return base
	}
	to := p.source.find(d.Partial.GUID)
	fits := p.leads(d.Partial, target) && (len(p.Discards) == 0 || p.Beside)
	if base == none {
		fits = fits && d.Partial.From == 0
	} else {
		fits = fits && to > base && d.Partial.From == p.source.Snapshots[base].GUID
	}
	if !fits {
		if base < target { // otherwise nothing is received, and it is in nobody's way
			p.abandon()
		}
		return base
	}
	p.add(Resume, base, to)
	s := &p.Steps[len(p.Steps)-1]
	if s.Send.Token = d.Partial.Token; s.whole() {
		s.Bytes = 0
	}
	return to
}

func (p *planner) abandon() {
	part := p.destination.Partial
	p.Steps = append(p.Steps, Step{Kind: Abandon, To: Snapshot{Name: part.Name, GUID: part.GUID}, Bytes: part.Bytes})
}

// stream adds the streams from base to target.
func (p *planner) stream(base, target int) {
	for at := base + 1; at <= target; at++ {
		first := base == none
		switch {
		case p.source.Snapshots[at].Bookmark:
			continue
		case at == target:
		case !p.Every, first && !p.History:
			continue
		}
		kind := Increment
		if first {
			kind = Full
		}
		p.add(kind, base, at)
		base = at
	}
}

// add adds a stream.
func (p *planner) add(kind Kind, base, to int) {
	s := Step{Kind: kind, To: p.source.Snapshots[to], Send: p.Form, Bytes: -1}
	s.Send.Snapshot, s.Send.From, s.Send.Token = s.To.Name, "", ""
	if base != none {
		s.From = &p.source.Snapshots[base]
		s.Send.From = s.From.Name
		if s.From.Bookmark {
			s.Send.From = "#" + s.From.Name
		}
	}
	p.Steps = append(p.Steps, s)
}
