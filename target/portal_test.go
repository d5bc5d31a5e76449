package target

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lunarsan/lunar/internal/buffer"
)

func TestAddresses(t *testing.T) {
	for _, c := range []struct {
		what     string
		portals  string
		announce []string
		local    string
		want     []string
	}{
		{"plain", "192.0.2.1:3260", nil, "192.0.2.1:3260", []string{"192.0.2.1:3260,7"}},
		{"the whole group", "192.0.2.1:3260 192.0.2.2:3261", nil, "192.0.2.1:3260", []string{"192.0.2.1:3260,7", "192.0.2.2:3261,7"}},
		{"IPv6 in brackets, without zone", "[fe80::1%eth0]:3260", nil, "[fe80::1%eth0]:3260", []string{"[fe80::1]:3260,7"}},
		{"wildcard", "0.0.0.0:3260", nil, "192.0.2.5:3260", []string{"192.0.2.5:3260,7"}},
		{"both wildcards", "0.0.0.0:3260 [::]:3260", nil, "192.0.2.5:3260", []string{"192.0.2.5:3260,7"}},
		{"both wildcards, IPv6", "0.0.0.0:3260 [::]:3260", nil, "[2001:db8::5]:3260", []string{"[2001:db8::5]:3260,7"}},
		{"mapped", "[::]:3260", nil, "[::ffff:192.0.2.5]:3260", []string{"192.0.2.5:3260,7"}},
		{"wildcard, zone", "[::]:3260", nil, "[fe80::5%eth0]:3260", []string{"[fe80::5]:3260,7"}},
		{"another port", "0.0.0.0:3261", nil, "192.0.2.5:3260", []string{"192.0.2.5:3261,7"}},
		{"a port that was free", "127.0.0.1:0", nil, "127.0.0.1:41234", []string{"127.0.0.1:41234,7"}},
		{"wildcard of the other family", "0.0.0.0:3260 [2001:db8::1]:3260", nil, "[2001:db8::1]:3260", []string{"[2001:db8::1]:3260,7"}},
		{"local unknown", "0.0.0.0:3260", nil, "", nil},
		{"announced", "0.0.0.0:3260", []string{"san.example.org:3260", "[2001:db8::1]:860"}, "192.0.2.5:3260", []string{"san.example.org:3260,7", "[2001:db8::1]:860,7"}},
	} {
		g := PortalGroup{Tag: 7, Announce: c.announce}
		for p := range strings.FieldsSeq(c.portals) {
			g.Portals = append(g.Portals, netip.MustParseAddrPort(p))
		}
		var local netip.AddrPort
		if c.local != "" {
			local = netip.MustParseAddrPort(c.local)
		}
		if diff := cmp.Diff(c.want, g.addresses(local)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.what, diff)
		}
	}
}

func TestSetPortalGroup(t *testing.T) {
	d := NewDevice(buffer.NewPool(1 << 20))
	for want, g := range map[string]PortalGroup{
		"from 1 to 65535":    {Tag: 0},
		"missing port":       {Tag: 1, Announce: []string{"192.0.2.1"}},
		"is not a number":    {Tag: 1, Announce: []string{"192.0.2.1:iscsi"}},
		`port "0"`:           {Tag: 1, Announce: []string{"192.0.2.1:0"}},
		"host is missing":    {Tag: 1, Announce: []string{":3260"}},
		"wildcard":           {Tag: 1, Announce: []string{"[::]:3260"}},
		"redirect":           {Tag: 1, Redirect: &Redirect{Address: "192.0.2.1"}},
		"invalid syntax":     {Tag: 1, Redirect: &Redirect{Address: "192.0.2.1:3260,x"}},
		"value out of range": {Tag: 1, Redirect: &Redirect{Address: "192.0.2.1:3260,70000"}},
	} {
		mustFail(t, d.SetPortalGroup(g), want)
	}
	must(t, d.SetPortalGroup(PortalGroup{Tag: 1, Redirect: &Redirect{Address: "host:3260,7"}}))
}
