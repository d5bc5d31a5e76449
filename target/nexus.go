package target

import (
	"fmt"
	"maps"

	"github.com/lunarsan/lunar/scsi"
)

// identity is what makes an I_T nexus one of its kind (RFC 7143 §4.4.3).
type identity struct {
	initiator string
	isid      [6]byte
	target    string
	tag       uint16
}

// A Nexus is a live I_T nexus that the device keeps informed of changes.
type Nexus struct {
	*scsi.Nexus
	device *Device
	id     identity
	closed bool                      // device.mu
	seen   map[int]*scsi.LogicalUnit // device.mu
}

// Connect returns a new nexus for a login that has succeeded, seeing what it may. End it
// with Nexus.Close. It is an error if the target went away since it was admitted, or if the
// nexus's predecessor has not drained yet.
func (d *Device) Connect(initiator string, isid [6]byte, target string, tag uint16) (*Nexus, error) {
	initiator, target, err := names(initiator, target)
	if err != nil {
		return nil, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if _, err := d.find(initiator, target, tag); err != nil {
		return nil, err
	}
	id := identity{initiator, isid, target, tag}
	if _, there := d.nexuses[id]; there {
		return nil, fmt.Errorf("the nexus of %s (ISID %x) with %s,%d has not ended yet", initiator, isid, target, tag)
	}
	n := &Nexus{
		Nexus: scsi.NewNexus(scsi.Names{
			Initiator:     initiator,
			InitiatorPort: fmt.Sprintf("%s,i,0x%x", initiator, isid),
			Target:        target,
			TargetPort:    port{target, tag}.name(),
			RelativePort:  d.ports[port{target, tag}],
		}, d.pool),
		device: d,
		id:     id,
	}
	n.History = d.histories.Open(initiator)
	n.ChangeStates = func(asked *scsi.Task, wanted []scsi.StateChange) error {
		return d.changeStates(asked, initiator, wanted)
	}
	d.showAccess(n, nil)
	d.nexuses[id] = n
	n.show(d.inventoryOf(initiator, target))
	return n, nil
}

// show makes the nexus see units, and tells nobody when that is what it saw before.
func (n *Nexus) show(units map[int]*scsi.LogicalUnit) {
	if n.closed || n.seen != nil && maps.Equal(n.seen, units) {
		return
	}
	n.seen = units
	n.SetInventory(units)
}

// Close ends the nexus; see scsi.Nexus.Close. The same initiator port can connect again
// from drained on.
func (n *Nexus) Close(drained func()) {
	n.device.mu.Lock()
	if !n.closed {
		n.closed = true
		n.History.Close()
	}
	n.device.mu.Unlock()
	n.Nexus.Close(func() {
		n.device.mu.Lock()
		delete(n.device.nexuses, n.id)
		n.device.mu.Unlock()
		drained()
	})
}
