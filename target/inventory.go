package target

import (
	"maps"

	"github.com/lunarsan/lunar/scsi"
)

// inventory decides which units a nexus sees, and at which LUNs: those of the views for its
// initiator's host group or all, on its target's target group or all. It is the only place that
// does. LUNs do not collide: the views have been checked.
func inventory(byScope map[scope]map[int]*scsi.LogicalUnit, n scope) map[int]*scsi.LogicalUnit {
	seen := make(map[int]*scsi.LogicalUnit)
	for _, s := range [...]scope{{}, {n.hosts, ""}, {"", n.targets}, n} {
		maps.Copy(seen, byScope[s])
	}
	return seen
}

// inventoryOf is inventory with the views there are now. Nobody sees anything on a target that
// was removed. Nexuses in the same groups share a map, which nobody changes.
func (d *Device) inventoryOf(initiator, target string) map[int]*scsi.LogicalUnit {
	if _, there := d.targets[target]; !there {
		return nil
	}
	n := d.scope(initiator, target)
	seen, known := d.inventories[n]
	if !known {
		seen = inventory(d.views.byScope, n)
		d.inventories[n] = seen
	}
	return seen
}

// reshow tells the nexuses that changed views can concern what they see from now on.
func (d *Device) reshow(changed []View) {
	scopes := make(map[scope]bool)
	for _, v := range changed {
		scopes[v.scope()] = true
	}
	concerns := func(n scope) bool {
		for s := range scopes {
			if s.holds(n) {
				return true
			}
		}
		return false
	}
	maps.DeleteFunc(d.inventories, func(n scope, _ map[int]*scsi.LogicalUnit) bool { return concerns(n) })
	d.refresh(func(n *Nexus) bool { return concerns(d.scope(n.id.initiator, n.id.target)) })
}

// refresh tells the live nexuses that a change concerns what they see from now on.
func (d *Device) refresh(concerns func(*Nexus) bool) {
	for id, n := range d.nexuses {
		if concerns(n) {
			n.show(d.inventoryOf(id.initiator, id.target))
		}
	}
}
