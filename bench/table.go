package bench

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
)

// String is the report as a table for each metric: the median of each target, and ours as a
// ratio of the best peer's and of the ceiling's. Loads that have a goal in a metric have its
// verdict beside; what was to be shown and what falls short is listed at the end.
func (r *Report) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s; %s; median of %d rounds\n", r.Machine, r.When.Format("2006-01-02"), r.Rounds)
	for _, m := range metrics {
		r.table(&b, m)
	}
	for _, note := range r.Notes {
		fmt.Fprintf(&b, "\n%s", note)
	}
	if len(r.Notes) > 0 {
		b.WriteByte('\n')
	}
	r.verdicts(&b)
	return strings.TrimRight(b.String(), "\n") + "\n"
}

// table writes a metric of the loads that have it.
func (r *Report) table(out io.Writer, m metric) {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	line := func(cells []string) { fmt.Fprintln(w, strings.Join(cells, "\t")+"\t") } // to memory: it does not fail
	second, top := r.index(other), r.index(ceiling)
	head := append([]string{"load", "client"}, r.Targets...)
	head = append(head, "spread")
	if second >= 0 {
		head = append(head, "of other")
	}
	if len(r.Targets) > 1 {
		head = append(head, "best peer", "of best")
	}
	if top >= 0 {
		head = append(head, "of ceiling")
	}
	judged := slices.ContainsFunc(goals, func(g goal) bool { return g.metric.name == m.name })
	if judged {
		head = append(head, "goal")
	}
	lines := [][]string{head}
	for i := range r.Rows {
		row := &r.Rows[i]
		if !row.told(m) {
			continue
		}
		cells := []string{row.Load.String(), row.Load.Client.String()}
		for target := range r.Targets {
			cells = append(cells, number(row.median(m, target)))
		}
		cells = append(cells, fmt.Sprintf("%.0f%%", 100*row.spread(m, 0)))
		if second >= 0 {
			cells = append(cells, number(r.ratio(row, m, second)))
		}
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
		if judged {
			cells = append(cells, r.reached(row, m))
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

// reached is what became of the goals that a row has in a metric.
func (r *Report) reached(row *Row, m metric) string {
	text := ""
	for _, g := range goals {
		if g.metric.name != m.name {
			continue
		}
		switch kept, figures := r.judge(row, g); {
		case figures == "":
		case !kept:
			return "missed"
		default:
			text = "kept"
		}
	}
	return text
}

// verdicts lists what loads were there to show, and then all that falls short.
func (r *Report) verdicts(out io.Writer) {
	var shown, short []string
	all := r.Verdicts()
	for _, v := range all {
		switch {
		case !v.Kept:
			short = append(short, v.String())
		case v.always:
			shown = append(shown, v.String())
		}
	}
	if len(shown) > 0 {
		fmt.Fprintf(out, "\nShown:\n  %s\n", strings.Join(shown, "\n  "))
	}
	switch {
	case len(short) > 0:
		fmt.Fprintf(out, "\n%d of %d goals are missed:\n  %s\n", len(short), len(all), strings.Join(short, "\n  "))
	case len(all) > 0:
		fmt.Fprintf(out, "\nAll %d goals are kept.\n", len(all))
	}
}
