package control

import "fmt"

// A sign is a count of the daemon's that should be zero.
type sign struct {
	count  func(*ward) int64
	what   string
	advice string
}

var signs = []sign{
	{func(w *ward) int64 { return w.damaged() },
		"%d PDUs arrived damaged, and digests caught them.",
		"A network device damages data that TCP's checksum does not cover: look for it. Keep digests on meanwhile."},
	{func(w *ward) int64 { return w.metrics.Cut },
		"%d connections were cut because the initiator did not answer, did not read, or broke the protocol.",
		"The log says which, behind \"session cut\". A host that hangs and a path that loses packets look alike."},
	{func(w *ward) int64 { return w.metrics.LoginErrors },
		"%d logins were refused or did not end.",
		"The log says whose and why. See Troubleshooting in docs/operate.md."},
	{func(w *ward) int64 { return w.metrics.TurnedAway },
		"%d connections were turned away because too many others had not logged in.",
		"A storm of hosts after a power failure passes. Otherwise somebody scans the port."},
	{func(w *ward) int64 { return w.metrics.Rejects },
		"%d PDUs were rejected.",
		"The log has them, behind \"rejected a PDU\". Please report it."},
}

// general finds what is about no initiator in particular.
func (w *ward) general(s Status) []Finding {
	found := []Finding{}
	for _, alarm := range s.Alarms {
		found = append(found, Finding{Broken, alarm, "See Troubleshooting in docs/operate.md."})
	}
	for _, sign := range signs {
		if n := sign.count(w); n > 0 {
			found = append(found, Finding{Warning, fmt.Sprintf(sign.what, n), sign.advice})
		}
	}
	if len(w.sessions) == 0 {
		found = append(found, Finding{Note, "Nobody is logged in.", "docs/esxi.md says how to connect ESXi; lunar status shows where lunar listens."})
	}
	if len(found) == 0 {
		found = append(found, Finding{Good, "No alarms, no refused logins, no connections cut, no damaged data.", ""})
	}
	return found
}
