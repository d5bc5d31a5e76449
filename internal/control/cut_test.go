package control

import (
	"bytes"
	"encoding/binary"
	"maps"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// The pages of a bbolt file: two meta pages, which name the root of all others, and are written
// when those are on the medium.
const (
	statePage  = 4096
	stateMetas = 2
)

// cuts returns the file as it is when the daemon is killed after each of the writes that lead
// from before to after: the pages that differ in ascending order, the meta page at last.
func cuts(before, after []byte) [][]byte {
	file := make([]byte, len(after)) // it grows first
	copy(file, before)
	found := [][]byte{bytes.Clone(file)}
	write := func(page int) {
		at := page * statePage
		if !bytes.Equal(file[at:at+statePage], after[at:at+statePage]) {
			copy(file[at:at+statePage], after[at:])
			found = append(found, bytes.Clone(file))
		}
	}
	for page := stateMetas; page < len(after)/statePage; page++ {
		write(page)
	}
	// The older meta page is overwritten: the one with the lower transaction.
	transaction := func(page int) uint64 { return binary.LittleEndian.Uint64(after[page*statePage+16+48:]) }
	metas := []int{0, 1}
	slices.SortFunc(metas, func(a, b int) int { return int(transaction(a)) - int(transaction(b)) })
	for _, page := range metas {
		write(page)
	}
	return found
}

// records is all that a state file holds.
func records(t *testing.T, file []byte) map[string]string {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, boltFile), file, 0o600); err != nil {
		t.Fatal(err)
	}
	s := must(openBolt(dir))(t)
	found := make(map[string]string)
	if err := s.View(func(tx Tx) error {
		for key, value := range tx.Scan("") {
			found[key] = string(value)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return found
}

// TestCutAtEveryWrite makes changes of every sort, cuts the state file after each write that
// they take, and finds the old state or the new one, never anything between.
func TestCutAtEveryWrite(t *testing.T) {
	ctx := t.Context()
	r := start(t, nil)
	path := filepath.Join(r.opts.StateDir, boltFile)
	read := func() []byte {
		file, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return file
	}
	fresh := "600144f0928c010000004fc511ec00ff"
	tried := 0
	for _, change := range []struct {
		name string
		do   func() error
	}{
		{"make a unit", func() error {
			_, err := r.CreateUnit(ctx, UnitCreate{Path: r.path("a"), Size: 1 << 20, GUID: guidA})
			return err
		}},
		{"make a host group", func() error { _, err := r.CreateMemberGroup(ctx, HostGroups, MemberGroupCreate{"h"}); return err }},
		{"add members", func() error {
			var many []string
			for i := range 400 { // several pages
				many = append(many, friend+strings.Repeat("x", i%100)+string(rune('a'+i/100)))
			}
			_, err := r.AddMembers(ctx, HostGroups, "h", MembersChange{many})
			return err
		}},
		{"give it a secret", func() error {
			_, err := r.ModifyHostGroup(ctx, "h", HostGroupModify{CHAPSecret: Secret("the group's secret")})
			return err
		}},
		{"move a view", func() error { _, err := r.ModifyUnit(ctx, guidA, UnitModify{LUN: ptr(7), Force: true}); return err }},
		{"change a GUID", func() error { _, err := r.ModifyUnit(ctx, guidA, UnitModify{GUID: &fresh, Force: true}); return err }},
		{"make a target", func() error { _, err := r.CreateTarget(ctx, TargetCreate{Name: iqnA}); return err }},
		{"end a target", func() error { _, err := r.DeleteTarget(ctx, iqnA, TargetDelete{}); return err }},
		{"end a unit", func() error { _, err := r.DeleteUnit(ctx, fresh, UnitDelete{}); return err }},
		{"end a host group", func() error { _, err := r.DeleteMemberGroup(ctx, HostGroups, "h"); return err }},
	} {
		before := read()
		if err := change.do(); err != nil {
			t.Fatalf("%s: %v", change.name, err)
		}
		after := read()
		was, is := records(t, before), records(t, after)
		if maps.Equal(was, is) {
			t.Fatalf("%s changes no record", change.name)
		}
		files := cuts(before, after)
		tried += len(files)
		for i, file := range files {
			want := was
			if i == len(files)-1 {
				want = is
			}
			if got := records(t, file); !maps.Equal(got, want) {
				t.Errorf("%s, cut after write %d of %d: %d records, want %d", change.name, i, len(files)-1, len(got), len(want))
			}
		}
	}
	t.Logf("%d cuts", tried)
}

// TestDuplicateAddress: of two portal groups with one address, one waits and says why, and
// everything else is up.
func TestDuplicateAddress(t *testing.T) {
	ctx := t.Context()
	r := start(t, nil)
	must(r.CreateTarget(ctx, TargetCreate{Name: iqnA}))(t)
	g := must(r.CreateGroup(ctx, GroupCreate{Name: "second", Portals: []string{freePort(t)}}))(t)
	r.end()
	r.opts.Listen = []netip.AddrPort{netip.MustParseAddrPort(g.Portals[0].Address)}
	r.run()
	states := make(map[string]int)
	for _, g := range must(r.Groups(ctx))(t) {
		states[g.Portals[0].State]++
		if p := g.Portals[0]; p.State == PortalWaiting && !strings.Contains(p.Reason, "in use") {
			t.Errorf("it waits because of %q", p.Reason)
		}
	}
	if states[PortalListening] != 1 || states[PortalWaiting] != 1 {
		t.Errorf("the portals are %v", states)
	}
	if alarms := must(r.Status(ctx))(t).Alarms; len(alarms) != 1 || !strings.Contains(alarms[0], "waiting") {
		t.Errorf("alarms %q", alarms)
	}
	for isid := range byte(16) { // each is the listening group's
		must(r.dial(friend, iqnA, isid, nil))(t)
	}
}
