package bench

import (
	"slices"
)

// A Report is what a run found.
type Report struct {
	Machine string
	Rounds  int
	Targets []string // ours first
	Rows    []Row
	Notes   []string
}

// A Row is a load with its samples, by target and round.
type Row struct {
	Load    Load
	Samples [][]Sample
}

func newReport(c Config, r *rivals) *Report {
	report := &Report{Machine: machine(), Rounds: c.Rounds, Notes: r.notes}
	for _, t := range r.targets {
		report.Targets = append(report.Targets, t.Name())
	}
	for _, l := range c.Loads {
		report.Rows = append(report.Rows, Row{l, make([][]Sample, len(r.targets))})
	}
	return report
}

func (r *Row) add(target int, s Sample) { r.Samples[target] = append(r.Samples[target], s) }

// Median is the middle sample of a target, the lower of two.
func (r *Row) Median(target int) Sample {
	s := slices.Clone(r.Samples[target])
	if len(s) == 0 {
		return Sample{}
	}
	slices.SortFunc(s, func(a, b Sample) int {
		switch {
		case a.IOPS < b.IOPS:
			return -1
		case a.IOPS > b.IOPS:
			return 1
		}
		return 0
	})
	return s[(len(s)-1)/2]
}
