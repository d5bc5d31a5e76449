package scsi

import (
	"hash/fnv"
	"io"
	"slices"
)

// What a unit remembers of nexuses that were lost. An initiator whose session ended comes back
// as the same nexus, and does not look at its units afresh: it must still hear what happened
// while it was away.

// maxLost bounds the lost nexuses that a unit remembers, the latest ones.
const maxLost = 256

// A lost nexus is known by the names of its ports.
type lost struct {
	hash                      uint64 // of the names: they differ at their ends, if at all
	initiatorPort, targetPort string
	attentions                attentions
}

func (l *lost) is(n *Nexus) bool {
	return l.hash == n.hash && l.initiatorPort == n.InitiatorPort && l.targetPort == n.TargetPort
}

// hashPorts returns a hash of the names of a nexus's ports.
func hashPorts(initiatorPort, targetPort string) uint64 {
	h := fnv.New64a()
	_, _ = io.WriteString(h, initiatorPort)
	_, _ = io.WriteString(h, targetPort)
	return h.Sum64()
}

// remember keeps what p's nexus, which has ended, has not heard yet. lu.mu is held.
func (lu *LogicalUnit) remember(p *path) {
	if len(lu.lost) == maxLost {
		lu.lost = slices.Delete(lu.lost, 0, 1)
	}
	lu.lost = append(lu.lost, lost{p.nexus.hash, p.nexus.InitiatorPort, p.nexus.TargetPort, p.attentions})
}

// greet gives p its first unit attentions: to a nexus that was here before, I_T NEXUS LOSS and
// what it has not heard; to others, POWER ON. Events that take precedence imply the loss (SAM-5,
// unit attention precedence). lu.mu is held.
func (lu *LogicalUnit) greet(p *path) {
	i := slices.IndexFunc(lu.lost, func(l lost) bool { return l.is(p.nexus) })
	if i < 0 {
		p.raiseLocked(PowerOnOccurred)
		return
	}
	missed := lu.lost[i].attentions
	lu.lost = slices.Delete(lu.lost, i, i+1)
	if !slices.ContainsFunc(missed, Sense.isReset) {
		p.raiseLocked(NexusLossOccurred)
	}
	for _, s := range missed {
		p.raiseLocked(s)
	}
}

// isReset reports whether s tells of a power on, a reset or a nexus loss.
func (s Sense) isReset() bool { return s.ASC() == PowerOnOccurred.ASC() }
