package iscsi

import (
	"net/netip"
	"testing"
)

// TestGate fills both caps, and makes room again.
func TestGate(t *testing.T) {
	g := gate{max: 3, maxPerAddress: 2}
	a, b, c := netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("192.0.2.2"), netip.MustParseAddr("2001:db8::1")
	for i, step := range []struct {
		from netip.Addr
		want bool
	}{{a, true}, {a, true}, {a, false}, {b, true}, {b, false}, {c, false}} {
		if got := g.enter(step.from); got != step.want {
			t.Errorf("%d: %v gets in: %v", i, step.from, got)
		}
	}
	g.leave(a)
	if !g.enter(c) || g.enter(a) {
		t.Error("a place that was left is not the next one's")
	}
	for _, from := range []netip.Addr{a, b, c} {
		g.leave(from)
	}
	if g.all != 0 || len(g.byAddress) != 0 {
		t.Errorf("%d are inside, from %v", g.all, g.byAddress)
	}
}
