package main

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/lunarsan/lunar/internal/control"
)

// A topRow is what one thing did between two looks.
type topRow struct {
	Name  string `json:"name"`
	About string `json:"about,omitempty"` // alias, or where it comes from
	control.Load
}

// A topView is one way to look: by unit, by initiator, by session.
type topView struct {
	key    byte
	name   string // of what a row is
	titles [2]string
	rows   func(before, after *control.Statistics) []topRow
}

var topViews = [...]topView{
	{'u', "units", [2]string{"UNIT", "ALIAS"}, rowsOfUnits},
	{'i', "initiators", [2]string{"INITIATOR", "ALIAS"}, rowsOfInitiators},
	{'s', "sessions", [2]string{"SESSION OF", "FROM"}, rowsOfSessions},
}

// A topColumn is what rows are sorted by.
type topColumn struct {
	word    string // for --sort
	compare func(a, b *topRow) int
}

// topColumns are the columns of a view in their order, but for the second.
var topColumns = [...]topColumn{
	{"name", func(a, b *topRow) int { return strings.Compare(a.Name, b.Name) }},
	{"iops", most(func(l *control.Load) float64 { return l.IOPS })},
	{"read", most(func(l *control.Load) float64 { return l.ReadRate })},
	{"write", most(func(l *control.Load) float64 { return l.WriteRate })},
	{"p50", most(func(l *control.Load) float64 { return l.P50 })},
	{"p99", most(func(l *control.Load) float64 { return l.P99 })},
	{"max", most(func(l *control.Load) float64 { return l.Max })},
}

func most(of func(*control.Load) float64) func(a, b *topRow) int {
	return func(a, b *topRow) int { return cmp.Compare(of(&b.Load), of(&a.Load)) }
}

// sortRows sorts by a column, and what is equal there by name.
func sortRows(rows []topRow, column int, reverse bool) {
	slices.SortFunc(rows, func(a, b topRow) int {
		order := topColumns[column].compare(&a, &b)
		if reverse {
			order = -order
		}
		return cmp.Or(order, topColumns[0].compare(&a, &b), strings.Compare(a.About, b.About))
	})
}

func between(before, after *control.Statistics) time.Duration { return after.Time.Sub(before.Time) }

func rowsOfUnits(before, after *control.Statistics) []topRow {
	was := make(map[string]*control.Counts)
	for i := range before.Units {
		was[before.Units[i].GUID] = &before.Units[i].Counts
	}
	rows := make([]topRow, 0, len(after.Units))
	for _, u := range after.Units {
		rows = append(rows, topRow{u.GUID, u.Alias, u.Since(cmp.Or(was[u.GUID], &control.Counts{}), between(before, after))})
	}
	return rows
}

func rowsOfSessions(before, after *control.Statistics) []topRow {
	was := sessionCounts(before)
	rows := make([]topRow, 0, len(after.Sessions))
	for _, s := range after.Sessions {
		rows = append(rows, topRow{s.Initiator, s.Peer, s.Since(cmp.Or(was[s.ID], &control.Counts{}), between(before, after))})
	}
	return rows
}

func sessionCounts(s *control.Statistics) map[uint64]*control.Counts {
	counts := make(map[uint64]*control.Counts)
	for i := range s.Sessions {
		counts[s.Sessions[i].ID] = &s.Sessions[i].Counts
	}
	return counts
}

// rowsOfInitiators adds up sessions. What a session did before is taken off only while it is there,
// so that a sum never goes back.
func rowsOfInitiators(before, after *control.Statistics) []topRow {
	type sum struct {
		about     string
		was, done control.Counts
	}
	was := sessionCounts(before)
	sums := make(map[string]*sum)
	for _, s := range after.Sessions {
		if sums[s.Initiator] == nil {
			sums[s.Initiator] = &sum{}
		}
		one := sums[s.Initiator]
		one.about = cmp.Or(one.about, s.Alias)
		one.done.Add(&s.Counts)
		if then := was[s.ID]; then != nil {
			one.was.Add(then)
		}
	}
	rows := make([]topRow, 0, len(sums))
	for name, s := range sums {
		rows = append(rows, topRow{name, s.about, s.done.Since(&s.was, between(before, after))})
	}
	return rows
}
