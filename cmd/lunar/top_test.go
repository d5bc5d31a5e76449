package main

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lunarsan/lunar/internal/control"
)

// looks are two looks at a daemon, two seconds apart.
func looks() (before, after control.Statistics) {
	counts := func(n int64) control.Counts {
		return control.Counts{Commands: n, ReadBytes: n * 4096, WriteBytes: 0, Latency: []uint64{0, 0, 0, 0, uint64(n)}}
	}
	session := func(id uint64, who string, n int64) control.SessionCounts {
		return control.SessionCounts{ID: id, Initiator: who, Peer: fmt.Sprintf("192.0.2.%d:1", id), Counts: counts(n)}
	}
	now := time.Now()
	return control.Statistics{Time: now,
			Units:    []control.UnitCounts{{GUID: "unit-a", Counts: counts(100)}, {GUID: "unit-b", Alias: "second", Counts: counts(500)}},
			Sessions: []control.SessionCounts{session(1, "host-x", 100), session(2, "host-x", 300), session(3, "host-y", 50), session(4, "host-z", 999)},
		}, control.Statistics{Time: now.Add(2 * time.Second),
			Units:    []control.UnitCounts{{GUID: "unit-a", Counts: counts(120)}, {GUID: "unit-b", Alias: "second", Counts: counts(600)}, {GUID: "unit-c", Counts: counts(2)}},
			Sessions: []control.SessionCounts{session(1, "host-x", 110), session(2, "host-x", 330), session(3, "host-y", 90), session(5, "host-z", 6)},
		}
}

func TestTopRows(t *testing.T) {
	tests := []struct {
		view    int
		column  string
		reverse bool
		want    string
	}{
		{0, "iops", false, "unit-b 50, unit-a 10, unit-c 1"},
		{0, "iops", true, "unit-c 1, unit-a 10, unit-b 50"},
		{0, "write", false, "unit-a 10, unit-b 50, unit-c 1"},
		{1, "iops", false, "host-x 20, host-y 20, host-z 3"},
		{1, "name", true, "host-z 3, host-y 20, host-x 20"},
		{2, "read", false, "host-y 20, host-x 15, host-x 5, host-z 3"},
	}
	for _, tt := range tests {
		before, after := looks()
		rows := topViews[tt.view].rows(&before, &after)
		for i, c := range topColumns {
			if c.word == tt.column {
				sortRows(rows, i, tt.reverse)
			}
		}
		var got []string
		for _, r := range rows {
			got = append(got, fmt.Sprintf("%s %v", r.Name, r.IOPS))
			if r.ReadRate != r.IOPS*4096 || r.Max != 1.25 {
				t.Errorf("%s: %+v", r.Name, r)
			}
		}
		if got := strings.Join(got, ", "); got != tt.want {
			t.Errorf("%s by %s: %s, want %s", topViews[tt.view].name, tt.column, got, tt.want)
		}
	}
}

// TestTopScreen: what does not fit is not drawn, and keys choose what is.
func TestTopScreen(t *testing.T) {
	top := top{cli: &cli{world: world{getenv: func(string) string { return "" }}}, view: topViews[0], column: 1}
	top.before, top.now = looks()
	check := func(width, height int, want ...string) {
		t.Helper()
		text := strings.NewReplacer(home, "", endLine, "\n", endScreen, "", inverse, "", plain, "").Replace(top.screen(width, height))
		lines := strings.Split(text, "\n")
		lines[0] = strings.TrimPrefix(lines[0], top.now.Time.Format(time.TimeOnly))
		for i := range lines {
			lines[i] = strings.TrimRight(lines[i], " ")
		}
		if diff := cmp.Diff(want, lines); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
	const help = "u units  i initiators  s sessions  < > sort  r reverse  q quit"
	check(80, 24,
		"  3 units by iops: 61.0 IOPS, 0.25 MB/s read, 0 MB/s written",
		"UNIT    ALIAS   IOPS  READ MB/S  WRITE MB/S  P50    P99    MAX",
		"unit-b  second  50.0  0.20       0           1.1µs  1.1µs  1.2µs",
		"unit-a  -       10.0  0.04       0           1.1µs  1.1µs  1.2µs",
		"unit-c  -       1.00  0.00       0           1.1µs  1.1µs  1.2µs",
		help)
	for _, key := range []byte("i<r") {
		if top.press(key) {
			t.Errorf("%q ends it", key)
		}
	}
	check(28, 6,
		"  3 initiators by na"[:20],
		"INITIATOR  ALIAS  IOPS  READ"[:28],
		"host-z     -      3.00  0.01",
		"host-y     -      20.0  0.08",
		help[:28])
	if !top.press('q') || !top.press(3) {
		t.Error("there is no end")
	}
}
