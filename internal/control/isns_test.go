package control

import (
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lunarsan/lunar/target/isns"
)

// TestISNSEntity: what is told follows targets and portal groups.
func TestISNSEntity(t *testing.T) {
	r := start(t, nil)
	ctx := t.Context()
	must(r.CreateGroup(ctx, GroupCreate{Name: "second", Portals: []string{"127.0.0.2:0"}}))(t)
	must(r.CreateGroup(ctx, GroupCreate{Name: "told", Portals: []string{"127.0.0.3:0"}, Announce: []string{"192.0.2.1:3260", "name.example.org:3260"}}))(t)
	must(r.CreateGroup(ctx, GroupCreate{Name: "moved", Portals: []string{"127.0.0.4:0"}, Redirect: "192.0.2.2:3260"}))(t)
	must(r.CreateTarget(ctx, TargetCreate{Name: iqnA, Alias: "A"}))(t)
	must(r.CreateTarget(ctx, TargetCreate{Name: iqnA + "2", Groups: []string{"second"}}))(t)
	must(r.CreateTarget(ctx, TargetCreate{Name: iqnA + "3"}))(t)
	must(r.OfflineTarget(ctx, iqnA+"3"))(t)
	got := must(r.d.entity("host"))(t)
	at := func(group string) netip.AddrPort {
		for _, g := range must(r.Groups(ctx))(t) {
			if g.Name == group {
				return netip.MustParseAddrPort(g.Portals[0].Address)
			}
		}
		return netip.AddrPort{}
	}
	want := isns.Entity{
		ID: "host",
		Portals: []isns.Portal{
			{Address: at(DefaultGroup), Group: 1}, {Address: at("second"), Group: 2}, {Address: netip.MustParseAddrPort("192.0.2.1:3260"), Group: 3},
		},
		Targets: []isns.Target{{Name: iqnA, Alias: "A", Groups: []uint16{1, 2, 3, 4}}, {Name: iqnA + "2", Groups: []uint16{2}}},
	}
	if diff := cmp.Diff(want, got, cmp.Comparer(func(a, b netip.AddrPort) bool { return a == b })); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for _, a := range r.d.everywhere(netip.MustParseAddrPort("0.0.0.0:3260")) {
		if !a.Addr().Is4() || a.Addr().IsLoopback() || a.Port() != 3260 {
			t.Errorf("from everywhere it is reached at %v", a)
		}
	}
}

// TestISNS sets a server that is away, over a restart, and takes it back.
func TestISNS(t *testing.T) {
	r := start(t, nil)
	ctx := t.Context()
	must(r.CreateTarget(ctx, TargetCreate{Name: iqnA}))(t)
	if got := must(r.ISNS(ctx))(t); got != (ISNSInfo{}) {
		t.Errorf("before it is set it is %+v", got)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := l.Addr().String()
	l.Close()
	set := must(r.ModifyISNS(ctx, ISNSModify{Server: new(server)}))(t)
	troubled := func() {
		t.Helper()
		var got ISNSInfo
		for deadline := time.Now().Add(10 * time.Second); got.Trouble == "" && time.Now().Before(deadline); time.Sleep(time.Millisecond) {
			got = must(r.ISNS(ctx))(t)
		}
		if got.Server != server || got.Entity != set.Entity || got.Entity == "" || got.Registered || !strings.Contains(got.Trouble, "refused") {
			t.Errorf("it is %+v", got)
		}
		if alarms := strings.Join(must(r.Status(ctx))(t).Alarms, "\n"); !strings.Contains(alarms, "iSNS server "+server) {
			t.Errorf("the alarms are %q", alarms)
		}
	}
	troubled()
	r.restart()
	troubled()
	if got := must(r.ModifyISNS(ctx, ISNSModify{Disabled: new(true)}))(t); got != (ISNSInfo{Server: server, Entity: set.Entity, Disabled: true}) {
		t.Errorf("disabled it is %+v", got)
	}
	r.restart()
	if alarms := must(r.Status(ctx))(t).Alarms; len(alarms) > 0 {
		t.Errorf("disabled it raises %q", alarms)
	}
	must(r.ModifyISNS(ctx, ISNSModify{Disabled: new(false)}))(t)
	troubled()
	if got := must(r.ModifyISNS(ctx, ISNSModify{Server: new("")}))(t); got != (ISNSInfo{}) {
		t.Errorf("when it is off it is %+v", got)
	}
	if got := must(r.ModifyISNS(ctx, ISNSModify{Server: new("[::1]")}))(t); got.Server != "[::1]:3205" || got.Entity != set.Entity {
		t.Errorf("without a port it is %+v", got)
	}
	_, err = r.ModifyISNS(ctx, ISNSModify{Server: new("no server!")})
	wantProblem(t, err, "host name")
}
