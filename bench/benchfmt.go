package bench

import (
	"fmt"
	"strings"
)

// Benchfmt is every sample as a line of the format of Go's benchmarks, which benchstat reads
// and compares.
func (r *Report) Benchfmt() string {
	var b strings.Builder
	fmt.Fprintf(&b, "machine: %s\n\n", r.Machine)
	for _, m := range metrics {
		better := "lower"
		if m.more {
			better = "higher"
		}
		fmt.Fprintf(&b, "Unit %s better=%s\n", m.unit, better)
	}
	b.WriteByte('\n')
	for i := range r.Rows {
		row := &r.Rows[i]
		for target, samples := range row.Samples {
			for _, s := range samples {
				fmt.Fprintf(&b, "BenchmarkIO/%s/target=%s 1", row.Load.slug(), r.Targets[target])
				for _, m := range metrics {
					if v := m.of(row.Load, s); v != 0 {
						fmt.Fprintf(&b, " %.6g %s", v*m.factor, m.unit)
					}
				}
				b.WriteByte('\n')
			}
		}
	}
	return b.String()
}

// slug names a load as part of a benchmark.
func (l Load) slug() string {
	s := fmt.Sprintf("client=%s/%s/block=%s/QD=%d", l.Client, dashed(l.Pattern.String()), strings.ReplaceAll(size(l.Block), " ", ""), l.Depth)
	if l.Sessions > 1 {
		s += fmt.Sprintf("/sessions=%d", l.Sessions)
	}
	if l.Units > 0 {
		s += fmt.Sprintf("/units=%d", l.Units)
	}
	for _, more := range []string{l.Digests.String(), l.Medium.String()} {
		if more != "" {
			s += "/" + dashed(more)
		}
	}
	if l.Storm != Calm {
		s += fmt.Sprintf("/storm=%s/%s", dashed(l.Storm.String()), l.Place)
	}
	return s
}

func dashed(s string) string { return strings.ReplaceAll(s, " ", "-") }
