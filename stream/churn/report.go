package churn

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// A Report says what changed, and where.
type Report struct {
	Intervals []Interval `json:"intervals"` // by when they end
	Seconds   float64    `json:"seconds"`   // that those cover of which it is known
	Written   int64      `json:"written"`   // bytes of the volumes
	Freed     int64      `json:"freed"`
	Sent      int64      `json:"sent"`              // bytes of the streams
	PerDay    *int64     `json:"per_day,omitempty"` // bytes written while those lasted of which it is known
	Units     List       `json:"units"`
	Machines  List       `json:"machines"`
	Disks     List       `json:"disks"` // virtual disks, and files that are of none
	Files     List       `json:"files"`
	Kinds     List       `json:"kinds"`
	Advice    []Advice   `json:"advice"`
}

// A List has lines, those with most changes first.
type List struct {
	Lines []Line `json:"lines"`
	Rest  *Line  `json:"rest,omitempty"` // the sum of lines that were left out
	More  int    `json:"more,omitempty"` // how many these are
}

// A Line is what changed in one place.
type Line struct {
	Name string `json:"name"`
	Unit string `json:"unit,omitempty"`
	Owner
	Written int64    `json:"written"`           // bytes
	Freed   int64    `json:"freed"`             // bytes
	Share   float64  `json:"share"`             // of all that was written, from 0 to 1
	PerDay  *int64   `json:"per_day,omitempty"` // bytes written; nil: not known how long it took
	Trend   *float64 `json:"trend,omitempty"`   // of the later half of the intervals against the earlier: 0.5 is half as much again; nil: there was nothing, or is but one
	Series  []int64  `json:"series"`            // bytes written by interval
}

// Report sums up. top is how many lines a list may have; 0: all.
func (t *Tally) Report(top int) *Report {
	r := &Report{Intervals: slices.Clone(t.steps), Advice: []Advice{}}
	order := make([]int, len(t.steps)) // the place of each step among the intervals
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return t.steps[a].End.Compare(t.steps[b].End) })
	for i, step := range order {
		r.Intervals[i] = t.steps[step]
		r.Written += r.Intervals[i].Written
		r.Freed += r.Intervals[i].Freed
		r.Sent += r.Intervals[i].Sent
	}
	r.Seconds = covered(r.Intervals)
	if r.Seconds > 0 {
		all := make([]int64, len(r.Intervals))
		for i := range all {
			all[i] = r.Intervals[i].Written
		}
		r.PerDay = r.perDay(all)
	}
	labels := map[string]bool{}
	for at := range t.rows {
		labels[at.Datastore] = true
	}
	delete(labels, "")
	n := naming{datastores: len(labels) > 1}
	list := func(by func(place) place, name func(place) string) List {
		return t.list(r, order, top, by, name)
	}
	r.Units = list(byUnit, func(p place) string { return p.unit })
	r.Machines = list(byMachine, n.machine)
	r.Disks = list(byDisk, n.file)
	r.Files = list(byFile, n.file)
	r.Kinds = list(byKind, func(p place) string { return p.Kind.Text() })
	r.Advice = append(r.Advice, t.advice(r.Written)...)
	return r
}

// covered is how many seconds intervals cover, those of different volumes at one time once. Those
// whose length is not known are left out.
func covered(intervals []Interval) float64 {
	byBegin := slices.SortedFunc(slices.Values(intervals), func(a, b Interval) int { return a.Begin.Compare(b.Begin) })
	var (
		until time.Time
		sum   time.Duration
	)
	for _, i := range byBegin {
		if i.seconds() == 0 {
			continue
		}
		if i.Begin.After(until) {
			until = i.Begin
		}
		if i.End.After(until) {
			sum += i.End.Sub(until)
			until = i.End
		}
	}
	return sum.Seconds()
}

// list adds rows up by a place that several have in common.
func (t *Tally) list(r *Report, order []int, top int, by func(place) place, name func(place) string) List {
	lines := map[place]*Line{}
	for at, row := range t.rows {
		p := by(at)
		l := lines[p]
		if l == nil {
			l = &Line{Name: name(p), Unit: p.unit, Owner: p.Owner, Series: make([]int64, len(order))}
			lines[p] = l
		}
		l.Written += row.sums.written
		l.Freed += row.freed
		for i, step := range order {
			if step < len(row.written) {
				l.Series[i] += row.written[step]
			}
		}
	}
	sorted := slices.SortedFunc(maps.Values(lines), func(a, b *Line) int {
		return cmp.Or(cmp.Compare(b.Written, a.Written), cmp.Compare(b.Freed, a.Freed), strings.Compare(a.Name, b.Name), strings.Compare(a.Unit, b.Unit))
	})
	list := List{Lines: []Line{}}
	for i, l := range sorted {
		switch {
		case top == 0 || i < top || len(sorted) == top+1: // a rest of one says less than that one
			l.figures(r)
			list.Lines = append(list.Lines, *l)
			continue
		case list.Rest == nil:
			list.Rest = &Line{Series: make([]int64, len(order))}
		}
		list.More++
		list.Rest.Written += l.Written
		list.Rest.Freed += l.Freed
		for k, n := range l.Series {
			list.Rest.Series[k] += n
		}
	}
	if list.Rest != nil {
		list.Rest.Name = fmt.Sprintf("%d others", list.More)
		list.Rest.figures(r)
	}
	return list
}

// day is how long one is (s).
const day = 24 * 60 * 60

// figures fills in what follows from the sums.
func (l *Line) figures(r *Report) {
	if r.Written > 0 {
		l.Share = float64(l.Written) / float64(r.Written)
	}
	if r.Seconds > 0 {
		l.PerDay = r.perDay(l.Series)
	}
	l.Trend = trend(l.Series, r.Intervals)
}

// perDay is what of a series was written in a day, while those intervals lasted of which that is
// known.
func (r *Report) perDay(series []int64) *int64 {
	var timed int64
	for i, n := range series {
		if r.Intervals[i].seconds() > 0 {
			timed += n
		}
	}
	n := int64(float64(timed) / r.Seconds * day)
	return &n
}

// trend compares how much is written in a second in the later half of intervals with the
// earlier half; where it is not known how long one was, all count as equally long.
func trend(series []int64, intervals []Interval) *float64 {
	if len(series) < 2 {
		return nil
	}
	timed := !slices.ContainsFunc(intervals, func(i Interval) bool { return i.seconds() == 0 })
	var written, lasted [2]float64
	for i, n := range series {
		half := 2 * i / len(series)
		written[half] += float64(n)
		if timed {
			lasted[half] += intervals[i].seconds()
		} else {
			lasted[half]++
		}
	}
	if written[0] == 0 {
		return nil
	}
	change := written[1]/lasted[1]/(written[0]/lasted[0]) - 1
	return &change
}

// PerDay is how much was written in a day (bytes) while an interval lasted; ok is false where
// that is not known.
func (i *Interval) PerDay() (n int64, ok bool) {
	s := i.seconds()
	if s == 0 {
		return 0, false
	}
	return int64(float64(i.Written) / s * day), true
}
