package control

import (
	"slices"
	"strings"
	"testing"

	"github.com/lunarsan/lunar/stream/job"
)

// furnished is a twosome whose main site has groups, and an initiator, beside the target.
func furnished(t *testing.T) *twosome {
	t.Helper()
	s := newTwosome(t)
	ctx := t.Context()
	for _, name := range []string{"prod", "lab", "spare"} {
		must(s.main.CreateMemberGroup(ctx, HostGroups, MemberGroupCreate{Name: name}))(t)
	}
	must(s.main.CreateMemberGroup(ctx, TargetGroups, MemberGroupCreate{Name: "day"}))(t)
	must(s.main.CreateInitiator(ctx, InitiatorCreate{Name: drHost, Alias: "recovery"}))(t)
	must(s.other.CreateTarget(ctx, TargetCreate{Name: iqnB}))(t)
	s.run()
	return s
}

// traces are the names of what is configured beside units.
func traces(r *rig) (names []string) {
	r.t.Helper()
	ctx := r.t.Context()
	for _, target := range must(r.Targets(ctx))(r.t) {
		names = append(names, target.Name)
	}
	for _, kind := range []GroupKind{HostGroups, TargetGroups} {
		for _, g := range must(r.MemberGroups(ctx, kind))(r.t) {
			names = append(names, g.Name)
		}
	}
	for _, i := range must(r.Initiators(ctx))(r.t) {
		names = append(names, i.Name)
	}
	return names
}

func (s *twosome) failOver(name string) {
	s.t.Helper()
	began := must(s.other.FailoverDR(s.t.Context(), DRFailover{Job: name, Force: true}))(s.t)
	if info := s.settled(began.Name); info.Phase != drActive {
		s.t.Fatalf("failed over: %+v", info)
	}
}

func (s *twosome) failBack(name string) (plan string) {
	s.t.Helper()
	ctx := s.t.Context()
	info := must(s.other.FailbackDR(ctx, DRFailback{Job: name, DryRun: true}))(s.t)
	must(s.other.FailbackDR(ctx, DRFailback{Job: name, Force: true}))(s.t)
	if now := s.settled(info.Name); now.Phase != DREnded {
		s.t.Fatalf("failed back: %+v", now)
	}
	return strings.Join(info.Plan, "\n")
}

// What a failover has made goes with it, but what was changed since, or is in use, and all that was there.
func TestFailbackTakesAway(t *testing.T) {
	t.Parallel()
	s := furnished(t)
	ctx := t.Context()
	s.failOver("nightly")
	if got, want := traces(s.other), []string{iqnA, iqnB, "lab", "prod", "spare", "day", drHost}; !slices.Equal(got, want) {
		t.Fatalf("the failover has made %q, want %q", got, want)
	}
	must(s.other.AddMembers(ctx, HostGroups, "lab", MembersChange{Members: []string{"iqn.1998-01.com.vmware:esx9"}}))(t)
	own := must(s.other.CreateUnit(ctx, UnitCreate{Path: s.other.path("own.img"), Size: 1 << 20, NoView: true}))(t)
	must(s.other.AddView(ctx, ViewAdd{Unit: own.GUID, HostGroup: "prod"}))(t)

	plan := s.failBack("nightly")
	for _, want := range []string{"remove target " + iqnA + ", which the failover made", "remove host group spare", "remove target group day", "remove initiator " + drHost,
		"host group lab was changed since, and stays", "host group prod stays: unit " + own.GUID + " uses it"} {
		if !strings.Contains(plan, want) {
			t.Errorf("%q is not in the plan:\n%s", want, plan)
		}
	}
	if got, want := traces(s.other), []string{iqnB, "lab", "prod"}; !slices.Equal(got, want) {
		t.Errorf("%q are left, want %q", got, want)
	}
	if units := must(s.other.Units(ctx))(t); len(units) != 1 || units[0].GUID != own.GUID {
		t.Errorf("%+v are left", units)
	}
}

// What was there before a failover stays when the history does not reach back to it.
func TestTouched(t *testing.T) {
	s := newSite(t)
	last := must(s.d.lastChange())(t)
	key := string(targetKind) + iqnA
	for change, want := range map[uint64]bool{last: false, last - 1: true} {
		if got := must(s.d.touched([]drAddition{{key, change}}))(t); got[key] != want {
			t.Errorf("touched after change %d of %d: %v", change, last, got)
		}
	}
	for range maxHistory {
		must(s.ModifyTarget(t.Context(), iqnA, TargetModify{Alias: new("a")}))(t)
		must(s.ModifyTarget(t.Context(), iqnA, TargetModify{Alias: new("b")}))(t)
	}
	if got := must(s.d.touched([]drAddition{{"target/other", last}}))(t); !got["target/other"] {
		t.Error("it is known of what was forgotten that nothing was changed")
	}
}

// Two failovers from one site have the same targets: they stay until the last is given back.
func TestFailbackBequeaths(t *testing.T) {
	t.Parallel()
	s := furnished(t)
	ctx := t.Context()
	second := must(s.main.CreateUnit(ctx, UnitCreate{Path: s.main.path("vm2.img"), Size: 1 << 20, LUN: new(6)}))(t)
	must(s.main.CreateJob(ctx, job.Job{Name: "weekly", Peer: "dr", Root: strings.TrimSuffix(s.other.path(""), "/"), History: true, Retry: job.Retry{Times: -1},
		Volumes: []job.Volume{{Source: unitNames + second.GUID, Replica: "replica2.img"}}}))(t)
	must(s.main.d.finalRun(ctx, "weekly"))(t)
	s.failOver("nightly")
	s.failOver("weekly")
	if plan := s.failBack("nightly"); !strings.Contains(plan, "stays for failover-weekly") || strings.Contains(plan, "remove target") {
		t.Errorf("the plan is:\n%s", plan)
	}
	if got := traces(s.other); !slices.Contains(got, iqnA) || !slices.Contains(got, "prod") {
		t.Errorf("%q are left", got)
	}
	s.failBack("weekly")
	if got, want := traces(s.other), []string{iqnB}; !slices.Equal(got, want) {
		t.Errorf("%q are left, want %q", got, want)
	}
}
