package bench

import (
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// iops makes samples that know nothing but their rates.
func iops(rates ...float64) (s []Sample) {
	for _, r := range rates {
		s = append(s, Sample{IOPS: r})
	}
	return s
}

var (
	small = made(QemuImg, Read, 4<<10, 32)
	large = made(InProcess, Write, 256<<10, 16).sessions(4).digests(BothDigests)
)

func example() *Report {
	known := Sample{IOPS: 1000, Mean: 64 * time.Millisecond, P99: 80 * time.Millisecond, CPU: 90 * time.Microsecond, Peak: 20 << 20}
	return &Report{
		Machine: "a machine",
		When:    time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC),
		Set:     Set{Name: "quick"},
		Rounds:  3,
		Targets: []string{"lunar", "tgt", "istgt", "ceiling"},
		Rows: []Row{
			{small, [][]Sample{iops(100, 150000, 200000), iops(70000, 75000, 80000), iops(9, 50000, 50000), iops(300000)}},
			{large, [][]Sample{{known}, iops(2000), nil, iops(4000)}},
		},
		Notes: []string{"istgt fails at something"},
	}
}

// squeeze makes runs of spaces one, and drops those at the ends of lines.
func squeeze(text string) string {
	lines := strings.Split(text, "\n")
	for i, l := range lines {
		lines[i] = strings.Join(strings.Fields(l), " ")
	}
	return strings.Join(lines, "\n")
}

func TestTable(t *testing.T) {
	want := `a machine; 2026-01-02; median of 3 rounds

IOPS

load client lunar tgt istgt ceiling spread best peer of best of ceiling goal
4 KiB QD32 read qemu-img 150,000 75,000 50,000 300,000 133% tgt 2.00 0.50 missed
256 KiB QD16 write ×4, digests in-process 1,000 2,000 4,000 0% tgt 0.50 0.25 missed

MB/s

load client lunar tgt istgt ceiling spread best peer of best of ceiling
4 KiB QD32 read qemu-img 614 307 205 1,229 133% tgt 2.00 0.50
256 KiB QD16 write ×4, digests in-process 262 524 1,049 0% tgt 0.50 0.25

mean latency, µs

load client lunar tgt istgt ceiling spread best peer of best of ceiling
256 KiB QD16 write ×4, digests in-process 64,000 0%

p99 latency, µs

load client lunar tgt istgt ceiling spread best peer of best of ceiling goal
256 KiB QD16 write ×4, digests in-process 80,000 0%

processor time of the target, µs an I/O

load client lunar tgt istgt ceiling spread best peer of best of ceiling goal
256 KiB QD16 write ×4, digests in-process 90.0 0%

peak memory of the target, MiB

load client lunar tgt istgt ceiling spread best peer of best of ceiling
256 KiB QD16 write ×4, digests in-process 20.0 0%

istgt fails at something

2 of 2 goals are missed:
4 KiB QD32 read (qemu-img), rate: 2.00 of tgt (1.5 wanted) and 0.50 of ceiling (0.7 wanted)
256 KiB QD16 write ×4, digests (in-process), rate: 0.50 of tgt (1.5 wanted) or 0.25 of ceiling (0.7 wanted)
`
	if diff := cmp.Diff(want, squeeze(example().String())); diff != "" {
		t.Error(diff)
	}
}

func TestMedian(t *testing.T) {
	for _, tt := range []struct {
		samples        []Sample
		median, spread float64
	}{
		{nil, 0, 0},
		{iops(5), 5, 0},
		{iops(9, 1, 5), 5, 1.6},
		{iops(9, 1), 1, 8},
		{iops(0, 4, 0), 4, 0}, // 0: not told
	} {
		row := Row{Samples: [][]Sample{tt.samples}}
		if m, s := row.median(iopsMetric, 0), row.spread(iopsMetric, 0); m != tt.median || s != tt.spread {
			t.Errorf("%v: median %v, spread %v; want %v, %v", tt.samples, m, s, tt.median, tt.spread)
		}
	}
}

// The best peer is neither ours nor the ceiling, and has the most of what is good or the
// least of what is not.
func TestBest(t *testing.T) {
	cpu := func(us time.Duration) []Sample { return []Sample{{CPU: us * time.Microsecond}} }
	r := Report{Targets: []string{"lunar", "tgt", "istgt", "ceiling"}}
	for _, tt := range []struct {
		name    string
		metric  metric
		samples [][]Sample
		best    int
		ratio   float64
	}{
		{"more", iopsMetric, [][]Sample{iops(900), iops(300), iops(200), iops(1000)}, 1, 3},
		{"less", processorMetric, [][]Sample{cpu(5), cpu(30), cpu(20), cpu(1)}, 2, .25},
		{"one not told", processorMetric, [][]Sample{cpu(5), cpu(10), cpu(0), cpu(1)}, 1, .5},
		{"none", iopsMetric, [][]Sample{iops(900), nil, nil, iops(1000)}, -1, 0},
	} {
		row := &Row{Samples: tt.samples}
		best := r.best(row, tt.metric)
		if ratio := r.ratio(row, tt.metric, best); best != tt.best || ratio != tt.ratio {
			t.Errorf("%s: best %d, ratio %v; want %d, %v", tt.name, best, ratio, tt.best, tt.ratio)
		}
	}
}

func TestJSON(t *testing.T) {
	text, err := json.Marshal(example())
	if err != nil {
		t.Fatal(err)
	}
	var got jsonReport
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatal(err)
	}
	want := jsonMetric{
		Median:   map[string]float64{"lunar": 150000, "tgt": 75000, "istgt": 50000, "ceiling": 300000},
		Rounds:   map[string][]float64{"lunar": {100, 150000, 200000}, "tgt": {70000, 75000, 80000}, "istgt": {9, 50000, 50000}, "ceiling": {300000}},
		BestPeer: "tgt", OfBest: 2, OfCeiling: .5,
	}
	if diff := cmp.Diff(want, got.Rows[0].Metrics["IOPS"]); diff != "" {
		t.Error(diff)
	}
	if row := got.Rows[1]; row.Sessions != 4 || row.Digests != "digests" || row.Pattern != "write" || row.Metrics["p99 latency, µs"].Median["lunar"] != 80000 {
		t.Errorf("second row: %+v", row)
	}
}

func TestBenchfmt(t *testing.T) {
	text := example().Benchfmt()
	for _, want := range []string{
		"\nmachine: a machine\n",
		"\nUnit IOPS better=higher\n",
		"\nUnit p99-ns better=lower\n",
		"\nBenchmarkIO/client=qemu-img/read/block=4KiB/QD=32/target=tgt 1 70000 IOPS 286.72 MB/s\n",
		"\nBenchmarkIO/client=in-process/write/block=256KiB/QD=16/sessions=4/digests/target=lunar 1 1000 IOPS 262.144 MB/s 6.4e+07 mean-ns 8e+07 p99-ns 90000 cpu-ns 2.09715e+07 peak-B\n",
	} {
		if !strings.Contains("\n"+text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
}

// Charts are XML, and show every target and figure.
func TestSVG(t *testing.T) {
	lines := example()
	lines.Set.Axes = []Axis{{"depth", func(l Load) int { return l.Depth }, []Load{large, small}}}
	for name, tt := range map[string]struct {
		report *Report
		want   []string
	}{
		"bars":  {example(), []string{"lunar", "ceiling", "4 KiB QD32 read", "150,000", "×4, digests", "a machine"}},
		"lines": {lines, []string{"lunar", "ceiling", "depth", ">16<", ">32<", "IOPS", "<polyline"}},
	} {
		svg := tt.report.SVG()
		decoder := xml.NewDecoder(strings.NewReader(svg))
		for {
			if _, err := decoder.Token(); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
		}
		for _, want := range tt.want {
			if !strings.Contains(svg, want) {
				t.Errorf("%s: no %q", name, want)
			}
		}
		if strings.Contains(svg, "NaN") || strings.Contains(svg, "Inf") {
			t.Errorf("%s: a place that is no number", name)
		}
	}
}

func TestNumber(t *testing.T) {
	for v, want := range map[float64]string{0: "", .456: "0.46", 9.99: "9.99", 56.78: "56.8", 999.4: "999", 1000: "1,000", 1234567: "1,234,567"} {
		if got := number(v); got != want {
			t.Errorf("%v is written %q, want %q", v, got, want)
		}
	}
}

func TestRoundUp(t *testing.T) {
	for v, want := range map[float64]float64{0: 1, 1: 1, 3: 4, 7.9: 8, 9: 10, 61000: 80000, 81000: 100000} {
		if got := roundUp(v); got != want {
			t.Errorf("%v goes up to %v, want %v", v, got, want)
		}
	}
}
