package scsi

import (
	"encoding/binary"
	"slices"
)

// REPORT TARGET PORT GROUPS (SPC-5), byte 1: PARAMETER DATA FORMAT.
const (
	lengthOnlyHeader = 0
	extendedHeader   = 1
)

// transitionSeconds is IMPLICIT TRANSITION TIME of the extended header: for how long an
// initiator waits for a transition before it takes the path for lost.
const transitionSeconds = 60

// The states that a group may be in, T_SUP to AO_SUP of its descriptor.
const statesSupported = 0x80 | 0x08 | 0x04 | 0x02 | 0x01

// maxGroupPorts is what TARGET PORT COUNT, a byte, can count.
const maxGroupPorts = 255

// reportPortGroups answers with a header and a descriptor for each group. The header is RETURN
// DATA LENGTH (4), and in the extended format: format type, implicit transition time, reserved
// (2).
func reportPortGroups(t *Task) error {
	p := make([]byte, 4, 64)
	switch t.CDB[1] >> 5 {
	case lengthOnlyHeader:
	case extendedHeader:
		p = append(p, extendedHeader<<4, transitionSeconds, 0, 0)
	default:
		return InvalidFieldInCDB.AtBit(1, 7)
	}
	a := t.nexus.access.Load()
	for i := range a.Groups {
		g := &a.Groups[i]
		if g.Number == a.Own {
			p = g.appendTo(p, t.nexus.RelativePort)
		} else {
			p = g.appendTo(p, 0)
		}
	}
	binary.BigEndian.PutUint32(p, uint32(len(p)-4))
	return t.reply(p)
}

// appendTo appends the group's descriptor:
//
//	0  PREF, asymmetric access state    5  status code
//	1  states supported                 7  target port count
//	2  target port group (2)            8  relative target port identifiers, each in 4 bytes
//
// Of more ports than can be counted, own is there for certain, unless it is 0.
func (g *PortGroup) appendTo(p []byte, own uint16) []byte {
	ports := g.Ports[:min(len(g.Ports), maxGroupPorts)]
	if len(ports) < len(g.Ports) && own > ports[len(ports)-1] {
		ports = append(slices.Clone(ports[:maxGroupPorts-1]), own)
	}
	state := byte(g.State)
	if g.Preferred {
		state |= 0x80
	}
	p = append(p, state, statesSupported)
	p = binary.BigEndian.AppendUint16(p, g.Number)
	p = append(p, 0, byte(g.Cause), 0, byte(len(ports)))
	for _, port := range ports {
		p = binary.BigEndian.AppendUint32(p, uint32(port))
	}
	return p
}
