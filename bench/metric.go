package bench

import (
	"fmt"
	"strings"
)

// A metric is one figure of a sample.
type metric struct {
	name   string
	unit   string // for benchstat, which shows ns and B in fitting multiples
	factor float64
	more   bool // is better
	of     func(Load, Sample) float64
}

// metrics are all figures, in the order of the tables.
var metrics = []metric{
	{"IOPS", "IOPS", 1, true, func(_ Load, s Sample) float64 { return s.IOPS }},
	{"MB/s", "MB/s", 1, true, func(l Load, s Sample) float64 { return s.IOPS * float64(l.Block) / 1e6 }},
	{"mean latency, µs", "mean-ns", 1e3, false, func(_ Load, s Sample) float64 { return s.Mean.Seconds() * 1e6 }},
	{"p50 latency, µs", "p50-ns", 1e3, false, func(_ Load, s Sample) float64 { return s.P50.Seconds() * 1e6 }},
	{"p99 latency, µs", "p99-ns", 1e3, false, func(_ Load, s Sample) float64 { return s.P99.Seconds() * 1e6 }},
	{"p99.9 latency, µs", "p999-ns", 1e3, false, func(_ Load, s Sample) float64 { return s.P999.Seconds() * 1e6 }},
	{"longest latency, µs", "max-ns", 1e3, false, func(_ Load, s Sample) float64 { return s.Max.Seconds() * 1e6 }},
	{"processor time of the target, µs an I/O", "cpu-ns", 1e3, false, func(_ Load, s Sample) float64 { return s.CPU.Seconds() * 1e6 }},
	{"peak memory of the target, MiB", "peak-B", 1 << 20, false, func(_ Load, s Sample) float64 { return float64(s.Peak) / (1 << 20) }},
	{"memory an idle session, KiB", "session-B", 1 << 10, false, func(_ Load, s Sample) float64 { return float64(s.Session) / (1 << 10) }},
}

// Those that charts show or goals are set for.
var iopsMetric, p99Metric, maxMetric, processorMetric, peakMetric, sessionMetric = metrics[0], metrics[4], metrics[6], metrics[7], metrics[8], metrics[9]

// number writes a value: thousands with commas, and three digits of less.
func number(f float64) string {
	switch {
	case f == 0:
		return ""
	case f < 10:
		return fmt.Sprintf("%.2f", f)
	case f < 100:
		return fmt.Sprintf("%.1f", f)
	}
	s := fmt.Sprintf("%.0f", f)
	var b strings.Builder
	for i, digit := range s {
		if i > 0 && (len(s)-i)%3 == 0 {
			b.WriteByte(',')
		}
		b.WriteRune(digit)
	}
	return b.String()
}
