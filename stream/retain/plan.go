package retain

import (
	"cmp"
	"slices"
	"time"
)

// A Snapshot is what is to be known of one to decide about it.
type Snapshot struct {
	Name    string
	GUID    uint64
	Created time.Time
	// Guards are why it stays, whatever the rule says, in words: "held by lunar:offsite".
	Guards []string
}

// A Setting is when and where a rule is applied.
type Setting struct {
	Now    time.Time
	Zone   *time.Location // whose calendar counts; nil: UTC
	MinAge time.Duration  // nothing younger is dropped
}

// Plan decides about snapshots, which may come in any order, and returns the verdicts oldest
// first. The newest is never dropped, and neither is one that has a guard.
func (r Rule) Plan(s Setting, all []Snapshot) []Verdict {
	if s.Zone == nil {
		s.Zone = time.UTC
	}
	out := make([]Verdict, len(all))
	for i, snapshot := range all {
		out[i] = Verdict{Snapshot: snapshot, zone: s.Zone}
	}
	slices.SortFunc(out, func(a, b Verdict) int { return older(a.Snapshot, b.Snapshot) })
	for i := range out {
		r.judge(s, out, i)
	}
	for kind, p := range r.parts()[:len(periods)] {
		keepOldest(out, kind, *p.count)
	}
	return out
}

// older orders snapshots by age, and those of one moment by their names, which tell the time where
// they are made by rule.
func older(a, b Snapshot) int {
	return cmp.Or(a.Created.Compare(b.Created), cmp.Compare(a.Name, b.Name), cmp.Compare(a.GUID, b.GUID))
}

// judge gives all reasons to keep out[i] that have nothing to do with the calendar.
func (r Rule) judge(s Setting, out []Verdict, i int) {
	v := &out[i]
	for _, guard := range v.Guards {
		v.keep(reason{why: guarded, text: guard})
	}
	age := s.Now.Sub(v.Created)
	// Times may be whole seconds: the newest may be any of those of one moment.
	if v.Created.Equal(out[len(out)-1].Created) {
		v.keep(reason{why: newest})
	}
	if s.MinAge > 0 && age < s.MinAge {
		v.keep(reason{why: tooYoung, span: Span(s.MinAge)})
	}
	if r.Everything() {
		v.keep(reason{why: noRule})
	}
	if n := len(out) - i; n <= r.Last {
		v.keep(reason{why: amongLast, place: n, count: r.Last})
	}
	if r.Within > 0 && age < time.Duration(r.Within) {
		v.keep(reason{why: within, span: r.Within})
	}
}

// keepOldest keeps the oldest snapshot of each of the newest count periods that have one.
func keepOldest(out []Verdict, kind, count int) {
	if count == 0 {
		return
	}
	type oldest struct {
		number int64
		at     int // in out
	}
	var found []oldest
	for i, v := range out {
		n := v.period(kind)
		if len(found) == 0 || found[len(found)-1].number != n {
			found = append(found, oldest{n, i})
		}
	}
	// Where clocks are put back over midnight a day is there twice, with another in between.
	slices.SortStableFunc(found, func(a, b oldest) int { return cmp.Compare(a.number, b.number) })
	found = slices.CompactFunc(found, func(a, b oldest) bool { return a.number == b.number })

	for i := range out {
		in, _ := slices.BinarySearchFunc(found, out[i].period(kind), func(o oldest, n int64) int { return cmp.Compare(o.number, n) })
		r := reason{kind: kind, place: len(found) - in, count: count}
		switch {
		case r.place > count:
			r.why = periodPassed
			out[i].pass(r)
		case found[in].at != i:
			r.why, r.text = notOldest, out[found[in].at].Name
			out[i].pass(r)
		default:
			r.why = oldestOf
			out[i].keep(r)
		}
	}
}
