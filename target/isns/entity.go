package isns

import (
	"net/netip"
	"slices"
)

// An Entity is what a host registers (RFC 4171 §3.1).
type Entity struct {
	ID      string // unique among the hosts of a server
	Portals []Portal
	Targets []Target
}

// A Portal is an address where targets are reached.
type Portal struct {
	Address netip.AddrPort
	Group   uint16 // portal group tag
}

// A Target is an iSCSI target node.
type Target struct {
	Name   string
	Alias  string
	Groups []uint16 // tags of the portal groups that it is reached through
}

// vacant reports whether there is nothing that an initiator could find.
func (e *Entity) vacant() bool { return len(e.Portals) == 0 || len(e.Targets) == 0 }

func (e *Entity) equal(o *Entity) bool {
	return e.ID == o.ID && slices.Equal(e.Portals, o.Portals) &&
		slices.EqualFunc(e.Targets, o.Targets, func(a, b Target) bool {
			return a.Name == b.Name && a.Alias == b.Alias && slices.Equal(a.Groups, b.Groups)
		})
}

// source is the target that speaks for the entity (RFC 4171 §5.6.1).
func (e *Entity) source() string { return e.Targets[0].Name }

func (e *Entity) has(target string) bool {
	return slices.ContainsFunc(e.Targets, func(t Target) bool { return t.Name == target })
}

// requestedPeriod is how long a server is to keep a registration that it does not hear of, in
// seconds.
const requestedPeriod = 600

// ample is how long an answer may become, in bytes, before the next target goes into another
// message: Open-iSNS has no room for messages of more than 8 KiB, and its answers are longer than
// what they answer.
const ample = 6 << 10

// echo is about what t takes in an answer, in bytes: its node, and its relation to each portal.
func (e *Entity) echo(t Target) int {
	return 64 + len(t.Name) + len(t.Alias) + len(e.Portals)*(80+len(t.Name))
}

// registrations returns the messages that make the server know e and nothing else of it. The first
// one replaces whatever the server knows (RFC 4171 §5.6.5.1).
func (e *Entity) registrations(source string) []message {
	begin := func() attributes {
		var a attributes
		a.text(nodeName, source)
		a.text(entityIdentifier, e.ID)
		a.empty(delimiter)
		a.text(entityIdentifier, e.ID)
		return a
	}
	a := begin()
	a.number(entityProtocol, protocolISCSI)
	a.number(registrationPeriod, requestedPeriod)
	for _, p := range e.Portals {
		a.portal(portalAddress, portalPort, p.Address)
	}
	messages := []message{{function: devAttrReg, flags: fromClient | replace}}
	answer, full := len(a), false
	for _, t := range e.Targets {
		if answer += e.echo(t); answer > ample && full {
			messages[len(messages)-1].payload = a
			messages = append(messages, message{function: devAttrReg, flags: fromClient})
			a = begin()
			answer = len(a) + e.echo(t)
		}
		e.target(&a, t)
		full = true
	}
	messages[len(messages)-1].payload = a
	return messages
}

// target adds a target and its portal groups. A portal through which it is not reached is in one
// without a tag: else the server would make up a tag for it (RFC 4171 §6.5.4).
func (e *Entity) target(a *attributes, t Target) {
	a.text(nodeName, t.Name)
	a.number(nodeType, typeTarget)
	if t.Alias != "" {
		a.text(nodeAlias, t.Alias)
	}
	var done []uint16
	for _, p := range e.Portals {
		if slices.Contains(done, p.Group) {
			continue
		}
		done = append(done, p.Group)
		if slices.Contains(t.Groups, p.Group) {
			a.number(groupTag, uint32(p.Group))
		} else {
			a.empty(groupTag)
		}
		for _, o := range e.Portals {
			if o.Group == p.Group {
				a.portal(groupAddress, groupPort, o.Address)
			}
		}
	}
}

// deregistration is the message that makes the server forget e (RFC 4171 §5.6.5.4).
func (e *Entity) deregistration(source string) message {
	var a attributes
	a.text(nodeName, source)
	a.empty(delimiter)
	a.text(entityIdentifier, e.ID)
	return message{function: devDereg, flags: fromClient, payload: a}
}

// refresh is a message that keeps a registration alive, and asks whether there is one: a query
// for the type of the node that asks (RFC 4171 §6.2.6).
func refresh(source string) message {
	var a attributes
	a.text(nodeName, source)
	a.text(nodeName, source)
	a.empty(delimiter)
	a.empty(nodeName)
	a.empty(nodeType)
	return message{function: devAttrQry, flags: fromClient, payload: a}
}
