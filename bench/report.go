package bench

import (
	"slices"
	"time"
)

// A Report is what a run found.
type Report struct {
	Machine string
	When    time.Time
	Set     Set
	Rounds  int
	Targets []string // ours first, the ceiling last
	Rows    []Row
	Notes   []string
}

// A Row is a load with its samples, by target and round. A target that was not measured has
// none.
type Row struct {
	Load    Load
	Samples [][]Sample
}

func newReport(c Config, r *rivals) *Report {
	report := &Report{Machine: machine(), When: time.Now().UTC().Truncate(time.Second), Set: c.Set, Rounds: c.Rounds, Notes: r.notes}
	for _, t := range r.targets {
		report.Targets = append(report.Targets, t.Name())
	}
	for _, l := range c.Set.Loads {
		report.Rows = append(report.Rows, Row{l, make([][]Sample, len(r.targets))})
	}
	return report
}

func (r *Row) add(target int, s Sample) { r.Samples[target] = append(r.Samples[target], s) }

// values are a metric of a target in each round, sorted, without those not told.
func (r *Row) values(m metric, target int) (all []float64) {
	for _, s := range r.Samples[target] {
		if v := m.of(r.Load, s); v != 0 {
			all = append(all, v)
		}
	}
	slices.Sort(all)
	return all
}

// median is the middle value of a metric of a target, the lower of two; 0 when there is none.
func (r *Row) median(m metric, target int) float64 {
	v := r.values(m, target)
	if len(v) == 0 {
		return 0
	}
	return v[(len(v)-1)/2]
}

// spread is how far a metric's rounds are apart, as a part of their median.
func (r *Row) spread(m metric, target int) float64 {
	v := r.values(m, target)
	if len(v) == 0 {
		return 0
	}
	return (v[len(v)-1] - v[0]) / r.median(m, target)
}

// told reports whether any target's figure is known.
func (r *Row) told(m metric) bool {
	for target := range r.Samples {
		if r.median(m, target) != 0 {
			return true
		}
	}
	return false
}

// index is the place of a target, or -1.
func (r *Report) index(name string) int { return slices.Index(r.Targets, name) }

// best is the peer with the best median, or -1. Our own and the ceiling are no peers.
func (r *Report) best(row *Row, m metric) int {
	best, at := 0., -1
	for i, name := range r.Targets {
		if name == ours || name == other || name == ceiling {
			continue
		}
		if v := row.median(m, i); v != 0 && (at < 0 || (v > best) == m.more) {
			best, at = v, i
		}
	}
	return at
}

// ratio is our median as a part of that of another target; 0 when there is none.
func (r *Report) ratio(row *Row, m metric, target int) float64 {
	if target < 0 {
		return 0
	}
	if theirs := row.median(m, target); theirs != 0 {
		return row.median(m, 0) / theirs
	}
	return 0
}
