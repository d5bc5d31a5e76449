package control

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lunarsan/lunar/scsi"
)

const hostA = "iqn.2026-11.org.example:host"

// TestViews: what a session sees follows the views and who is in which group, at once.
func TestViews(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	r := start(t, nil)
	r.createUnit(UnitCreate{Path: r.path("all"), GUID: guidA})
	r.createUnit(UnitCreate{Path: r.path("some"), GUID: guidB, NoView: true})
	must(r.CreateTarget(ctx, TargetCreate{Name: iqnA}))(t)
	must(r.CreateMemberGroup(ctx, HostGroups, MemberGroupCreate{Name: "h"}))(t)
	must(r.CreateMemberGroup(ctx, TargetGroups, MemberGroupCreate{Name: "t"}))(t)
	c := r.host(1)
	ready(t, c, 0)

	v := must(r.AddView(ctx, ViewAdd{Unit: guidB, HostGroup: "h", TargetGroup: "t"}))(t)
	if diff := cmp.Diff(ViewInfo{Unit: guidB, HostGroup: "h", TargetGroup: "t", LUN: 1}, v); diff != "" {
		t.Errorf("the view (-want +got):\n%s", diff)
	}
	gone := func(when string, lun int) {
		t.Helper()
		if _, sense := perform(t, c, lun, nil, 0, 0, 0, 0, 0, 0); sense != scsi.LogicalUnitNotSupported {
			t.Errorf("LUN %d %s: %v", lun, when, sense)
		}
	}
	gone("in no group", 1)
	must(r.AddMembers(ctx, HostGroups, "h", MembersChange{[]string{strings.ToUpper(hostA)}}))(t)
	gone("in one of the groups", 1)
	hears(t, "in one of the groups", c, 0)
	must(r.AddMembers(ctx, TargetGroups, "t", MembersChange{[]string{iqnA}}))(t)
	hears(t, "in both groups", c, 0, scsi.ReportedLUNsHasChanged)
	ready(t, c, 1)

	_, err := r.RetireUnit(ctx, guidB, UnitRetire{Force: true})
	if err != nil {
		t.Error(err)
	}
	gone("while it is retired", 1)
	must(r.OnlineUnit(ctx, guidB))(t)
	ready(t, c, 1)
	hears(t, "after all that", c, 0, scsi.ReportedLUNsHasChanged)

	before := must(r.Views(ctx))(t)
	r.restart()
	if diff := cmp.Diff(before, must(r.Views(ctx))(t)); diff != "" {
		t.Errorf("views after a restart (-before +after):\n%s", diff)
	}
	c = r.host(1)
	ready(t, c, 1)
	must(r.RemoveMembers(ctx, HostGroups, "h", MembersChange{[]string{hostA}}))(t)
	gone("out of the host group", 1)
	must(r.AddMembers(ctx, HostGroups, "h", MembersChange{[]string{hostA}}))(t)
	ready(t, c, 1)
	must(r.RemoveView(ctx, guidB+":0"))(t)
	gone("without the view", 1)
	must(r.RemoveView(ctx, guidA+":0"))(t)
	gone("without a view of anything", 0)
	page, sense := perform(t, c, 0, nil, 0x12, 0, 0, 0, 36, 0)
	if len(page) == 0 || page[0] != 0x7f {
		t.Errorf("INQUIRY of the empty LUN 0: % x, %v", page, sense)
	}
}

// TestViewsRefused: a change that cannot be saved is taken back.
func TestViewsRefused(t *testing.T) {
	ctx := t.Context()
	r := start(t, nil)
	r.createUnit(UnitCreate{Path: r.path("a"), GUID: guidA, NoView: true})
	must(r.CreateMemberGroup(ctx, HostGroups, MemberGroupCreate{Name: "h"}))(t)
	must(r.AddMembers(ctx, HostGroups, "h", MembersChange{[]string{hostA}}))(t)
	must(r.AddView(ctx, ViewAdd{Unit: guidA, HostGroup: "h"}))(t)
	must(r.CreateMemberGroup(ctx, HostGroups, MemberGroupCreate{Name: "empty"}))(t)
	seen := func() string {
		members, _ := r.d.device.Members(HostGroups, "h")
		_, empty := r.d.device.Members(HostGroups, "empty")
		_, more := r.d.device.Members(HostGroups, "more")
		return fmt.Sprint(r.d.device.Views(r.d.units[mustGUID(t, guidA)].lu), members, empty, more)
	}
	before, state := seen(), r.d.state
	r.d.state = cutState{state, false}
	for name, change := range map[string]func() error{
		"add a view":    func() error { _, err := r.AddView(ctx, ViewAdd{Unit: guidA, HostGroup: "empty"}); return err },
		"remove a view": func() error { _, err := r.RemoveView(ctx, guidA+":0"); return err },
		"add a member":  func() error { _, err := r.AddMembers(ctx, HostGroups, "h", MembersChange{[]string{iqnA}}); return err },
		"remove a member": func() error {
			_, err := r.RemoveMembers(ctx, HostGroups, "h", MembersChange{[]string{hostA}})
			return err
		},
		"make a group": func() error { _, err := r.CreateMemberGroup(ctx, HostGroups, MemberGroupCreate{"more"}); return err },
		"end a group":  func() error { _, err := r.DeleteMemberGroup(ctx, HostGroups, "empty"); return err },
	} {
		if err := change(); err == nil || !strings.Contains(err.Error(), errCut.Error()) {
			t.Errorf("%s: error %v, want %v", name, err, errCut)
		}
		if after := seen(); after != before {
			t.Errorf("%s, and after that there is %s, before %s", name, after, before)
		}
	}
	r.d.state = state
}

// TestMigrateLUNs: a state of format 1, where a unit has one LUN, gets views; and an older
// program refuses what is left.
func TestMigrateLUNs(t *testing.T) {
	r := start(t, nil)
	r.createUnit(UnitCreate{Path: r.path("a"), GUID: guidA, LUN: ptr(5)})
	r.createUnit(UnitCreate{Path: r.path("b"), GUID: guidB, LUN: ptr(0)})
	want := must(r.Views(t.Context()))(t)
	r.end()
	s := must(openBolt(r.opts.StateDir))(t)
	records := must(unitKind.list(s))(t)
	if err := s.Update(func(tx Tx) error {
		for _, record := range records {
			old := record
			old.LUN, old.Views = &record.Views[0].LUN, nil
			value, err := json.Marshal(envelope[unitRecord]{1, old})
			if err != nil {
				return err
			}
			if err := tx.Put(string(unitKind)+record.GUID.String(), value); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	r.run()
	if diff := cmp.Diff(want, must(r.Views(t.Context()))(t)); diff != "" {
		t.Errorf("views (-want +got):\n%s", diff)
	}
	r.d.state.View(func(tx Tx) error {
		for key, value := range tx.Scan(string(unitKind)) {
			if !strings.Contains(string(value), `"format":2`) {
				t.Errorf("%s is %s", key, value)
			}
		}
		return nil
	})
}

// TestManyViews loads 100 targets with 1,000 views and with 10,000: ten times as many take about
// ten times as long. The units' stores are missing, so that nothing but the daemon is measured.
func TestManyViews(t *testing.T) {
	few, many := loadViews(t, 100), loadViews(t, 1000)
	t.Logf("1,000 views were loaded in %v, 10,000 in %v", few, many)
	if many > 50*few {
		t.Errorf("10,000 views take %d times as long as 1,000", many/few)
	}
}

// loadViews returns how long a daemon takes to load so many units with ten views each: the
// shortest of three times.
func loadViews(t *testing.T, units int) time.Duration {
	dir := t.TempDir()
	s := must(openBolt(dir))(t)
	template, err := (UnitCreate{Path: "/a", GUID: guidA}).record()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Update(func(tx Tx) error {
		for i := range 100 {
			g := memberGroupRecord{Name: fmt.Sprint("g", i)}
			name := fmt.Sprintf("iqn.2026-11.org.example:%d", i)
			g.Members = []string{name}
			for _, err := range []error{hostGroupKind.put(tx, g.Name, g), targetGroupKind.put(tx, g.Name, g),
				targetKind.put(tx, name, targetRecord{Name: name, Auth: "none"})} {
				if err != nil {
					return err
				}
			}
		}
		for i := range units {
			r := template
			r.GUID[14], r.GUID[15] = byte(i>>8), byte(i)
			r.Serial, r.Path = r.GUID.String(), fmt.Sprintf("%s/missing/%d", dir, i)
			for entry := range 10 {
				r.Views = append(r.Views, viewRecord{entry, fmt.Sprint("g", i%10*10+entry), fmt.Sprint("g", i%100), i / 100})
			}
			if err := unitKind.put(tx, r.GUID.String(), r); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	opts := victimOptions(dir)
	opts.StateDir = dir
	shortest := time.Duration(math.MaxInt64)
	for range 3 {
		begun := time.Now()
		d := must(Open(opts))(t)
		shortest = min(shortest, time.Since(begun))
		if n := len(must(d.Views(t.Context()))(t)); n != 10*units {
			t.Errorf("%d views, want %d", n, 10*units)
		}
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	}
	return shortest
}
