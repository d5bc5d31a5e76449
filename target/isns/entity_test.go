package isns

import "net/netip"

// testEntity has two targets, one of which is reached through one of two portal groups alone.
func testEntity() Entity {
	return Entity{
		ID: "store.example.org-1a2b3c4d",
		Portals: []Portal{
			{netip.MustParseAddrPort("192.0.2.1:3260"), 1},
			{netip.MustParseAddrPort("[2001:db8::1]:3260"), 1},
			{netip.MustParseAddrPort("198.51.100.1:3261"), 7},
		},
		Targets: []Target{
			{Name: "iqn.2026-11.org.example:both", Alias: "Both", Groups: []uint16{1, 7}},
			{Name: "iqn.2026-11.org.example:one", Groups: []uint16{7}},
		},
	}
}
