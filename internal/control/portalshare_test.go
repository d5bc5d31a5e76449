package control

import (
	"net"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/lunarsan/lunar/target/iscsi/initiator"
	"github.com/lunarsan/lunar/target/isns"
)

// everywhereAt is a portal on all IPv4 addresses, and the port that it has.
func everywhereAt(t *testing.T) (portal netip.AddrPort, at func(host string) string) {
	t.Helper()
	free := netip.MustParseAddrPort(freePort(t))
	return netip.AddrPortFrom(netip.IPv4Unspecified(), free.Port()), func(host string) string {
		return netip.AddrPortFrom(netip.MustParseAddr(host), free.Port()).String()
	}
}

// found is what discovery at a portal finds: the addresses of the targets.
func found(t *testing.T, portal string) string {
	t.Helper()
	nc, err := net.Dial("tcp", portal)
	if err != nil {
		t.Fatal(err)
	}
	c, err := initiator.Dial(nc, initiator.Options{Name: friend})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	text, err := c.Text("SendTargets=All")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestPortalBesideAll: a portal group on one address stands beside the default one on all. Each
// connection is the group's that names its address, at once and after restarts, whichever is there
// first.
func TestPortalBesideAll(t *testing.T) {
	all, at := everywhereAt(t)
	r := start(t, func(o *Options) { o.Listen = []netip.AddrPort{all} })
	ctx := t.Context()
	must(r.CreateTarget(ctx, TargetCreate{Name: iqnA, Groups: []string{DefaultGroup}}))(t)
	before, _ := login(t, at("127.0.0.5"), iqnA) // a session there is no obstacle
	g := must(r.CreateGroup(ctx, GroupCreate{Name: "2", Tag: 2, Portals: []string{at("127.0.0.5")}}))(t)
	if g.Portals[0].State != PortalListening {
		t.Fatalf("the portal is %+v", g.Portals[0])
	}
	must(r.CreateTarget(ctx, TargetCreate{Name: iqnB, Groups: []string{"2"}}))(t)
	check := func(when string) {
		t.Helper()
		for _, test := range []struct {
			host, target string
			status       uint16
		}{
			{"127.0.0.5", iqnB, 0}, {"127.0.0.5", iqnA, 0x0203}, {"127.0.0.1", iqnA, 0}, {"127.0.0.1", iqnB, 0x0203},
		} {
			c, status := login(t, at(test.host), test.target)
			if status != test.status {
				t.Errorf("%s: %s at %s: login status %04xh, want %04xh", when, test.target, test.host, status, test.status)
			}
			c.Close()
		}
		if got, want := found(t, at("127.0.0.5")), iqnB+"\x00TargetAddress="+at("127.0.0.5")+",2\x00"; got != "TargetName="+want {
			t.Errorf("%s: discovery at 127.0.0.5 finds %q", when, got)
		}
		if got, want := found(t, at("127.0.0.6")), iqnA+"\x00TargetAddress="+at("127.0.0.6")+",1\x00"; got != "TargetName="+want {
			t.Errorf("%s: discovery at 127.0.0.6 finds %q", when, got)
		}
	}
	check("at once")
	before.Close()
	r.restart()
	check("after a restart")

	// Nobody else gets in beside.
	if l, err := net.Listen("tcp4", at("127.0.0.7")); err == nil {
		l.Close()
		t.Error("another program listens beside the daemon")
	}
	_, err := r.CreateGroup(ctx, GroupCreate{Name: "3", Portals: []string{at("127.0.0.5")}})
	wantProblem(t, err, `portal group "2" listens`)

	// The one on all may come later.
	r.end()
	r.opts.Listen = []netip.AddrPort{netip.MustParseAddrPort("127.0.0.1:0")}
	r.run()
	must(r.CreateGroup(ctx, GroupCreate{Name: "all", Portals: []string{all.String()}}))(t)
	if c, status := login(t, at("127.0.0.5"), iqnB); status != 0 {
		t.Errorf("beside one that came later: login status %04xh", status)
	} else {
		c.Close()
	}
	if got := found(t, at("127.0.0.6")); got != "" {
		t.Errorf("the one that came later shows %q", got)
	}
	must(r.DeleteGroup(ctx, "all", GroupDelete{Force: true}))(t)
	if c, status := login(t, at("127.0.0.5"), iqnB); status != 0 {
		t.Errorf("when the other has gone: login status %04xh", status)
	} else {
		c.Close()
	}
}

// TestPortalForeign: until a portal group listens on its address, nobody enters there through
// another.
func TestPortalForeign(t *testing.T) {
	all, at := everywhereAt(t)
	r := start(t, func(o *Options) { o.Listen = []netip.AddrPort{all} })
	must(r.CreateTarget(t.Context(), TargetCreate{Name: iqnA}))(t)
	r.d.mu.Lock()
	r.d.portals[7] = []*portal{{wanted: netip.MustParseAddrPort(at("127.0.0.5")), tag: 7}}
	r.d.mu.Unlock()
	nc, err := net.Dial("tcp", at("127.0.0.5"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := initiator.Dial(nc, initiator.Options{Name: friend, Target: iqnA}); err == nil {
		t.Error("logged in through the other group")
	}
	if !strings.Contains(r.log.String(), "another portal group") {
		t.Error("the log does not say why")
	}
	r.d.mu.Lock()
	delete(r.d.portals, 7)
	r.d.mu.Unlock()
	c, status := login(t, at("127.0.0.5"), iqnA)
	if status != 0 {
		t.Errorf("login status %04xh", status)
	}
	c.Close()
}

// TestISNSBesideAll: of the addresses that a portal on all of them stands for, those are left out
// that are another group's, and of another family.
func TestISNSBesideAll(t *testing.T) {
	all, at := everywhereAt(t)
	r := start(t, func(o *Options) {
		o.Listen = []netip.AddrPort{all}
		o.addresses = func() []netip.Addr {
			return []netip.Addr{netip.MustParseAddr("127.0.0.5"), netip.MustParseAddr("127.0.0.6"), netip.IPv6Loopback()}
		}
	})
	must(r.CreateGroup(t.Context(), GroupCreate{Name: "2", Tag: 2, Portals: []string{at("127.0.0.5")}}))(t)
	want := []isns.Portal{
		{Address: netip.MustParseAddrPort(at("127.0.0.6")), Group: 1},
		{Address: netip.MustParseAddrPort(at("127.0.0.5")), Group: 2},
	}
	if got := must(r.d.entity("host"))(t).Portals; !slices.Equal(got, want) {
		t.Errorf("registered %+v, want %+v", got, want)
	}
}
