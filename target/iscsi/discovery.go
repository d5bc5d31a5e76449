package iscsi

import (
	"net/netip"

	"github.com/lunarsan/lunar/target"
)

// A finder finds targets for one connection.
type finder struct {
	device *target.Device
	tag    uint16
	local  netip.AddrPort
}

// sendTargets answers SendTargets=asked (RFC 7143 Appendix C): a TargetName and its
// TargetAddresses for each target found. "All" is all targets in a discovery session; in a
// normal session it means what an empty value does, the target that the session is with,
// because that is what initiators expect who ask there.
func (f *finder) sendTargets(asked string, p *Params) []byte {
	only := asked
	if asked == "All" {
		only = ""
	} else if asked != "" {
		name, err := target.ParseName(asked)
		if err != nil {
			return appendPair(nil, "SendTargets", rejected)
		}
		only = name
	}
	if p.Discovery {
		if asked == "" {
			return appendPair(nil, "SendTargets", rejected)
		}
	} else {
		if only != "" && only != p.TargetName {
			return nil
		}
		only = p.TargetName
	}
	var text []byte
	for _, found := range f.device.Discover(p.InitiatorName, f.tag, f.local, only) {
		text = appendPair(text, "TargetName", found.Name)
		for _, address := range found.Addresses {
			text = appendPair(text, "TargetAddress", address)
		}
	}
	return text
}
