package scsi

import "slices"

// A restart of the daemon is a nexus loss on every path, and no power on: what units were told
// and have still to tell goes over to their next device servers.

// A Carried is the SCSI state of a unit that lives in memory and that initiators rely on.
type Carried struct {
	Nexuses []CarriedNexus

	// Mode parameters that initiators have changed: they are not told of a power on.
	DescriptorSense, TaskAborted, WriteProtect bool
	WriteCache                                 bool

	Reservations Reservations
}

// A CarriedNexus is a nexus and the unit attentions that it has not heard yet.
type CarriedNexus struct {
	InitiatorPort, TargetPort string
	Attentions                []Sense
}

// Carry returns what the unit's next device server has to know.
func (lu *LogicalUnit) Carry() Carried {
	c := Carried{
		DescriptorSense: lu.modes.dsense.Load(),
		TaskAborted:     lu.modes.tas.Load(),
		WriteProtect:    lu.modes.swp.Load(),
		WriteCache:      !lu.unit.Durable(),
	}
	c.Reservations = lu.Reservations()
	lu.mu.Lock()
	defer lu.mu.Unlock()
	for _, l := range lu.lost {
		c.Nexuses = append(c.Nexuses, CarriedNexus{l.initiatorPort, l.targetPort, slices.Clone(l.attentions)})
	}
	for _, p := range lu.paths {
		c.Nexuses = append(c.Nexuses, CarriedNexus{p.nexus.InitiatorPort, p.nexus.TargetPort, slices.Clone(p.attentions)})
	}
	return c
}

// Resume takes over what Carry has returned, before any nexus sees the unit. An error says what
// of it cannot be, and is left out.
func (lu *LogicalUnit) Resume(c Carried) error {
	lu.modes.dsense.Store(c.DescriptorSense)
	lu.modes.tas.Store(c.TaskAborted)
	lu.modes.swp.Store(c.WriteProtect)
	lu.unit.SetWriteCache(c.WriteCache)
	lu.mu.Lock()
	defer lu.mu.Unlock()
	for _, n := range c.Nexuses[max(0, len(c.Nexuses)-maxLost):] {
		l := lost{hash: hashPorts(n.InitiatorPort, n.TargetPort), initiatorPort: n.InitiatorPort, targetPort: n.TargetPort}
		for _, s := range n.Attentions {
			l.attentions.raise(s)
		}
		lu.lost = append(lu.lost, l)
	}
	return lu.restoreLocked(c.Reservations)
}
