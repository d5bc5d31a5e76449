package control

import (
	"net"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// A portal group gets its first portal, changes one of two, and loses all; the portal that stays
// keeps its sessions.
func TestModifyPortals(t *testing.T) {
	r := start(t, nil)
	ctx := t.Context()
	stays, goes, comes := freePort(t), freePort(t), freePort(t)
	must(r.CreateGroup(ctx, GroupCreate{Name: "7", Tag: 7}))(t)
	must(r.CreateTarget(ctx, TargetCreate{Name: iqnA, Groups: []string{"7"}}))(t)
	listens := func(addresses ...string) {
		t.Helper()
		list := must(r.Groups(ctx))(t)
		g := list[len(list)-1] // in order of tags
		var got []string
		for _, p := range g.Portals {
			if p.State == PortalListening {
				got = append(got, p.Address)
			}
		}
		if diff := cmp.Diff(addresses, got); diff != "" {
			t.Errorf("portals (-want +got):\n%s", diff)
		}
		if g.Tag != 7 {
			t.Errorf("tag %d, want 7", g.Tag)
		}
	}
	listens()
	must(r.ModifyPortals(ctx, "7", PortalsModify{Portals: []string{stays, goes}}))(t)
	listens(stays, goes)
	c, status := login(t, stays, iqnA)
	if status != 0 {
		t.Fatalf("login status %04xh", status)
	}
	defer c.Close()
	must(r.ModifyPortals(ctx, "7", PortalsModify{Portals: []string{stays, comes}}))(t)
	listens(stays, comes)
	if _, status := login(t, comes, iqnA); status != 0 {
		t.Errorf("login through the new portal: status %04xh", status)
	}
	if gone, err := net.Dial("tcp", goes); err == nil {
		gone.Close()
		t.Error("the old portal still listens")
	}
	if n := must(r.Targets(ctx))(t)[0].Sessions; n == 0 {
		t.Error("the session of the portal that stays is gone")
	}
	r.restart()
	listens(stays, comes)

	_, err := r.ModifyPortals(ctx, DefaultGroup, PortalsModify{Portals: []string{goes}})
	wantProblem(t, err, "--listen")
	_, err = r.ModifyPortals(ctx, "7", PortalsModify{Portals: []string{goes, goes}})
	wantProblem(t, err, "twice")
	must(r.CreateGroup(ctx, GroupCreate{Name: "other", Portals: []string{goes}}))(t)
	_, err = r.ModifyPortals(ctx, "7", PortalsModify{Portals: []string{goes}})
	wantProblem(t, err, "other")
	_, err = r.ModifyPortals(ctx, "8", PortalsModify{})
	wantProblem(t, err, "8")
	_, err = r.CreateGroup(ctx, GroupCreate{Name: "third", Tag: 7})
	wantProblem(t, err, "tag 7")
	listens(stays, comes)

	must(r.ModifyPortals(ctx, "7", PortalsModify{}))(t)
	listens()
}
