package scsi

import (
	"fmt"
	"slices"
)

// Asymmetric logical unit access (SPC-5): target ports form target port groups, and all the
// ports of a group lead to the units in the same way. What that way is, is the group's state;
// it is one for all units.

// AccessState is an asymmetric access state.
type AccessState uint8

const (
	Optimized     AccessState = 0x0 // "active/optimized"
	NonOptimized  AccessState = 0x1 // "active/non-optimized": everything works, other ports are better
	Standby       AccessState = 0x2
	Unavailable   AccessState = 0x3
	Transitioning AccessState = 0xF
)

// accessStates has the word for each state, and what commands get that need an active one.
var accessStates = [16]struct {
	word    string
	refusal Sense
}{
	Optimized:     {word: "optimized"},
	NonOptimized:  {word: "non-optimized"},
	Standby:       {"standby", PortInStandby},
	Unavailable:   {"unavailable", PortUnavailable},
	Transitioning: {"transitioning", PortInTransition},
}

// String returns the state's word, which UnmarshalText reads.
func (s AccessState) String() string {
	if word := accessStates[s&0xF].word; word != "" {
		return word
	}
	return fmt.Sprintf("state %Xh", uint8(s))
}

// MarshalText is String.
func (s AccessState) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads a state's word.
func (s *AccessState) UnmarshalText(text []byte) error {
	for state, a := range accessStates {
		if a.word != "" && a.word == string(text) {
			*s = AccessState(state)
			return nil
		}
	}
	return fmt.Errorf("%q is no access state: want optimized, non-optimized, standby, unavailable or transitioning", text)
}

// AccessCause tells how a group came into its state (SPC-5, STATUS CODE of REPORT TARGET PORT
// GROUPS).
type AccessCause uint8

const (
	NeverChanged      AccessCause = 0
	ChangedByCommand  AccessCause = 1 // SET TARGET PORT GROUPS
	ChangedImplicitly AccessCause = 2 // by an operator
)

// A PortGroup is a target port group.
type PortGroup struct {
	Number    uint16 // TARGET PORT GROUP, from 1
	State     AccessState
	Preferred bool
	Explicit  bool // initiators may change State
	Cause     AccessCause
	Ports     []uint16 // relative target port identifiers, ascending
}

// Access is what a nexus knows of asymmetric access: all the groups at one moment, so that
// what it reports is consistent, and which of them its own target port is in. The groups are
// shared by nexuses and never changed.
type Access struct {
	Groups []PortGroup // ascending by number
	Own    uint16
}

// A StateChange is what SET TARGET PORT GROUPS asks for of a group.
type StateChange struct {
	Group uint16
	State AccessState
}

// access is an Access with what commands ask it.
type access struct {
	Access
	refusal  Sense // what commands get that need an active state; NoSense: the state is one
	explicit bool  // initiators may change the state of some group
}

// SetAccess tells the nexus of target port groups. Where a group's state is another than before,
// every unit raises ASYMMETRIC ACCESS STATE CHANGED (06/2A/06), but not the one that was asked
// for it by the task asked, which may be nil; where what INQUIRY says is another, they raise
// INQUIRY DATA HAS CHANGED (06/3F/03). One SetAccess or SetInventory at a time.
func (n *Nexus) SetAccess(a Access, asked *Task) {
	now := &access{Access: a}
	for _, g := range a.Groups {
		now.explicit = now.explicit || g.Explicit
		if g.Number == a.Own {
			now.refusal = accessStates[g.State&0xF].refusal
		}
	}
	was := n.access.Swap(now)
	sameStates := slices.EqualFunc(was.Groups, a.Groups, func(a, b PortGroup) bool {
		return a.Number == b.Number && a.State == b.State && a.Preferred == b.Preferred
	})
	sameInquiry := was.Own == now.Own && was.explicit == now.explicit
	for _, p := range n.luns.Load().paths {
		if !sameStates && (asked == nil || asked.path != p) {
			p.raise(AccessStateChanged)
		}
		if !sameInquiry {
			p.raise(InquiryDataChanged)
		}
	}
}

// refuses returns what a command with flags gets in the state of the nexus's own group.
func (a *access) refuses(flags commandFlags) Sense {
	switch {
	case a.refusal == NoSense, flags&anyAccess != 0, flags&inactive != 0 && a.refusal != PortInTransition:
		return NoSense
	}
	return a.refusal
}

// tpgs is TPGS of standard INQUIRY data, in its place in byte 5: implicit changes, and explicit
// ones where an operator allows them.
func (a *access) tpgs() byte {
	const implicit, explicit = 0x10, 0x20
	if a.explicit {
		return implicit | explicit
	}
	return implicit
}
