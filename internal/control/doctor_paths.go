package control

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"

	"github.com/lunarsan/lunar/scsi"
	"github.com/lunarsan/lunar/target/iscsi"
)

// examinePaths looks at how the patient is connected.
func (p *patient) examinePaths() {
	if len(p.sessions) == 0 {
		p.say(Note, "If it should be here: is its host up, does it reach a portal, does it know the target? The log has its logins that failed.",
			"It is not logged in.")
		return
	}
	portals := make(map[string][]netip.AddrPort)
	for _, s := range p.sessions {
		portals[s.Target] = append(portals[s.Target], s.Local)
	}
	for _, target := range slices.Sorted(maps.Keys(portals)) {
		p.examineTarget(target, portals[target])
	}
	p.examineStates()
	var open []string
	for _, s := range p.sessions {
		if s.Params.CHAPUser == "" && isPublic(s.Local.Addr()) && !slices.Contains(open, s.Local.Addr().String()) {
			open = append(open, s.Local.Addr().String())
		}
	}
	if len(open) > 0 {
		p.say(Warning, "Make a target with --auth chap, or listen on the storage network alone (lunar serve --listen, lunar tpg create).",
			"It logs in without CHAP through %s, which is a public address: whoever reaches it can read and write the units.", list(open))
	}
}

// examineTarget looks at the paths to one target, each by the portal that it leads to.
func (p *patient) examineTarget(target string, portals []netip.AddrPort) {
	hosts := make(map[netip.Addr]bool)
	for _, a := range portals {
		hosts[a.Addr()] = true
	}
	const more = "Give lunar a portal in a second network (lunar tpg create, or one more --listen), and the host an adapter in it."
	level := Note
	if p.kind == esxi {
		level = Warning
	}
	switch n := len(portals); {
	case n == 1:
		p.say(level, more, "There is one path to %s only, through %s: the loss of a cable, a switch or a port is the loss of its disks.", target, portals[0])
	case len(hosts) == 1:
		p.say(level, more, "The %d paths to %s all lead to one address, %s: its loss is the loss of its disks.", n, target, portals[0].Addr())
	default:
		p.say(Good, "", "There are %d paths to %s, through %d addresses.", n, target, len(hosts))
	}
}

// examineStates looks at the asymmetric access states of the paths (SPC-5).
func (p *patient) examineStates() {
	resting := make(map[string]int)
	active := len(p.sessions)
	for _, s := range p.sessions {
		i := slices.IndexFunc(p.groups, func(g GroupInfo) bool { return g.Tag == s.Tag })
		if i < 0 {
			continue
		}
		switch state := p.groups[i].ALUAState; state {
		case "", scsi.Optimized.String(), scsi.NonOptimized.String():
		default:
			resting[state]++
			active--
		}
	}
	const advice = "lunar tpg list shows the states; lunar tpg modify GROUP --alua-state optimized changes one."
	for _, state := range slices.Sorted(maps.Keys(resting)) {
		n := resting[state]
		if active == 0 {
			p.say(Broken, advice, "No path of it may do I/O: %d %s in state %s.", n, be(n), state)
		} else {
			p.say(Note, advice, "%d of its %d paths %s in state %s, for the day that the others are lost.", n, len(p.sessions), be(n), state)
		}
	}
}

func be(n int) string {
	if n == 1 {
		return "is"
	}
	return "are"
}

// isPublic reports whether a is neither of a private network nor of this machine.
func isPublic(a netip.Addr) bool {
	return a.IsValid() && !a.IsPrivate() && !a.IsLoopback() && !a.IsLinkLocalUnicast()
}

// A setting is something negotiated that costs. what is said of the first session that has it.
type setting struct {
	level  Level
	is     func(*patient, iscsi.Params) bool
	what   func(iscsi.Params) string
	advice string
}

// What initiators should at least allow, in bytes. A FirstBurstLength as long as one command
// of the initiator lets writes go without R2T.
const (
	leastRecvSegment = 64 << 10
	leastMaxBurst    = 256 << 10
	leastFirstBurst  = 64 << 10
	esxiIO           = 128 << 10 // ISCSI.MaxIoSizeKB
)

func constant(what string) func(iscsi.Params) string {
	return func(iscsi.Params) string { return what }
}

var settings = []setting{
	{Warning, func(_ *patient, s iscsi.Params) bool { return !s.ImmediateData },
		constant("ImmediateData is No: every write waits one round trip before its data may go."),
		"Set ImmediateData to Yes at the initiator."},
	{Warning, func(_ *patient, s iscsi.Params) bool { return s.InitialR2T },
		constant("InitialR2T is Yes: a write that does not fit into its command waits one round trip more."),
		"Set InitialR2T to No at the initiator."},
	{Warning, func(p *patient, s iscsi.Params) bool {
		return s.FirstBurst < leastFirstBurst || p.kind == esxi && s.FirstBurst < esxiIO
	},
		func(s iscsi.Params) string {
			return fmt.Sprintf("FirstBurstLength is %d bytes: larger writes wait one round trip more.", s.FirstBurst)
		},
		"Set FirstBurstLength to 262144 at the initiator."},
	{Note, func(_ *patient, s iscsi.Params) bool { return s.MaxBurst < leastMaxBurst },
		func(s iscsi.Params) string {
			return fmt.Sprintf("MaxBurstLength is %d bytes: large writes take more round trips.", s.MaxBurst)
		},
		"Set MaxBurstLength to 262144 or more at the initiator."},
	{Note, func(_ *patient, s iscsi.Params) bool { return s.PeerMaxRecvSegment < leastRecvSegment },
		func(s iscsi.Params) string {
			return fmt.Sprintf("The initiator takes %d bytes in one PDU (MaxRecvDataSegmentLength): large reads cost both ends more work.", s.PeerMaxRecvSegment)
		},
		"Set MaxRecvDataSegmentLength to 131072 or more at the initiator."},
	{Note, func(p *patient, s iscsi.Params) bool { return (s.HeaderDigest || s.DataDigest) && p.damaged() == 0 },
		constant("Digests are on, and no PDU has arrived damaged: they cost both ends processor time."),
		"TCP and Ethernet have checksums of their own. Leave digests on where a network device is suspect, else turn them off at the initiator."},
}

// damaged returns how many PDUs digests have caught, from anybody.
func (w *ward) damaged() int64 { return w.metrics.HeaderDigestErrors + w.metrics.DataDigestErrors }

// examineSettings looks at what the patient has negotiated.
func (p *patient) examineSettings() {
	if len(p.sessions) == 0 {
		return
	}
	fine := true
	for _, s := range settings {
		n := 0
		var first iscsi.Params
		for _, session := range p.sessions {
			if s.is(p, session.Params) {
				if n == 0 {
					first = session.Params
				}
				n++
			}
		}
		if n > 0 {
			fine = false
			of := ""
			if n < len(p.sessions) {
				of = fmt.Sprintf(" (%d of %d sessions)", n, len(p.sessions))
			}
			p.say(s.level, s.advice, "%s%s", s.what(first), of)
		}
	}
	if fine {
		p.say(Good, "", "What it negotiated costs nothing: small writes go at once, large ones in long bursts, without digests.")
	}
}
