package control

import (
	"context"
	"net"
	"net/netip"
	"os"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// freePorts counts the calls of freePort.
var freePorts atomic.Uint32

// freePort is an address that was free a moment ago, and that no other program is given: it is of
// this process's own part of the loopback network, not where all listen.
func freePort(t *testing.T) string {
	t.Helper()
	// Each call has an address of its own: a port that a test gives up for a moment is no other's.
	id := uint32(os.Getpid())<<8 + freePorts.Add(1)&0xff
	own := netip.AddrFrom4([4]byte{127, byte(1 + id>>16), byte(id >> 8), byte(id)})
	l, err := net.Listen("tcp4", netip.AddrPortFrom(own, 0).String())
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func TestGroupCreateAndRestart(t *testing.T) {
	t.Parallel()
	r := start(t, nil)
	ctx := t.Context()
	at := freePort(t)
	g := must(r.CreateGroup(ctx, GroupCreate{Name: "storage", Portals: []string{at}, Announce: []string{"san.example.org"}}))(t)
	want := GroupInfo{Name: "storage", Tag: 2, Portals: []PortalInfo{{Address: at, State: PortalListening}}, Announce: []string{"san.example.org:" + portOf(at)}, ALUAGroup: 1, ALUAState: "optimized", ALUA: "implicit"}
	if diff := cmp.Diff(want, g); diff != "" {
		t.Errorf("created (-want +got):\n%s", diff)
	}
	must(r.CreateTarget(ctx, TargetCreate{Name: iqnA, Groups: []string{"storage"}}))(t)
	must(r.CreateTarget(ctx, TargetCreate{Name: iqnB, Groups: []string{DefaultGroup}}))(t)
	r.restart()
	if diff := cmp.Diff(want, must(r.Groups(ctx))(t)[1]); diff != "" {
		t.Errorf("after a restart (-want +got):\n%s", diff)
	}
	for _, test := range []struct {
		portal, target string
		want           uint16
	}{
		{at, iqnA, 0}, {at, iqnB, 0x0203}, {r.portal(), iqnA, 0x0203}, {r.portal(), iqnB, 0},
	} {
		if _, status := login(t, test.portal, test.target); status != test.want {
			t.Errorf("login to %s through %s: status %04xh, want %04xh", test.target, test.portal, status, test.want)
		}
	}

	_, err := r.DeleteGroup(ctx, "storage", GroupDelete{Force: true})
	wantProblem(t, err, iqnA)
	must(r.DeleteTarget(ctx, iqnA, TargetDelete{Force: true}))(t)
	must(r.CreateTarget(ctx, TargetCreate{Name: iqnA}))(t)
	c, _ := login(t, at, iqnA)
	_, err = r.DeleteGroup(ctx, "storage", GroupDelete{})
	wantProblem(t, err, "session", "--force")
	must(r.DeleteGroup(ctx, "storage", GroupDelete{Force: true}))(t)
	c.Close()
	if c, err := net.Dial("tcp", at); err == nil {
		c.Close()
		t.Error("a deleted portal group still listens")
	}
	r.restart()
	if list := must(r.Groups(ctx))(t); len(list) != 1 {
		t.Errorf("it came back: %+v", list)
	}
}

func TestGroupModify(t *testing.T) {
	t.Parallel()
	r := start(t, nil)
	ctx := t.Context()
	must(r.CreateTarget(ctx, TargetCreate{Name: iqnA}))(t)
	for _, step := range []struct {
		name      string
		to        *string
		permanent *bool
		want      uint16
	}{
		{"moved for now", ptr("10.0.0.9"), nil, 0x0101},
		{"moved for good", nil, ptr(true), 0x0102},
		{"back", ptr(""), nil, 0},
	} {
		must(r.ModifyGroup(ctx, DefaultGroup, GroupModify{Redirect: step.to, Permanent: step.permanent}))(t)
		r.restart()
		if _, status := login(t, r.portal(), iqnA); status != step.want {
			t.Errorf("%s: login status %04xh, want %04xh", step.name, status, step.want)
		}
	}
	g := must(r.ModifyGroup(ctx, DefaultGroup, GroupModify{Announce: ptr([]string{"10.0.0.9"})}))(t)
	if diff := cmp.Diff([]string{"10.0.0.9:3260"}, g.Announce); diff != "" {
		t.Errorf("announced (-want +got):\n%s", diff)
	}
	_, err := r.ModifyGroup(ctx, DefaultGroup, GroupModify{Permanent: ptr(true)})
	wantProblem(t, err, "--redirect")
	_, err = r.ModifyGroup(ctx, DefaultGroup, GroupModify{Announce: ptr([]string{"0.0.0.0"})})
	wantProblem(t, err, "reach")

	r.end()
	r.opts.Announce = []string{"from.the.command.line:1"}
	r.run()
	if diff := cmp.Diff(r.opts.Announce, must(r.Groups(ctx))(t)[0].Announce); diff != "" {
		t.Errorf("announced (-want +got):\n%s", diff)
	}
	_, err = r.ModifyGroup(ctx, DefaultGroup, GroupModify{Announce: ptr([]string{"10.0.0.9"})})
	wantProblem(t, err, "--announce")
}

func ptr[A any](a A) *A { return &a }

func TestGroupRefused(t *testing.T) {
	r := start(t, nil)
	ctx := t.Context()
	at := freePort(t)
	must(r.CreateGroup(ctx, GroupCreate{Name: "taken", Portals: []string{at}}))(t)
	for _, test := range []struct {
		name string
		q    GroupCreate
		want string
	}{
		{"no name", GroupCreate{Portals: []string{"10.9.9.9"}}, "name"},
		{"a name with a slash", GroupCreate{Name: "a/b", Portals: []string{"10.9.9.9"}}, "name"},
		{"name taken", GroupCreate{Name: "taken", Portals: []string{"10.9.9.9"}}, "already"},
		{"default", GroupCreate{Name: DefaultGroup, Portals: []string{"10.9.9.9"}}, "already"},
		{"bad portal", GroupCreate{Name: "x", Portals: []string{"nowhere"}}, "IP address"},
		{"portal taken", GroupCreate{Name: "x", Portals: []string{at}}, "already"},
		{"wildcard over a portal of its own", GroupCreate{Name: "x", Portals: []string{"127.0.0.9:9", "0.0.0.0:9"}}, "twice"},
		{"portal twice", GroupCreate{Name: "x", Portals: []string{"10.9.9.9", "10.9.9.9:3260"}}, "twice"},
		{"bad redirection", GroupCreate{Name: "x", Portals: []string{"10.9.9.9"}, Redirect: "::"}, "reach"},
		{"nothing permanent", GroupCreate{Name: "x", Portals: []string{"10.9.9.9"}, Permanent: true}, "--redirect"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := r.CreateGroup(ctx, test.q)
			wantProblem(t, err, test.want)
		})
	}
	_, err := r.DeleteGroup(ctx, DefaultGroup, GroupDelete{})
	wantProblem(t, err, "--listen")
	_, err = r.DeleteGroup(ctx, "x", GroupDelete{})
	wantProblem(t, err, "no portal group", "lunar tpg list")
	if list := must(r.Groups(ctx))(t); len(list) != 2 {
		t.Errorf("%d portal groups, want 2", len(list))
	}
}

func portOf(address string) string {
	_, port, _ := net.SplitHostPort(address)
	return port
}

// TestAddressComesLater: an address that cannot be had is tried again, and the others serve.
func TestAddressComesLater(t *testing.T) {
	blocker, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer blocker.Close()
	c := new(clock)
	r := start(t, func(o *Options) {
		o.wait = c.wait
		o.Listen = append(o.Listen, netip.MustParseAddrPort(blocker.Addr().String()))
	})
	status := must(r.Status(t.Context()))(t)
	portals := status.Groups[0].Portals
	if portals[0].State != PortalListening || portals[1].State != PortalWaiting || portals[1].Reason == "" || len(status.Alarms) != 1 {
		t.Fatalf("portals %+v, alarms %q", portals, status.Alarms)
	}
	blocker.Close()
	c.until(t, "the portal whose address is free now", func() bool {
		return must(r.Groups(context.Background()))(t)[0].Portals[1].State == PortalListening
	})
}

// TestBothWildcards: IPv4 and IPv6 wildcards listen on one port.
func TestBothWildcards(t *testing.T) {
	probe, err := net.Listen("tcp6", "[::1]:0")
	if err != nil {
		t.Skip("this machine has no IPv6: ", err)
	}
	probe.Close()
	if probe, err = net.Listen("tcp", ":0"); err != nil { // a port that is free for both
		t.Fatal(err)
	}
	port := portOf(probe.Addr().String())
	probe.Close()
	r := start(t, func(o *Options) {
		o.Listen = []netip.AddrPort{netip.MustParseAddrPort("0.0.0.0:" + port), netip.MustParseAddrPort("[::]:" + port)}
	})
	must(r.CreateTarget(t.Context(), TargetCreate{Name: iqnA}))(t)
	for _, host := range []string{"127.0.0.1", "::1"} {
		if _, status := login(t, net.JoinHostPort(host, port), iqnA); status != 0 {
			t.Errorf("login through %s: status %04xh", host, status)
		}
	}
}
