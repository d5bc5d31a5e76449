package control

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/lunarsan/lunar/sbd"
)

const (
	guidA = "600144f0928c010000004fc511ec0001"
	guidB = "600144f0928c010000004fc511ec0002"
	guidC = "600144f0a00000000000000000000001"
)

func (r *rig) createUnit(q UnitCreate) UnitInfo {
	r.t.Helper()
	if q.Size == 0 {
		q.Size = 1 << 20
	}
	u, err := r.CreateUnit(r.t.Context(), q)
	if err != nil {
		r.t.Fatal(err)
	}
	return u
}

// exists reports whether there is a file.
func exists(path string) bool {
	_, err := os.Lstat(path)
	return !errors.Is(err, fs.ErrNotExist)
}

func TestUnitCreateAndRestart(t *testing.T) {
	r := start(t, nil)
	a := r.createUnit(UnitCreate{Path: r.path("a"), GUID: "naa." + guidA, Alias: "first", Thin: true, WriteCache: true})
	want := UnitInfo{
		GUID: guidA, LUNs: []int{0}, Alias: "first", State: UnitOnline, Path: r.path("a"), Size: 1 << 20, BlockSize: 512,
		Serial: guidA, Vendor: "LUNAR", Product: "LUN", Revision: "0001", Version: 6,
		Thin: true, Alarm: defaultAlarm, WriteCache: true, OwnStore: true, Created: a.Created,
	}
	others := cmpopts.IgnoreFields(UnitInfo{}, "Space") // what else is on the file system changes it
	if diff := cmp.Diff(want, a, others); diff != "" {
		t.Errorf("created (-want +got):\n%s", diff)
	}
	if err := os.WriteFile(r.path("b"), make([]byte, 3*4096+100), 0o600); err != nil {
		t.Fatal(err)
	}
	b := must(r.CreateUnit(t.Context(), UnitCreate{Path: r.path("b"), BlockSize: 4096, Serial: "S1", ReadOnly: true}))(t)
	if b.lowestLUN() != 1 || b.Size != 3*4096 || b.Serial != "S1" || b.OwnStore || b.WriteCache || !b.ReadOnly {
		t.Errorf("created on a file that was there: %+v", b)
	}
	before := must(r.Units(t.Context()))(t)
	r.restart()
	if diff := cmp.Diff(before, must(r.Units(t.Context()))(t), others); diff != "" {
		t.Errorf("after a restart (-before +after):\n%s", diff)
	}
}

// TestUnitDirect checks that a unit's store goes past the page cache, after a restart too.
func TestUnitDirect(t *testing.T) {
	var blocks atomic.Int64
	r := start(t, func(o *Options) {
		o.openStore = func(_ string, how sbd.OpenOptions) (sbd.Store, error) {
			blocks.Store(int64(how.Direct))
			return sbd.NewMem(1 << 20), nil
		}
	})
	u := r.createUnit(UnitCreate{Path: r.path("a"), BlockSize: 4096, Direct: true})
	if n := blocks.Swap(0); n != 4096 || !u.Direct {
		t.Errorf("opened in blocks of %d, direct %v", n, u.Direct)
	}
	r.restart()
	if n := blocks.Load(); n != 4096 {
		t.Errorf("opened in blocks of %d after a restart", n)
	}
}

func TestUnitLUNsStay(t *testing.T) {
	r := start(t, nil)
	for _, guid := range []string{guidA, guidB, guidC} {
		r.createUnit(UnitCreate{Path: r.path(guid), GUID: guid})
	}
	must(r.DeleteUnit(t.Context(), guidB, UnitDelete{}))(t)
	r.restart()
	if u := must(r.Unit(t.Context(), guidC))(t); u.lowestLUN() != 2 {
		t.Errorf("LUN %d after another unit was deleted, want 2", u.lowestLUN())
	}
	if u := r.createUnit(UnitCreate{Path: r.path("new")}); u.lowestLUN() != 1 {
		t.Errorf("a new unit has LUN %d, want the lowest free, 1", u.lowestLUN())
	}
}

func TestUnitCreateRefused(t *testing.T) {
	r := start(t, nil)
	r.createUnit(UnitCreate{Path: r.path("a"), GUID: guidA})
	full := r.path("full")
	if err := os.WriteFile(full, make([]byte, 4096), 0o600); err != nil {
		t.Fatal(err)
	}
	tiny := r.path("tiny")
	if err := os.WriteFile(tiny, make([]byte, 100), 0o600); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name string
		q    UnitCreate
		want string
	}{
		{"nothing there, no size", UnitCreate{Path: r.path("x")}, "--size"},
		{"relative path", UnitCreate{Path: "x", Size: 4096}, "absolute"},
		{"odd size", UnitCreate{Path: r.path("x"), Size: 1000}, "whole number of blocks"},
		{"negative size", UnitCreate{Path: r.path("x"), Size: -512}, "whole number of blocks"},
		{"block size", UnitCreate{Path: r.path("x"), Size: 4096, BlockSize: 1024}, "512 or 4096"},
		{"GUID of another kind", UnitCreate{Path: r.path("x"), Size: 4096, GUID: "500144f0928c010000004fc511ec0001"}, "NAA"},
		{"GUID not hexadecimal", UnitCreate{Path: r.path("x"), Size: 4096, GUID: "6xyz"}, "NAA"},
		{"GUID taken", UnitCreate{Path: r.path("x"), Size: 4096, GUID: guidA}, "already"},
		{"path taken", UnitCreate{Path: r.path("a")}, "already"},
		{"path taken by another name", UnitCreate{Path: filepath.Dir(r.path("a")) + "/./a"}, "already"},
		{"too large for what is there", UnitCreate{Path: full, Size: 8192}, "fewer"},
		{"less than a block", UnitCreate{Path: tiny}, "less than a block"},
		{"a folder", UnitCreate{Path: filepath.Dir(full)}, "regular file"},
		{"no folder", UnitCreate{Path: r.path("no/where"), Size: 4096}, "no such file"},
		{"serial", UnitCreate{Path: r.path("x"), Size: 4096, Serial: "a\nb"}, "printable"},
		{"alias", UnitCreate{Path: r.path("x"), Size: 4096, Alias: "a\nb"}, "alias"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := r.CreateUnit(t.Context(), test.q)
			wantProblem(t, err, test.want)
			if exists(r.path("x")) {
				t.Error("a store was left behind")
			}
		})
	}
	if list := must(r.Units(t.Context()))(t); len(list) != 1 {
		t.Errorf("%d units, want the first alone", len(list))
	}
}

// TestUnitCreateUndone: what cannot be finished leaves nothing.
func TestUnitCreateUndone(t *testing.T) {
	broken := new(atomic.Bool)
	r := start(t, func(o *Options) {
		o.openStore = func(path string, how sbd.OpenOptions) (sbd.Store, error) {
			if broken.Load() {
				return nil, errBroken
			}
			return sbd.Open(path, how)
		}
	})
	broken.Store(true)
	_, err := r.CreateUnit(t.Context(), UnitCreate{Path: r.path("a"), Size: 4096, GUID: guidA})
	wantProblem(t, err, errBroken.Error())
	if exists(r.path("a")) {
		t.Error("the store is still there")
	}
	broken.Store(false)
	if u := r.createUnit(UnitCreate{Path: r.path("a"), GUID: guidA}); u.lowestLUN() != 0 {
		t.Errorf("LUN %d, want 0", u.lowestLUN())
	}
}

func TestUnitNames(t *testing.T) {
	r := start(t, nil)
	r.createUnit(UnitCreate{Path: r.path("a"), GUID: guidA, Alias: "one"})
	r.createUnit(UnitCreate{Path: r.path("b"), GUID: guidB, Alias: "6001"})
	r.createUnit(UnitCreate{Path: r.path("c"), GUID: guidC, Alias: "one"})
	found := map[string]string{
		guidA:                                  guidA,
		"naa." + guidB:                         guidB,
		"NAA.600144F0928C010000004FC511EC0001": guidA,
		"600144f0a":                            guidC,
		"6001":                                 guidB, // its alias, before anybody's digits
	}
	for name, want := range found {
		if u, err := r.Unit(t.Context(), name); err != nil || u.GUID != want {
			t.Errorf("%q: %s, %v, want %s", name, u.GUID, err, want)
		}
	}
	for name, words := range map[string][]string{
		"600144f0": {"means 3 units", guidA, guidB, guidC},
		"one":      {"means 2 units", guidA, guidC},
		"600":      {"no unit", "4 digits"},
		"":         {},
		"nobody":   {"no unit", "lunar lu list"},
		"../units": {},
	} {
		_, err := r.Unit(t.Context(), name)
		if err == nil {
			t.Errorf("%q found a unit", name)
		} else if len(words) > 0 {
			wantProblem(t, err, words...)
		}
	}
}

func TestUnitDelete(t *testing.T) {
	r := start(t, nil)
	r.createUnit(UnitCreate{Path: r.path("mine"), GUID: guidA})
	r.createUnit(UnitCreate{Path: r.path("kept"), GUID: guidB})
	if err := os.WriteFile(r.path("theirs"), make([]byte, 4096), 0o600); err != nil {
		t.Fatal(err)
	}
	must(r.CreateUnit(t.Context(), UnitCreate{Path: r.path("theirs"), GUID: guidC}))(t)
	gone := r.createUnit(UnitCreate{Path: r.path("gone")})
	if err := os.Remove(r.path("gone")); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		guid, path string
		q          UnitDelete
		removed    bool
	}{
		{guidA, r.path("mine"), UnitDelete{RemoveStore: true}, true},
		{guidB, r.path("kept"), UnitDelete{}, false},
		{guidC, r.path("theirs"), UnitDelete{RemoveStore: true}, false},
		{gone.GUID, r.path("gone"), UnitDelete{RemoveStore: true}, true}, // somebody was faster
	}
	for _, test := range tests {
		done := must(r.DeleteUnit(t.Context(), test.guid, test.q))(t)
		if done.StoreRemoved != test.removed || exists(test.path) == test.removed {
			t.Errorf("%s: said removed %t, still there %t, want removed %t", test.path, done.StoreRemoved, exists(test.path), test.removed)
		}
	}
	r.restart()
	if list := must(r.Units(t.Context()))(t); len(list) != 0 {
		t.Errorf("deleted units came back: %v", list)
	}
	must(r.CreateUnit(t.Context(), UnitCreate{Path: r.path("theirs")}))(t) // nothing holds it any more
}

func TestUnitModify(t *testing.T) {
	r := start(t, nil)
	r.createUnit(UnitCreate{Path: r.path("a"), GUID: guidA})
	on, alias := true, "renamed"
	u := must(r.ModifyUnit(t.Context(), guidA, UnitModify{Alias: &alias, ReadOnly: &on}))(t)
	if u.Alias != alias || !u.ReadOnly || u.WriteCache {
		t.Errorf("modified to %+v", u)
	}
	if !r.d.units[mustGUID(t, guidA)].unit.Config().ReadOnly {
		t.Error("the live unit is writable")
	}
	r.restart()
	if diff := cmp.Diff(u.UnitInfo, must(r.Unit(t.Context(), alias))(t)); diff != "" {
		t.Errorf("after a restart (-before +after):\n%s", diff)
	}
}

// TestWriteCacheOfAUnitInUse: initiators ask once whether there is a write cache.
func TestWriteCacheOfAUnitInUse(t *testing.T) {
	r := start(t, nil)
	r.createUnit(UnitCreate{Path: r.path("a"), GUID: guidA, WriteCache: true})
	target := must(r.CreateTarget(t.Context(), TargetCreate{}))(t)
	login(t, r.portal(), target.Name)
	on, off := true, false
	syncs := func() uint64 { return r.d.units[mustGUID(t, guidA)].unit.Metrics().Syncs }
	before := syncs()
	if u := must(r.ModifyUnit(t.Context(), guidA, UnitModify{WriteCache: &off}))(t); u.WriteCache {
		t.Error("the write cache is still on")
	}
	if syncs() == before {
		t.Error("what was in the cache was not synced")
	}
	_, err := r.ModifyUnit(t.Context(), guidA, UnitModify{WriteCache: &on})
	wantProblem(t, err, "1 session", "log them out")
}

func mustGUID(t *testing.T, s string) sbd.GUID { return must(sbd.ParseGUID(s))(t) }

func TestUnitResize(t *testing.T) {
	r := start(t, nil)
	r.createUnit(UnitCreate{Path: r.path("a"), GUID: guidA})
	check := func(want int64) {
		t.Helper()
		u := must(r.Unit(t.Context(), guidA))(t)
		info, err := os.Stat(r.path("a"))
		if err != nil || info.Size() != want || u.Size != want || u.State != UnitOnline {
			t.Errorf("unit %d bytes, %s %s; store %v, %v; want %d bytes", u.Size, u.State, u.Reason, info.Size(), err, want)
		}
	}
	must(r.ResizeUnit(t.Context(), guidA, UnitResize{Size: 4 << 20}))(t)
	check(4 << 20)
	r.restart()
	check(4 << 20)
	_, err := r.ResizeUnit(t.Context(), guidA, UnitResize{Size: 2 << 20})
	wantProblem(t, err, "destroys", "--force")
	check(4 << 20)
	must(r.ResizeUnit(t.Context(), guidA, UnitResize{Size: 2 << 20, Force: true}))(t)
	check(2 << 20)
	r.restart()
	check(2 << 20)
	_, err = r.ResizeUnit(t.Context(), guidA, UnitResize{Size: 1000})
	wantProblem(t, err, "whole number of blocks")
	must(r.OfflineUnit(t.Context(), guidA, UnitTakeOffline{}))(t)
	_, err = r.ResizeUnit(t.Context(), guidA, UnitResize{Size: 4 << 20})
	wantProblem(t, err, "offline", "lunar lu online")
}

func TestUnitOffline(t *testing.T) {
	r := start(t, nil)
	r.createUnit(UnitCreate{Path: r.path("a"), GUID: guidA})
	if u := must(r.OfflineUnit(t.Context(), guidA, UnitTakeOffline{}))(t); u.State != UnitOffline {
		t.Errorf("state %s", u.State)
	}
	s, err := sbd.Open(r.path("a"), sbd.OpenOptions{})
	if err != nil {
		t.Fatalf("the store of a unit that is offline is not free: %v", err)
	}
	s.Close()
	r.restart()
	if u := must(r.Unit(t.Context(), guidA))(t); u.State != UnitOffline || u.Reason == "" {
		t.Errorf("after a restart: %s, %q", u.State, u.Reason)
	}
	for range 2 { // the second changes nothing
		if u := must(r.OnlineUnit(t.Context(), guidA))(t); u.State != UnitOnline {
			t.Errorf("state %s: %s", u.State, u.Reason)
		}
	}
	r.restart()
	if u := must(r.Unit(t.Context(), guidA))(t); u.State != UnitOnline {
		t.Errorf("after a restart: %s, %s", u.State, u.Reason)
	}
}

func TestMissingStoreComesBack(t *testing.T) {
	c := new(clock)
	r := start(t, func(o *Options) { o.wait = c.wait })
	r.createUnit(UnitCreate{Path: r.path("a"), GUID: guidA})
	r.createUnit(UnitCreate{Path: r.path("b"), GUID: guidB})
	r.end()
	if err := os.Rename(r.path("a"), r.path("away")); err != nil {
		t.Fatal(err)
	}
	r.run()
	state := func(guid string) UnitInfo { return must(r.Unit(context.Background(), guid))(t) }
	if u := state(guidA); u.State != UnitOffline || u.Reason == "" {
		t.Errorf("a unit without its store is %s, %q", u.State, u.Reason)
	}
	if u := state(guidB); u.State != UnitOnline {
		t.Errorf("the other unit is %s: %s", u.State, u.Reason)
	}
	status := must(r.Status(t.Context()))(t)
	if len(status.Alarms) != 1 {
		t.Errorf("alarms %q, want one", status.Alarms)
	}
	_, err := r.OnlineUnit(t.Context(), guidA)
	wantProblem(t, err, "not online yet", "tried again")

	if err := os.WriteFile(r.path("a"), make([]byte, 512), 0o600); err != nil {
		t.Fatal(err)
	}
	c.until(t, "the reason of a store that is too short", func() bool { return state(guidA).Reason != status.Units[0].Reason })
	if u := state(guidA); u.State != UnitOffline {
		t.Errorf("a unit on a store that is too short is %s", u.State)
	}
	if err := os.Rename(r.path("away"), r.path("a")); err != nil {
		t.Fatal(err)
	}
	c.until(t, "the unit with its store back", func() bool { return state(guidA).State == UnitOnline })
}

// TestDeleteWhileMissing: a unit that waits for its store can go, and stays away.
func TestDeleteWhileMissing(t *testing.T) {
	c := new(clock)
	r := start(t, func(o *Options) { o.wait = c.wait })
	r.createUnit(UnitCreate{Path: r.path("a"), GUID: guidA})
	r.end()
	if err := os.Rename(r.path("a"), r.path("away")); err != nil {
		t.Fatal(err)
	}
	r.run()
	attempts := r.d.units[mustGUID(t, guidA)].attempts
	must(r.DeleteUnit(t.Context(), guidA, UnitDelete{RemoveStore: false}))(t)
	<-attempts.ended
	if err := os.Rename(r.path("away"), r.path("a")); err != nil {
		t.Fatal(err)
	}
	must(r.CreateUnit(t.Context(), UnitCreate{Path: r.path("a")}))(t) // nobody has opened it
}
