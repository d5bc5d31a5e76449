package vmfs

import "fmt"

// hosts checks the heartbeats, and owns the blocks of the journals that they name.
func (c *checker) hosts() error {
	h, err := c.v.Heartbeats()
	if err != nil {
		return err
	}
	c.heartbeats = h
	for i := range h.Len() {
		slot := h.Slot(i)
		where := fmt.Sprintf("heartbeat %d", i)
		if at := int64(heartbeatOffset + i*h.step); slot.Logical() != at {
			c.find(FaultHeartbeat, where, "it says that it is at %#x, and is at %#x", slot.Logical(), at)
		}
		if !slot.Free() && !slot.InUse() {
			c.find(FaultHeartbeat, where, "its state is %#x", slot.State())
		}
		if slot.InUse() {
			c.report.Counts.Hosts++
			if slot.Journal() != 0 {
				c.journal(where, uint64(slot.Journal()))
			}
		}
	}
	return nil
}

// journal owns the block of a host's journal.
func (c *checker) journal(where string, raw uint64) {
	a := c.v.sb.Decode(raw)
	o := c.kinds[a.Type]
	if o == nil || a.Type != AddressFB && a.Type != AddressJB {
		c.find(FaultHeartbeat, where, "its journal is at %#x, which is no block's address", raw)
		return
	}
	if n, ok := o.number(a, c.v.sb.wide()); ok {
		o.own(n, false)
	} else {
		c.find(FaultHeartbeat, where, "its journal is at %#x, behind the last %s", raw, o.name)
	}
}

// lock checks that who holds a lock is there.
func (c *checker) lock(fd FDAddress, l *Lock) {
	if l.Mode() == Unlocked {
		return
	}
	i := (l.Heartbeat() - heartbeatOffset) / int64(c.heartbeats.step)
	if l.Heartbeat() < heartbeatOffset || i >= int64(c.heartbeats.Len()) {
		c.findFile(FaultLockStale, fd, "it is locked (%s) by the heartbeat at %#x, where there is none", l.Mode(), l.Heartbeat())
		return
	}
	slot := c.heartbeats.Slot(int(i))
	switch {
	case !slot.InUse():
		c.findFile(FaultLockStale, fd, "it is locked (%s) by host %s, which has left", l.Mode(), l.Owner())
	case slot.Generation() != l.HeartbeatGeneration():
		c.findFile(FaultLockStale, fd, "it is locked (%s) by generation %d of heartbeat %d, which is at %d", l.Mode(), l.HeartbeatGeneration(), i, slot.Generation())
	}
}
