package target

import (
	"fmt"
	"maps"
	"testing"
	"time"

	"github.com/lunarsan/lunar/scsi"
)

// show makes a view of lu for all.
func show(d *Device, lun int, lu *scsi.LogicalUnit) error {
	return d.ChangeViews(nil, []View{{Unit: lu, LUN: lun}})
}

// groups returns a device with the host groups A and B and the target groups P and Q.
func groups(t *testing.T) *Device {
	d := newDevice(t)
	for _, name := range []string{"A", "B"} {
		must(t, d.AddGroup(OfHosts, name))
	}
	for _, name := range []string{"P", "Q"} {
		must(t, d.AddGroup(OfTargets, name))
	}
	return d
}

// TestInventory shows a unit to each pair of groups, or all, and looks from each pair of
// groups, or none.
func TestInventory(t *testing.T) {
	everyone, unseen := []string{"", "A", "B"}, map[int]*scsi.LogicalUnit{}
	byScope := make(map[scope]map[int]*scsi.LogicalUnit)
	lun := 0
	at := make(map[scope]int)
	for _, hosts := range everyone {
		for _, targets := range []string{"", "P", "Q"} {
			s := scope{hosts, targets}
			byScope[s], at[s] = map[int]*scsi.LogicalUnit{lun: newUnit()}, lun
			lun++
		}
	}
	for _, test := range []struct {
		nexus scope
		sees  []scope
	}{
		{scope{"", ""}, []scope{{"", ""}}},
		{scope{"A", ""}, []scope{{"", ""}, {"A", ""}}},
		{scope{"B", ""}, []scope{{"", ""}, {"B", ""}}},
		{scope{"", "P"}, []scope{{"", ""}, {"", "P"}}},
		{scope{"", "Q"}, []scope{{"", ""}, {"", "Q"}}},
		{scope{"A", "P"}, []scope{{"", ""}, {"A", ""}, {"", "P"}, {"A", "P"}}},
		{scope{"A", "Q"}, []scope{{"", ""}, {"A", ""}, {"", "Q"}, {"A", "Q"}}},
		{scope{"B", "P"}, []scope{{"", ""}, {"B", ""}, {"", "P"}, {"B", "P"}}},
		{scope{"B", "Q"}, []scope{{"", ""}, {"B", ""}, {"", "Q"}, {"B", "Q"}}},
		{scope{"C", "R"}, []scope{{"", ""}}}, // groups without views
	} {
		want := make(map[int]*scsi.LogicalUnit)
		for _, s := range test.sees {
			want[at[s]] = byScope[s][at[s]]
		}
		if got := inventory(byScope, test.nexus); !maps.Equal(got, want) {
			t.Errorf("%v sees %v, want %v", test.nexus, got, want)
		}
	}
	if got := inventory(nil, scope{"A", "P"}); !maps.Equal(got, unseen) {
		t.Errorf("without views somebody sees %v", got)
	}
}

// TestConflicts tries a view beside each other one: the same LUN, and the same unit, in scopes
// that overlap and in others.
func TestConflicts(t *testing.T) {
	var scopes []scope
	for _, hosts := range []string{"", "A", "B"} {
		for _, targets := range []string{"", "P", "Q"} {
			scopes = append(scopes, scope{hosts, targets})
		}
	}
	a, b := newUnit(), newUnit()
	for _, first := range scopes {
		for _, second := range scopes {
			apart := first.hosts != "" && second.hosts != "" && first.hosts != second.hosts ||
				first.targets != "" && second.targets != "" && first.targets != second.targets
			for _, other := range []View{{Unit: b, LUN: 3}, {Unit: a, Entry: 1, LUN: 4}} {
				d := groups(t)
				was := View{Unit: a, HostGroup: first.hosts, TargetGroup: first.targets, LUN: 3}
				other.HostGroup, other.TargetGroup = second.hosts, second.targets
				must(t, d.ChangeViews(nil, []View{was}))
				switch err := d.ChangeViews(nil, []View{other}); {
				case apart && err != nil:
					t.Errorf("the %v beside the %v: %v", other, was, err)
				case !apart:
					mustFail(t, err, was.String())
				}
			}
		}
	}
}

func TestChangeViews(t *testing.T) {
	d := groups(t)
	a, b := newUnit(), newUnit()
	must(t, show(d, 0, a))
	mustFail(t, show(d, 0, b), "LUN 0 is taken")
	mustFail(t, show(d, -1, b), "out of range")
	mustFail(t, show(d, scsi.MaxLUN+1, b), "out of range")
	mustFail(t, d.ChangeViews(nil, []View{{Unit: b, HostGroup: "C"}}), `no host group "C"`)
	mustFail(t, d.ChangeViews(nil, []View{{Unit: b, TargetGroup: "C"}}), `no target group "C"`)
	mustFail(t, d.ChangeViews([]View{{Unit: b}}, nil), "there is no view")
	must(t, show(d, scsi.MaxLUN, b))

	// All or none: the first view goes and comes, since the second is in the way.
	mustFail(t, d.ChangeViews([]View{{Unit: a}}, []View{{Unit: a, LUN: 5}, {Unit: a, Entry: 1, LUN: 6}}), "seen twice")
	if got := d.Views(a); len(got) != 1 || got[0] != (View{Unit: a}) {
		t.Errorf("after a change that was refused: %v", got)
	}
	// Two units change places.
	must(t, d.ChangeViews([]View{{Unit: a}, {Unit: b, LUN: scsi.MaxLUN}}, []View{{Unit: a, LUN: scsi.MaxLUN}, {Unit: b}}))
	d.RemoveUnit(a)
	d.RemoveUnit(a)
	must(t, show(d, scsi.MaxLUN, a))
}

func TestFreeLUN(t *testing.T) {
	d := groups(t)
	must(t, d.ChangeViews(nil, []View{
		{Unit: newUnit(), LUN: 0, HostGroup: "A"},
		{Unit: newUnit(), LUN: 1, TargetGroup: "P"},
		{Unit: newUnit(), LUN: 2},
		{Unit: newUnit(), LUN: 3, HostGroup: "B", TargetGroup: "Q"},
	}))
	for _, test := range []struct {
		view View
		want int
	}{
		{View{}, 4},
		{View{HostGroup: "A"}, 3},
		{View{HostGroup: "B"}, 0},
		{View{HostGroup: "B", TargetGroup: "Q"}, 0},
		{View{HostGroup: "A", TargetGroup: "Q"}, 1},
		{View{TargetGroup: "Q"}, 1},
	} {
		if got, err := d.FreeLUN(test.view); err != nil || got != test.want {
			t.Errorf("for %v: %d, %v, want %d", test.view.scope(), got, err, test.want)
		}
	}
}

// TestViewsLive: each change reaches those whom it concerns, and nobody else.
func TestViewsLive(t *testing.T) {
	d, a, b := twoPaths(t) // both sees a unit at LUN 0
	other := newUnit()
	must(t, d.AddGroup(OfHosts, "A"))
	must(t, d.AddGroup(OfTargets, "P"))
	must(t, d.ChangeViews(nil, []View{{Unit: other, HostGroup: "A", LUN: 1}}))
	hears(t, "a, whom nothing concerns", a)
	must(t, d.ChangeMembers(OfHosts, "A", []string{host}, nil))
	hears(t, "a in the host group", a, "06/3F/0E")
	hears(t, "b beside it", b, "06/3F/0E")
	if a.seen[1] != other || b.seen[1] != other {
		t.Errorf("they see %v and %v", a.seen, b.seen)
	}
	view := View{Unit: other, HostGroup: "A", LUN: 1}
	must(t, d.ChangeViews([]View{view}, []View{{Unit: other, HostGroup: "A", LUN: 5}}))
	hears(t, "a after the move", a, "06/3F/0E")
	if a.seen[5] != other || a.seen[1] != nil {
		t.Errorf("a sees %v", a.seen)
	}
	d.HideUnit(other)
	hears(t, "a after the unit was hidden", a, "06/3F/0E")
	mustFail(t, show(d, 5, newUnit()), "LUN 5 is taken")
	d.ShowUnit(other)
	hears(t, "a when it is there again", a, "06/3F/0E")
	must(t, d.ChangeMembers(OfHosts, "A", nil, []string{host}))
	hears(t, "a out of the host group", a, "06/3F/0E")
	if a.seen[5] != nil {
		t.Errorf("a sees %v", a.seen)
	}
	must(t, d.ChangeViews([]View{{Unit: other, HostGroup: "A", LUN: 5}}, []View{{Unit: other, TargetGroup: "P", LUN: 5}}))
	hears(t, "a, whom nothing concerns", a)
	must(t, d.ChangeMembers(OfTargets, "P", []string{disks}, nil))
	hears(t, "a when its target comes into the group", a, "06/3F/0E")
}

func TestMembers(t *testing.T) {
	d := groups(t)
	must(t, d.ChangeMembers(OfHosts, "A", []string{"IQN.2026-01.org.example:HOST", "WWN.210000e08b100163"}, nil))
	for words, err := range map[string]error{
		`is a member of host group "A" already`: d.ChangeMembers(OfHosts, "B", []string{host}, nil),
		`is no member of host group "B"`:        d.ChangeMembers(OfHosts, "B", nil, []string{host}),
		`there is no host group "C"`:            d.ChangeMembers(OfHosts, "C", nil, nil),
		`there is no target group "A"`:          d.RemoveGroup(OfTargets, "A"),
		`"A" exists already`:                    d.AddGroup(OfHosts, "A"),
		`needs a name`:                          d.AddGroup(OfHosts, ""),
		`world wide name`:                       d.ChangeMembers(OfHosts, "B", []string{"wwn.21"}, nil),
		`it must begin with`:                    d.ChangeMembers(OfHosts, "B", []string{"host"}, nil),
		`is named twice`:                        d.ChangeMembers(OfHosts, "B", []string{tapes, tapes}, nil),
	} {
		mustFail(t, err, words)
	}
	must(t, d.ChangeMembers(OfTargets, "P", []string{host}, nil)) // another kind, another roster
	unit := newUnit()
	must(t, d.ChangeViews(nil, []View{{Unit: unit, Entry: 3, HostGroup: "A", LUN: 7}}))
	mustFail(t, d.RemoveGroup(OfHosts, "A"), `:3 (host group "A", all target groups, LUN 7)`)
	d.RemoveUnit(unit)
	must(t, d.RemoveGroup(OfHosts, "A"))
	must(t, d.ChangeMembers(OfHosts, "B", []string{host}, nil))
	if got, _ := d.Members(OfHosts, "B"); fmt.Sprint(got) != "["+host+"]" {
		t.Errorf("B has %v", got)
	}
}

// TestManyViews: 10,000 views of 1,000 units, in groups of 100 hosts and 100 targets each.
func TestManyViews(t *testing.T) {
	d := newDevice(t)
	for i := range 100 {
		must(t, d.AddGroup(OfHosts, fmt.Sprint("h", i)))
		must(t, d.AddGroup(OfTargets, fmt.Sprint("t", i)))
	}
	var all []View
	for i := range 1000 {
		unit := newUnit()
		for entry := range 10 {
			all = append(all, View{Unit: unit, Entry: entry, LUN: i / 10,
				HostGroup: fmt.Sprint("h", (i%10)*10+entry), TargetGroup: fmt.Sprint("t", i%100)})
		}
	}
	begun := time.Now()
	for _, v := range all {
		must(t, d.ChangeViews(nil, []View{v}))
	}
	if took := time.Since(begun); took > 2*time.Second {
		t.Errorf("10,000 views take %v", took)
	}
}
