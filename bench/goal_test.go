package bench

import (
	"slices"
	"strings"
	"testing"
	"time"
)

// Each goal is seen kept and missed, by figures on either side of what is wanted.
func TestGoals(t *testing.T) {
	const us = time.Microsecond
	read, large := made(QemuImg, Read, 4<<10, 32), made(QemuImg, Read, 64<<10, 16)
	deep := made(InProcess, Mixed, 64<<10, 32)
	calm := made(InProcess, Read, 4<<10, 1).on(Scratch)
	reader := made(InProcess, Read, 4<<10, 32).on(Scratch)
	// rows has the samples of lunar, tgt and the ceiling of each load; the last one is judged.
	type row struct {
		load    Load
		samples [3]Sample
	}
	known := func(s ...Sample) (all [3]Sample) { copy(all[:], s); return all }
	tests := []struct {
		goal, name string
		rows       []row
		want       string // "kept", "missed", or "" for no verdict
		tells      string
	}{
		{"rate", "both, where both are wanted", []row{{read, known(Sample{IOPS: 150}, Sample{IOPS: 100}, Sample{IOPS: 200})}}, "kept", "1.50 of tgt (1.5 wanted) and 0.75 of ceiling"},
		{"rate", "one, where both are wanted", []row{{read, known(Sample{IOPS: 150}, Sample{IOPS: 100}, Sample{IOPS: 300})}}, "missed", "0.50 of ceiling (0.7 wanted)"},
		{"rate", "one of them", []row{{large, known(Sample{IOPS: 150}, Sample{IOPS: 100}, Sample{IOPS: 300})}}, "kept", " or "},
		{"rate", "none of them", []row{{large, known(Sample{IOPS: 140}, Sample{IOPS: 100}, Sample{IOPS: 300})}}, "missed", "1.40 of tgt"},
		{"rate", "alone", []row{{read, known(Sample{IOPS: 150})}}, "", ""},
		{"processor time", "less", []row{{read, known(Sample{CPU: 5 * us}, Sample{CPU: 10 * us}, Sample{CPU: us})}}, "kept", "0.50 of tgt's 10.0"},
		{"processor time", "more", []row{{read, known(Sample{CPU: 11 * us}, Sample{CPU: 10 * us})}}, "missed", "1.10"},
		{"p99 at QD32", "shorter", []row{{deep, known(Sample{P99: 5 * us}, Sample{P99: 10 * us})}}, "kept", "0.50"},
		{"p99 at QD32", "longer", []row{{deep, known(Sample{P99: 20 * us}, Sample{P99: 10 * us})}}, "missed", "2.00"},
		{"p99 at QD32", "another depth", []row{{made(InProcess, Read, 4<<10, 8), known(Sample{P99: 20 * us}, Sample{P99: 10 * us})}}, "", ""},
		{"latency in a storm", "not doubled", []row{
			{calm, known(Sample{P99: 10 * us})},
			{calm.with(Unmaps, Apart), known(Sample{P99: 50 * us})},
			{calm.with(Unmaps, Beside), known(Sample{P99: 100 * us})},
		}, "kept", "p99 100 µs, 50.0 with the storm apart (2.00 times, 2 at most), 10.0 alone"},
		{"latency in a storm", "doubled", []row{
			{calm.with(Unmaps, Apart), known(Sample{P99: 50 * us})},
			{calm.with(Unmaps, Beside), known(Sample{P99: 101 * us})},
		}, "missed", "2.02 times"},
		{"latency in a storm", "nothing to compare with", []row{{calm.with(Unmaps, Beside), known(Sample{P99: 101 * us})}}, "", ""},
		{"rate beside a slow reader", "most", []row{{reader, known(Sample{IOPS: 100})}, {reader.with(Stall, Beside), known(Sample{IOPS: 80})}}, "kept", "0.80"},
		{"rate beside a slow reader", "half", []row{{reader, known(Sample{IOPS: 100})}, {reader.with(Stall, Beside), known(Sample{IOPS: 50})}}, "missed", "0.50"},
		{"NOP", "prompt", []row{{made(InProcess, Ping, 0, 1).with(SmallReads, Inside), known(Sample{P99: us, Max: 9 * time.Millisecond})}}, "kept", "9,000"},
		{"NOP", "beside what the machine does", []row{
			{made(InProcess, Ping, 0, 1).with(SmallReads, Apart), known(Sample{P99: us, Max: 5 * time.Millisecond})},
			{made(InProcess, Ping, 0, 1).with(SmallReads, Beside), known(Sample{P99: us, Max: 9 * time.Millisecond})},
		}, "kept", "5,000 with the storm apart"},
		{"NOP", "apart", []row{{made(InProcess, Ping, 0, 1).with(SmallReads, Apart), known(Sample{P99: us, Max: 20 * time.Millisecond})}}, "", ""},
		{"NOP", "late", []row{{made(InProcess, Ping, 0, 1), known(Sample{P99: us, Max: 11 * time.Millisecond})}}, "missed", "11,000"},
		{"idle sessions", "small", []row{{thousand(), known(Sample{Session: 34 << 10, Peak: 50 << 20})}}, "kept", "34.0 KiB a session"},
		{"idle sessions", "large", []row{{thousand(), known(Sample{Session: 65 << 10, Peak: 50 << 20})}}, "missed", "65.0"},
		{"idle sessions", "large in all", []row{{thousand(), known(Sample{Session: 34 << 10, Peak: 100 << 20})}}, "missed", "105 MB"},
	}
	seen := map[string]bool{}
	for _, tt := range tests {
		t.Run(tt.goal+"/"+tt.name, func(t *testing.T) {
			r := &Report{Targets: []string{ours, "tgt", ceiling}}
			for _, one := range tt.rows {
				r.Rows = append(r.Rows, Row{one.load, [][]Sample{{one.samples[0]}, {one.samples[1]}, {one.samples[2]}}})
			}
			last, got, figures := tt.rows[len(tt.rows)-1].load.String(), "", ""
			for _, v := range r.Verdicts() {
				if v.Goal == tt.goal && v.Load == last {
					if got, figures = "missed", v.Figures; v.Kept {
						got = "kept"
					}
				}
			}
			if got != tt.want || !strings.Contains(figures, tt.tells) {
				t.Errorf("%q: %s; want %q with %q", got, figures, tt.want, tt.tells)
			}
			seen[tt.goal+" "+got] = true
		})
	}
	for _, g := range goals {
		if !seen[g.name+" kept"] || !seen[g.name+" missed"] {
			t.Errorf("%s was not seen both kept and missed", g.name)
		}
	}
}

// Every load of a set that is there for a goal of its own has what the goal compares with.
func TestGoalsHaveWhatTheyCompare(t *testing.T) {
	for _, s := range Sets() {
		for _, l := range s.Loads {
			if l.Storm == Calm || l.Place != Beside || l.Pattern == Ping {
				continue
			}
			apart, alone := l, l
			apart.Place, alone.Storm = Apart, Calm
			if !slices.Contains(s.Loads, apart) || !slices.Contains(s.Loads, alone) {
				t.Errorf("%s: %s is not measured apart or alone", s.Name, l)
			}
		}
	}
}
