package retain

import (
	"fmt"
	"strings"
	"time"
)

// A Verdict is what becomes of a snapshot.
type Verdict struct {
	Snapshot
	Keep bool

	zone     *time.Location
	fors     []reason // why it is kept
	againsts []reason // why parts of the rule do not ask for it
}

func (v *Verdict) keep(r reason) { v.Keep, v.fors = true, append(v.fors, r) }
func (v *Verdict) pass(r reason) { v.againsts = append(v.againsts, r) }

// period is the number of the period that the snapshot was made in.
func (v *Verdict) period(kind int) int64 { return periods[kind].number(v.Created.In(v.zone)) }

// Why says why the snapshot is kept, or why nothing keeps it.
func (v *Verdict) Why() string {
	reasons := v.fors
	if !v.Keep {
		reasons = v.againsts
	}
	var words []string
	for _, r := range reasons {
		words = append(words, r.say(v))
	}
	if len(words) == 0 {
		return "nothing in the rule asks for it" // a rule that has no periods
	}
	return strings.Join(words, "; ")
}

// A reason speaks for a snapshot, or against it. What its fields mean depends on why.
type reason struct {
	why   why
	text  string
	span  Span
	kind  int // of the period
	place int // of the period, or of the snapshot, counted from the newest: 1
	count int // that the rule promises
}

type why int

const (
	guarded why = iota // by what text says
	newest
	tooYoung
	noRule
	amongLast
	within
	oldestOf
	periodPassed
	notOldest // text is
)

// say puts the reason into words.
func (r *reason) say(v *Verdict) string {
	switch r.why {
	case guarded:
		return r.text
	case newest:
		return "the newest"
	case tooYoung:
		return fmt.Sprintf("younger than %s, the least age", r.span)
	case noRule:
		return "no rule"
	case amongLast:
		return fmt.Sprintf("last=%d: %d", r.count, r.place)
	case within:
		return fmt.Sprintf("within=%s", r.span)
	}
	p, part := &periods[r.kind], (&Rule{}).parts()[r.kind].name
	label := p.label(v.Created.In(v.zone))
	switch r.why {
	case oldestOf:
		return fmt.Sprintf("%s=%d: first of %s %s (%d)", part, r.count, p.noun, label, r.place)
	case notOldest:
		return fmt.Sprintf("%s: %s has %s %s", part, r.text, p.noun, label)
	default:
		return fmt.Sprintf("%s: %s %s has passed", part, p.noun, label)
	}
}
