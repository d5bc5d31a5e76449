package scsi

import "slices"

// REGISTER, REGISTER AND IGNORE EXISTING KEY and REGISTER AND MOVE (SPC-5).

// register is REGISTER: the asker gets a key, another key or, by key 0, none.
func (c *change) register() error {
	if c.own < 0 && c.list.key != 0 || c.own >= 0 && !c.authorised() {
		return ReservationConflict
	}
	if c.own >= 0 && c.list.specs {
		return InvalidFieldInCDB.AtBit(1, 4)
	}
	return c.enrol(c.list.key, false)
}

// registerIgnoring is REGISTER AND IGNORE EXISTING KEY.
func (c *change) registerIgnoring() error { return c.enrol(0, true) }

// enrol gives the asker, and the initiator ports that are specified, the new key on its
// target port or on all. On those others too the asker's key must be key, unless any will do.
func (c *change) enrol(key Key, any bool) error {
	if err := c.activate(); err != nil {
		return err
	}
	targets := []string{c.t.nexus.TargetPort}
	if c.list.all {
		for _, p := range c.t.targetPorts() {
			if p.Name != c.t.nexus.TargetPort {
				targets = append(targets, p.Name)
			}
		}
	}
	for n, target := range targets {
		who := Registrant{c.t.nexus.InitiatorPort, target}
		i := c.old.find(who)
		switch {
		case n > 0 && i >= 0 && !any && c.old.Registered[i].Key != key:
			return ReservationConflict
		case c.list.serviceKey == 0 && i >= 0:
			c.lose(i)
		case c.list.serviceKey == 0:
		case i >= 0:
			c.Registered[i].Key, c.made = c.list.serviceKey, true
		default:
			c.add(who)
		}
		for _, port := range c.list.ports {
			c.add(Registrant{port, target})
		}
	}
	if len(c.Registered) > maxRegistrations {
		return InsufficientRegistrations
	}
	if !c.made { // key 0 from one who has none
		return nil
	}
	c.Generation++
	c.expel()
	return nil
}

// activate takes APTPL over.
func (c *change) activate() error {
	if c.list.aptpl && c.t.lu().Keep == nil {
		return InvalidFieldInParameters.AtBit(20, 0)
	}
	c.APTPL = c.list.aptpl
	return nil
}

// add registers who under the new key, unless it is registered or there is none.
func (c *change) add(who Registrant) {
	if c.list.serviceKey == 0 || slices.ContainsFunc(c.Registered, func(g Registration) bool { return g.Registrant == who }) {
		return
	}
	c.Registered = append(c.Registered, Registration{Registrant: who, Key: c.list.serviceKey})
	c.made = true
}

// lose marks the registration i of old as removed.
func (c *change) lose(i int) { c.removed[i], c.made = true, true }

// expel takes the registrations out that are marked as removed, and ends a reservation that
// loses its only holder, or its last one, with them.
func (c *change) expel() {
	kept := make([]Registration, 0, len(c.Registered))
	held := reservationTypes[c.Type].all
	for i, g := range c.Registered {
		if !c.removed[i] {
			kept = append(kept, g)
			held = held || g.Holder
		}
	}
	c.Registered = kept
	if c.Type != 0 && (!held || len(kept) == 0) {
		c.vacate()
	}
}

// move is REGISTER AND MOVE: the holder gives the reservation to another I_T nexus, which is
// registered with it.
func (c *change) move() error {
	if !c.authorised() {
		return ReservationConflict
	}
	target := ""
	for _, p := range c.t.targetPorts() {
		if p.Relative == c.list.relative {
			target = p.Name
		}
	}
	to, names := c.list.ports[0], &c.t.nexus.Names
	switch {
	case c.Type == 0:
		return InvalidFieldInCDB.AtBit(1, 4)
	case !c.old.holds(c.own), reservationTypes[c.Type].all:
		return ReservationConflict
	case c.list.serviceKey == 0:
		return InvalidFieldInParameters.At(8)
	case target == "":
		return InvalidFieldInParameters.At(18)
	case to == names.InitiatorPort, to == names.Initiator:
		return InvalidFieldInParameters.At(outListLen)
	}
	if err := c.activate(); err != nil {
		return err
	}
	who := Registrant{to, target}
	i := slices.IndexFunc(c.Registered, func(g Registration) bool { return g.Registrant == who })
	if i < 0 {
		i = len(c.Registered)
		c.add(who)
	}
	if len(c.Registered) > maxRegistrations {
		return InsufficientRegistrations
	}
	c.Registered[i].Key, c.made = c.list.serviceKey, true
	c.grant(i, c.Type)
	c.Generation++
	if c.list.unregister {
		c.lose(c.own)
		c.expel()
	}
	return nil
}
