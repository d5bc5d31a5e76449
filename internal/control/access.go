package control

import (
	"errors"
	"fmt"
	"slices"

	"github.com/lunarsan/lunar/scsi"
	"github.com/lunarsan/lunar/target"
)

// Target port groups (asymmetric logical unit access): what a portal group's paths to the units
// are like. Operators change them with their portal groups, initiators by SET TARGET PORT
// GROUPS. The latter do so under the device's lock alone: a command must not wait for a change
// that may wait for the command.

// The modes of a target port group.
const (
	accessImplicit = "implicit" // operators change its state
	accessExplicit = "explicit" // initiators too
)

// access is the number of r's target port group; one is where a portal group is that was never
// asked.
func (r groupRecord) access() uint16 { return max(r.Access, 1) }

// check refuses what no target port group can be.
func (p *PathChange) check() error {
	if p.Group != nil && *p.Group == 0 {
		return refuse("there is no target port group 0", "Choose a number from 1 to 65535.")
	}
	if p.Mode != nil && *p.Mode != accessImplicit && *p.Mode != accessExplicit {
		return refuse(fmt.Sprintf("%q is no way to change states", *p.Mode), "Choose implicit, or explicit to let initiators change them.")
	}
	if p.State != nil {
		if err := new(scsi.AccessState).UnmarshalText([]byte(*p.State)); err != nil {
			return refuse(err.Error(), "Most sites need optimized and non-optimized alone.")
		}
	}
	return nil
}

// change is what p makes of target port group number. p was checked.
func (p *PathChange) change(number uint16) func(map[uint16]target.AccessGroup) error {
	return func(groups map[uint16]target.AccessGroup) error {
		g := groups[number]
		if p.State != nil {
			was := g.State
			if err := g.State.UnmarshalText([]byte(*p.State)); err != nil {
				return err
			}
			if g.State != was {
				g.Cause = scsi.ChangedImplicitly
			}
		}
		if p.Preferred != nil {
			g.Preferred = *p.Preferred
		}
		if p.Mode != nil {
			g.Explicit = *p.Mode == accessExplicit
		}
		groups[number] = g
		return nil
	}
}

// unchanged is a change of target port groups that only forgets those that are gone.
func unchanged(map[uint16]target.AccessGroup) error { return nil }

// putAccess saves the target port groups, which are all there are.
func putAccess(tx Tx, groups []target.AccessGroup) error {
	var gone []uint16
	for r, err := range accessKind.all(tx) {
		if err != nil {
			return err
		}
		if !slices.ContainsFunc(groups, func(g target.AccessGroup) bool { return g.Number == r.Number }) {
			gone = append(gone, r.Number)
		}
	}
	for _, n := range gone {
		if err := accessKind.delete(tx, numberKey(n)); err != nil {
			return err
		}
	}
	for _, g := range groups {
		if err := accessKind.put(tx, numberKey(g.Number), accessRecord(g)); err != nil {
			return err
		}
	}
	return nil
}

// saveAccess saves what an initiator has changed.
func (d *Daemon) saveAccess(groups []target.AccessGroup, initiator string) error {
	if err := d.state.Update(func(tx Tx) error { return putAccess(tx, groups) }); err != nil {
		return err
	}
	for _, g := range groups {
		d.log.Info("an initiator set target port groups", "initiator", initiator, "alua_group", g.Number, "alua_state", g.State.String())
	}
	return nil
}

// loadAccess makes the target port groups as they were. The portal groups are there.
func (d *Daemon) loadAccess() error {
	records, err := accessKind.list(d.state)
	if err != nil {
		return err
	}
	d.device.SaveAccess = d.saveAccess
	return d.device.ChangeAccess(func(groups map[uint16]target.AccessGroup) error {
		for _, r := range records {
			if _, used := groups[r.Number]; used {
				groups[r.Number] = target.AccessGroup(r)
			}
		}
		return nil
	}, func([]target.AccessGroup) error { return nil })
}

// loadPorts gives target ports the relative identifiers that they had.
func (d *Daemon) loadPorts() error {
	records, err := portKind.list(d.state)
	if err != nil {
		return err
	}
	ports := make([]target.Port, 0, len(records))
	for _, r := range records {
		ports = append(ports, target.Port(r))
	}
	return d.device.RestorePorts(ports)
}

// putPorts saves the target ports that are new. A port that is new may have the number of one
// that is gone, and takes its record.
func (d *Daemon) putPorts(tx Tx) error {
	for _, p := range d.device.Ports() {
		saved, there, err := portKind.get(tx, numberKey(p.Number))
		if err == nil && (!there || saved != portRecord(p)) {
			err = portKind.put(tx, numberKey(p.Number), portRecord(p))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// savePorts saves the target ports that an older program has not, once the targets are loaded.
func (d *Daemon) savePorts() error {
	missing := errors.New("a port is not saved")
	err := d.state.View(func(tx Tx) error {
		for _, p := range d.device.Ports() {
			if saved, there, err := portKind.get(tx, numberKey(p.Number)); err != nil {
				return err
			} else if !there || saved != portRecord(p) {
				return missing
			}
		}
		return nil
	})
	if errors.Is(err, missing) {
		err = d.state.Update(d.putPorts)
	}
	return err
}

// numberKey is the name of a record that has a number, in the order of numbers.
func numberKey(n uint16) string { return fmt.Sprintf("%05d", n) }
