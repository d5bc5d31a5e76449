package bench

import (
	"fmt"
	"strings"
	"text/tabwriter"
)

// String is the report as a table: IOPS and MB/s of each target, and ours as a ratio of the
// others'.
func (r *Report) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s; median of %d rounds\n\n", r.Machine, r.Rounds)
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', tabwriter.AlignRight)
	line := func(cells []string) { fmt.Fprintln(w, strings.Join(cells, "\t")+"\t") }
	head := []string{"load", "client"}
	for _, t := range r.Targets {
		head = append(head, t+" IOPS", "MB/s")
	}
	for _, t := range r.Targets[1:] {
		head = append(head, "of "+t)
	}
	line(head)
	for _, row := range r.Rows {
		cells := []string{row.Load.String(), row.Load.Client.String()}
		for i := range r.Targets {
			m := row.Median(i)
			cells = append(cells, thousands(m.IOPS), fmt.Sprintf("%.0f", m.MBs(row.Load)))
		}
		for i := range r.Targets[1:] {
			cells = append(cells, fmt.Sprintf("%.2f", row.Median(0).IOPS/row.Median(i+1).IOPS))
		}
		line(cells)
	}
	_ = w.Flush() // a strings.Builder takes everything
	for _, note := range r.Notes {
		fmt.Fprintf(&b, "\n%s", note)
	}
	return strings.TrimRight(b.String(), "\n") + "\n"
}

// thousands writes a number with commas: 12,345.
func thousands(f float64) string {
	s := fmt.Sprintf("%.0f", f)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
