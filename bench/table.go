package bench

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
)

// String is the report as a table for each metric: the median of each target, and ours as a
// ratio of the best peer's and of the ceiling's.
func (r *Report) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s; %s; median of %d rounds\n", r.Machine, r.When.Format("2006-01-02"), r.Rounds)
	for _, m := range metrics {
		r.table(&b, m)
	}
	for _, note := range r.Notes {
		fmt.Fprintf(&b, "\n%s", note)
	}
	return strings.TrimRight(b.String(), "\n") + "\n"
}

// table writes a metric of the loads that have it.
func (r *Report) table(out io.Writer, m metric) {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	line := func(cells []string) { fmt.Fprintln(w, strings.Join(cells, "\t")+"\t") } // to memory: it does not fail
	top := slices.Index(r.Targets, ceiling)
	head := append([]string{"load", "client"}, r.Targets...)
	head = append(head, "spread")
	if len(r.Targets) > 1 {
		head = append(head, "best peer", "of best")
	}
	if top >= 0 {
		head = append(head, "of ceiling")
	}
	lines := [][]string{head}
	for i := range r.Rows {
		row := &r.Rows[i]
		if row.median(m, 0) == 0 {
			continue
		}
		cells := []string{row.Load.String(), row.Load.Client.String()}
		for target := range r.Targets {
			cells = append(cells, number(row.median(m, target)))
		}
		cells = append(cells, fmt.Sprintf("%.0f%%", 100*row.spread(m, 0)))
		if len(r.Targets) > 1 {
			best, name := r.best(row, m), ""
			if best >= 0 {
				name = r.Targets[best]
			}
			cells = append(cells, name, number(r.ratio(row, m, best)))
		}
		if top >= 0 {
			cells = append(cells, number(r.ratio(row, m, top)))
		}
		lines = append(lines, cells)
	}
	if len(lines) == 1 {
		return
	}
	fmt.Fprintf(out, "\n%s\n\n", m.name)
	for _, cells := range lines {
		line(cells)
	}
	_ = w.Flush() // to memory
}
