package churn

import (
	"math"
	"testing"
	"time"
)

func TestCovered(t *testing.T) {
	at := func(h int) time.Time { return time.Date(2026, 11, 1, h, 0, 0, 0, time.UTC) }
	for _, c := range []struct {
		name string
		of   []Interval
		want float64 // h
	}{
		{"none", nil, 0},
		{"behind one another", []Interval{{Begin: at(1), End: at(2)}, {Begin: at(2), End: at(5)}}, 4},
		{"of two volumes at one time", []Interval{{Begin: at(1), End: at(5)}, {Begin: at(1), End: at(5)}}, 4},
		{"hourly in daily", []Interval{{Begin: at(3), End: at(4)}, {Begin: at(0), End: at(20)}, {Begin: at(19), End: at(22)}}, 22},
		{"a gap", []Interval{{Begin: at(1), End: at(2)}, {Begin: at(7), End: at(8)}}, 2},
		{"one that is not known", []Interval{{End: at(2)}, {Begin: at(2), End: at(5)}}, 3},
		{"at one moment", []Interval{{Begin: at(2), End: at(2)}}, 0},
		{"backwards", []Interval{{Begin: at(5), End: at(2)}}, 0},
	} {
		if got := covered(c.of); got != c.want*3600 {
			t.Errorf("%s: %v s", c.name, got)
		}
	}
}

func TestTrend(t *testing.T) {
	begin := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	intervals := func(hours ...int) (list []Interval) {
		at := begin
		for _, h := range hours {
			next := at.Add(time.Duration(h) * time.Hour)
			i := Interval{Begin: at, End: next}
			if h == 0 {
				i.Begin = time.Time{}
			}
			list, at = append(list, i), next
		}
		return list
	}
	none := math.NaN()
	for _, c := range []struct {
		series []int64
		of     []Interval
		want   float64
	}{
		{nil, nil, none},
		{[]int64{5}, intervals(1), none},
		{[]int64{0, 5}, intervals(1, 1), none},
		{[]int64{2, 3}, intervals(1, 1), 0.5},
		{[]int64{2, 2}, intervals(1, 2), -0.5},
		{[]int64{4, 2}, intervals(0, 2), -0.5}, // by interval where one's length is not known
		{[]int64{1, 1, 4}, intervals(1, 1, 1), 3},
		{[]int64{6, 0}, intervals(1, 1), -1},
	} {
		got := trend(c.series, c.of)
		if (got == nil) != math.IsNaN(c.want) || got != nil && math.Abs(*got-c.want) > 1e-9 {
			t.Errorf("%v: %v, not %v", c.series, got, c.want)
		}
	}
}

// TestGroups sees what is put together, and how it is named.
func TestGroups(t *testing.T) {
	flat := place{"u", Owner{"store", "web", "/web/web.vmdk", "/web/web-flat.vmdk", Disk}}
	log := place{"u", Owner{"store", "web", "", "/web/vmware.log", Log}}
	iso := place{"u", Owner{"store", "", "", "/iso/a.iso", Other}}
	descriptors := place{"u", Owner{"store", "", "", "/.fdc.sf", Metadata}}
	beats := place{"u", Owner{Datastore: "store", Kind: Heartbeat}}
	free := place{"u", Owner{Datastore: "store", Kind: Free}}
	outside := place{"u", Owner{Kind: Outside}}
	for _, c := range []struct {
		of                  place
		machine, disk, file string
		several             string // of disk, where there are several datastores
	}{
		{flat, "web", "/web/web.vmdk", "/web/web-flat.vmdk", "[store] web/web.vmdk"},
		{log, "web", "/web/vmware.log", "/web/vmware.log", "[store] web/vmware.log"},
		{iso, "files of no machine", "/iso/a.iso", "/iso/a.iso", "[store] iso/a.iso"},
		{descriptors, "metadata", "/.fdc.sf", "/.fdc.sf", "[store] .fdc.sf"},
		{beats, "metadata", "heartbeats of hosts", "heartbeats of hosts", "[store] heartbeats of hosts"},
		{free, "space that no file has", "space that no file has", "space that no file has", "[store] space that no file has"},
		{outside, "u, outside of VMFS", "u, outside of VMFS", "u, outside of VMFS", "u, outside of VMFS"},
	} {
		one, several := naming{}, naming{datastores: true}
		if got := [...]string{one.machine(byMachine(c.of)), one.file(byDisk(c.of)), one.file(byFile(c.of)), several.file(byDisk(c.of))}; got != [...]string{c.machine, c.disk, c.file, c.several} {
			t.Errorf("%v: %q", c.of, got)
		}
	}
}

// TestAdvice gives advice where a kind is much of all, what helps most first.
func TestAdvice(t *testing.T) {
	tally := Tally{rows: map[place]*row{
		{"u", Owner{"store", "web", "", "/web/a.vswp", Swap}}:                {sums: sums{written: 380}},
		{"u", Owner{"store", "web", "", "/web/vmware.log", Log}}:             {sums: sums{written: 30}},
		{"u", Owner{"store", "web", "", "/web/vmware-1.log", Log}}:           {sums: sums{written: 20}},
		{"u", Owner{"store", "db", "/db/db.vmdk", "/db/db-flat.vmdk", Disk}}: {sums: sums{written: 470}},
		{"u", Owner{Datastore: "store", Kind: Free}}:                         {sums: sums{written: 99}},
		{"u", Owner{Datastore: "store", Kind: Heartbeat}}:                    {sums: sums{written: 1}},
	}}
	want := []string{
		"The virtual disk /db/db.vmdk made 47% of the changes: only the guest knows of what; give its page file, temporary files and dumps a disk of their own, on a store that is not replicated.",
		"The swap file of web made 38% of the changes: put it on a store that is not replicated, or reserve the machine's memory.",
		"The logs of web made 5% of the changes: see what fills them.",
	}
	got := tally.advice(1000)
	for i, a := range got {
		if i >= len(want) || a.Text != want[i] {
			t.Errorf("%q", a.Text)
		}
	}
	if len(got) != len(want) {
		t.Errorf("%d pieces of advice", len(got))
	}
	for k, c := range counsels {
		if c.advice != "" && (c.from <= 0 || c.from > 1) {
			t.Errorf("%v: from %v on", Kind(k), c.from)
		}
	}
	if got := new(Tally).Report(3).Advice; len(got) != 0 || got == nil {
		t.Errorf("advice on nothing: %v", got)
	}
}

// TestTop: so many lines are shown as is asked for, and one more rather than a rest that is one.
func TestTop(t *testing.T) {
	var tally Tally
	tally.steps = []Interval{{To: "a", Written: 6}}
	tally.rows = map[place]*row{}
	for i, path := range []string{"/a", "/b", "/c"} {
		n := int64(3 - i)
		tally.rows[place{"u", Owner{Path: path, Kind: Log}}] = &row{sums{n, 0}, []int64{n}}
	}
	for top, want := range map[int]struct{ lines, more int }{0: {3, 0}, 1: {1, 2}, 2: {3, 0}, 3: {3, 0}} {
		l := tally.Report(top).Files
		if len(l.Lines) != want.lines || l.More != want.more || (l.Rest == nil) != (want.more == 0) || l.Rest != nil && l.Rest.Written != 3 {
			t.Errorf("of 3 lines, the first %d: %d, and %d in %+v", top, len(l.Lines), l.More, l.Rest)
		}
	}
}
