package target

import (
	"cmp"
	"maps"
	"slices"

	"github.com/lunarsan/lunar/scsi"
)

// An AccessGroup is a target port group of asymmetric logical unit access (SPC-5): the portal
// groups that name its number, which lead to the units in one way. It is there as long as a
// portal group names it, and Optimized unless somebody changes it.
type AccessGroup struct {
	Number    uint16 // from 1
	State     scsi.AccessState
	Preferred bool
	Explicit  bool // initiators may change State
	Cause     scsi.AccessCause
}

// firstAccessGroup is the target port group of portal groups that name none: one machine's paths
// to a unit are all alike.
const firstAccessGroup = 1

// access is the number of g's target port group.
func (g *PortalGroup) access() uint16 { return max(g.Access, firstAccessGroup) }

// AccessGroups returns the target port groups in order of their numbers.
func (d *Device) AccessGroups() []AccessGroup {
	d.mu.Lock()
	defer d.mu.Unlock()
	return sortedGroups(d.usedAccess())
}

// ChangeAccess lets change have the target port groups, by number, gives them to save, and when
// that returns nil makes them so and tells all nexuses. An error of either ends it and changes
// nothing. One change at a time: save may block, and must not change the device.
func (d *Device) ChangeAccess(change func(groups map[uint16]AccessGroup) error, save func([]AccessGroup) error) error {
	return d.changeAccess(nil, change, save)
}

func (d *Device) changeAccess(asked *scsi.Task, change func(map[uint16]AccessGroup) error, save func([]AccessGroup) error) error {
	d.accessing.Lock()
	defer d.accessing.Unlock()
	d.mu.Lock()
	groups := d.usedAccess()
	d.mu.Unlock()
	if err := change(groups); err != nil {
		return err
	}
	if err := save(sortedGroups(groups)); err != nil {
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.access = groups
	d.refreshAccess(asked)
	return nil
}

// changeStates makes the changes that an initiator has asked for by a SET TARGET PORT GROUPS
// command.
func (d *Device) changeStates(asked *scsi.Task, initiator string, wanted []scsi.StateChange) error {
	change := func(groups map[uint16]AccessGroup) error {
		for _, w := range wanted {
			if g, there := groups[w.Group]; there && g.State != w.State {
				g.State, g.Cause = w.State, scsi.ChangedByCommand
				groups[w.Group] = g
			}
		}
		return nil
	}
	return d.changeAccess(asked, change, func(groups []AccessGroup) error { return d.SaveAccess(groups, initiator) })
}

// usedAccess returns the target port groups that portal groups name.
func (d *Device) usedAccess() map[uint16]AccessGroup {
	groups := make(map[uint16]AccessGroup)
	for _, g := range d.groups {
		number := g.access()
		a := d.access[number]
		a.Number = number
		groups[number] = a
	}
	return groups
}

func sortedGroups(groups map[uint16]AccessGroup) []AccessGroup {
	return slices.SortedFunc(maps.Values(groups), func(a, b AccessGroup) int { return cmp.Compare(a.Number, b.Number) })
}

// refreshAccess tells every nexus of the target port groups as they are now, but for the unit
// attention of the one that asked for the change.
func (d *Device) refreshAccess(asked *scsi.Task) {
	d.reported = nil
	for _, n := range d.nexuses {
		d.showAccess(n, asked)
	}
}

// showAccess tells one nexus of the target port groups.
func (d *Device) showAccess(n *Nexus, asked *scsi.Task) {
	if d.reported == nil {
		d.reported = d.portGroups()
	}
	group := d.groups[n.id.tag]
	n.SetAccess(scsi.Access{Groups: d.reported, Own: group.access()}, asked)
}

// portGroups returns the target port groups that have ports, as initiators see them.
func (d *Device) portGroups() []scsi.PortGroup {
	ports := make(map[uint16][]uint16)
	for p, n := range d.ports {
		if d.has(p) {
			g := d.groups[p.tag]
			ports[g.access()] = append(ports[g.access()], n)
		}
	}
	groups := make([]scsi.PortGroup, 0, len(ports))
	for _, a := range sortedGroups(d.usedAccess()) {
		if has := ports[a.Number]; len(has) > 0 {
			slices.Sort(has)
			groups = append(groups, scsi.PortGroup{
				Number:    a.Number,
				State:     a.State,
				Preferred: a.Preferred,
				Explicit:  a.Explicit,
				Cause:     a.Cause,
				Ports:     has,
			})
		}
	}
	return groups
}
