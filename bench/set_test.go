package bench

import (
	"slices"
	"testing"
	"time"
)

// The standard set has every dimension at least once.
func TestStandard(t *testing.T) {
	s := standard()
	one := func(what string, has func(Load) bool) {
		if !slices.ContainsFunc(s.Loads, has) {
			t.Errorf("no load with %s", what)
		}
	}
	for _, p := range []Pattern{Read, Write} {
		for _, depth := range []int{1, 8, 32, 128} {
			one("depth "+p.String(), func(l Load) bool { return l.Client == QemuImg && l.Pattern == p && l.Depth == depth })
		}
		for _, block := range []int{4 << 10, 16 << 10, 64 << 10, 256 << 10, 1 << 20} {
			one(size(block)+" "+p.String(), func(l Load) bool { return l.Client == QemuImg && l.Pattern == p && l.Block == block })
		}
		for _, sessions := range []int{1, 2, 4} {
			one("sessions "+p.String(), func(l Load) bool { return l.Client == QemuImg && l.Pattern == p && l.Sessions == sessions })
		}
	}
	one("iscsi-perf", func(l Load) bool { return l.Client == ISCSIPerf })
	one("mixed", func(l Load) bool { return l.Pattern == Mixed })
	one("digests", func(l Load) bool { return l.Digests == BothDigests })
	one("latencies at QD32", func(l Load) bool { return l.Client == InProcess && l.Depth == 32 })
	one("1,000 busy sessions", func(l Load) bool { return l.Sessions == 1000 && l.Pattern == Read })
	one("1,000 idle sessions", func(l Load) bool { return l.Sessions == 1000 && l.Pattern == Idle })

	// Five targets; a run takes its second, and about one more to log in and find its length.
	const each = 2 * time.Second
	if took := time.Duration(s.Rounds*len(s.Loads)*5) * each; took > 30*time.Minute {
		t.Errorf("%d loads in %d rounds take some %v: more than half an hour", len(s.Loads), s.Rounds, took)
	}
}

func TestMatching(t *testing.T) {
	all := conditions()
	for _, expr := range []string{"nothing has this", "NOP", ""} { // one leaves the set as it is for the next
		want := map[string]int{"NOP": 7, "": len(all.Loads)}[expr]
		if s, err := all.Matching(expr); err != nil || len(s.Loads) != want {
			t.Errorf("%q: %d loads, %v; want %d", expr, len(s.Loads), err, want)
		}
	}
	if len(conditions().Loads) != len(all.Loads) {
		t.Error("a set is changed by what was chosen of it")
	}
	if _, err := all.Matching("("); err == nil {
		t.Error("half an expression is taken")
	}
}

func TestLoadString(t *testing.T) {
	read := made(InProcess, Read, 4<<10, 1)
	for want, l := range map[string]Load{
		"4 KiB QD1 read":                         read,
		"1 MiB QD8 write ×4":                     made(QemuImg, Write, 1<<20, 8).sessions(4),
		"4 KiB QD1 read, 4 units, header digest": read.units(4).digests(HeaderDigest),
		"4 KiB QD1 read, cold file":              read.on(Cold),
		"4 KiB QD1 read, 1 MiB unmaps apart":     read.on(Scratch).with(Unmaps, Apart),
		"512 B QD1 compare and write":            made(InProcess, CompareAndWrite, 512, 1),
		"QD1 NOP, 4 KiB reads inside":            made(InProcess, Ping, 0, 1).with(SmallReads, Inside),
		"4 KiB idle ×1000":                       thousand(),
	} {
		if got := l.String(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// Every pattern has a name and a maker of commands where sessions start any, and every storm a
// load that it can make.
func TestTables(t *testing.T) {
	for p := range patterns {
		l := Load{Pattern: Pattern(p), Depth: 1}
		if patterns[p].name == "" || (patterns[p].next == nil) != (l.queue() == 0) {
			t.Errorf("pattern %d, %q: its row is incomplete", p, patterns[p].name)
		}
	}
	for s := range storms {
		if l := Storm(s).load(); Storm(s) != Calm && (storms[s].name == "" || l.queue() == 0 || l.Block == 0) {
			t.Errorf("storm %d, %q: its row is incomplete", s, storms[s].name)
		}
	}
}

// Steps of a stride meet every place once.
func TestStride(t *testing.T) {
	for _, n := range []int64{1, 2, 3, 10, 4096, 262144} {
		seen := make([]bool, n)
		for i := range n {
			seen[i*stride(n)%n] = true
		}
		if slices.Contains(seen, false) {
			t.Errorf("%d places, step %d: some are left out", n, stride(n))
		}
	}
}

// Units have their places in the order in which they are served.
func TestLayOut(t *testing.T) {
	f := layOut(conditions(), 1<<30, "/memory", "/disk")
	for m, want := range map[Medium]string{Memory: "/memory/unit", Scratch: "/memory/scratch", Cold: "/disk/cold", Durable: "/disk/durable"} {
		if got := f.unit(m); got.Path != want || got.WriteCache != (m != Durable) {
			t.Errorf("medium %d: %+v, want %s", m, got, want)
		}
	}
	if len(f.units) != f.sparse+4 || !f.units[f.sparse].Thin || f.units[f.sparse].Size != sparseSize {
		t.Errorf("%d units, sparse ones from %d on", len(f.units), f.sparse)
	}
	if f = layOut(quick(), 1<<30, "/memory", "/disk"); len(f.units) != 1 || f.sparse != 1 {
		t.Errorf("the quick set has %d units", len(f.units))
	}
}

// A target is asked for what it serves, the ceiling for reads and writes alone.
func TestCan(t *testing.T) {
	read := made(InProcess, Read, 4<<10, 1)
	f := layOut(conditions(), 1<<30, "/memory", "/disk")
	for _, tt := range []struct {
		name   string
		serves int
		load   Load
		want   bool
	}{
		{ours, len(f.units), read.units(4), true},
		{ours, len(f.units), read.on(Durable), true},
		{"gotgt", 1, read, true},
		{"gotgt", 1, read.units(1), false},
		{"gotgt", 1, read.on(Cold), false},
		{"gotgt", 1, read.digests(DataDigest), false}, // its own are wrong
		{ceiling, 1, read, true},
		{ceiling, 1, read.on(Cold), true}, // the disk itself
		{ceiling, 1, read.digests(HeaderDigest), false},
		{ceiling, 1, read.units(1), false},
		{ceiling, 1, read.on(Scratch).with(Unmaps, Beside), false},
		{ceiling, 1, thousand(), false},
	} {
		r := rival{Target: renamed{nil, tt.name}, files: f, serves: tt.serves, plain: tt.serves == 1}
		if got := r.can(tt.load); got != tt.want {
			t.Errorf("%s, %s: %v", tt.name, tt.load, got)
		}
	}
}
