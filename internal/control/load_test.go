package control

import (
	"slices"
	"testing"
	"time"

	"github.com/lunarsan/lunar/target/iscsi/initiator"
)

// TestSessionStatus asks for what a session does, all ways.
func TestSessionStatus(t *testing.T) {
	r := start(t, nil)
	u := r.createUnit(UnitCreate{Path: r.path("a"), GUID: guidA})
	must(r.CreateTarget(t.Context(), TargetCreate{Name: iqnA}))(t)
	h := r.meet(initiator.Options{Name: "iqn.2026-11.org.example:host", Alias: "host"})
	h.say(line{cdb: "00 00 00 00 00 00", want: "06/29/00"})
	before := must(r.Statistics(t.Context()))(t)
	h.say(line{cdb: "28 00 00000000 00 0008 00", n: 4096}, line{cdb: "2a 00 00000000 00 0008 00", n: 4096, out: "01"})

	s := must(r.Sessions(t.Context()))(t)[0]
	if s.Alias != "host" || s.Units != 1 || s.LUNs != nil || s.Idle != 0 || s.FirstBurst == 0 ||
		s.Total.IOPS <= 0 || s.Total.ReadRate <= 0 || s.Recent.WriteRate <= 0 || s.Recent.P50 <= 0 || s.Recent.Max < s.Recent.P99 {
		t.Errorf("the session is %+v", s)
	}
	one := must(r.Session(t.Context(), s.ID))(t)
	if want := []SessionUnit{{0, u.GUID, 0}}; one.ID != s.ID || !slices.Equal(one.LUNs, want) {
		t.Errorf("session %d sees %v, want %v", one.ID, one.LUNs, want)
	}
	_, err := r.Session(t.Context(), 999)
	wantProblem(t, err, "no session 999", "lunar session list")

	after := must(r.Statistics(t.Context()))(t)
	unit := after.Units[0].Since(&before.Units[0].Counts, time.Second)
	session := after.Sessions[0].Since(&before.Sessions[0].Counts, time.Second)
	for what, l := range map[string]Load{u.GUID: unit, "host": session} {
		if l.IOPS != 2 || l.ReadRate != 4096 || l.WriteRate != 4096 || l.P50 <= 0 || l.P99 < l.P50 || l.Max < l.P99 {
			t.Errorf("%s did %+v", what, l)
		}
	}
}

func TestCounts(t *testing.T) {
	a := Counts{Commands: 10, ReadBytes: 4096, WriteBytes: 512, Latency: []uint64{0, 4, 6}}
	b := a
	b.Add(&Counts{Commands: 3, WriteBytes: 1024, Latency: []uint64{0, 0, 0, 0, 3}})
	l := b.Since(&a, 2*time.Second)
	if l.IOPS != 1.5 || l.ReadRate != 0 || l.WriteRate != 512 || l.P50 != 1.125 || l.Max != 1.25 {
		t.Errorf("the difference is %+v", l)
	}
	if l := a.Since(&b, time.Second); l.IOPS != 10 || l.ReadRate != 4096 || l.P50 <= 0 {
		t.Errorf("after a restart it is %+v", l)
	}
	if l := a.Since(&Counts{}, 0); l.IOPS != 0 {
		t.Errorf("in no time it is %+v", l)
	}
	if a.Latency[2] != 6 || len(a.Latency) != 3 {
		t.Error("a sum changes its parts")
	}
}
