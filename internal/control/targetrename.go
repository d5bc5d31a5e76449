package control

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/lunarsan/lunar/scsi"
	"github.com/lunarsan/lunar/target"
)

// A target keeps all but its name when it is renamed: portal groups, the relative identifiers of its
// ports, its place in a target group and so what is seen on it, and what initiators have registered
// by persistent reservations. To initiators it is another target, at which they log in afresh.

// checkRename refuses a new name that will not do. Sessions on the target are in the way unless
// force says to close them.
func (d *Daemon) checkRename(r targetRecord, name string, force bool) error {
	if name == r.Name {
		return nil
	}
	if reason := d.lost(string(targetKind)+r.Name, r.Self); reason != "" {
		return conflict(fmt.Sprintf("target %s keeps its name: %s", r.Name, reason), "lunar target modify sets another secret.")
	}
	if n := d.countSessions(r.Name); n > 0 && !force {
		return conflict(fmt.Sprintf("target %s has %d %s", r.Name, n, plural(n, "session")),
			"Log the initiators out first, or close their sessions with --force.")
	}
	if _, err := d.findTarget(name); err == nil {
		return conflict("target "+name+" exists already", "lunar target list -v shows the targets.")
	}
	return nil
}

// renameTarget renames the target of r, which was checked. Nobody gets in meanwhile. Daemon.change
// is held.
func (d *Daemon) renameTarget(r targetRecord, name string) (targetRecord, error) {
	before := r
	r.Name = name
	if r.Self != nil && r.Self.User == before.Name {
		r.Self = &credential{name, r.Self.Secret}
	}
	if err := d.device.SetOffline(before.Name, true); err != nil {
		return before, err
	}
	d.server.CloseTarget(before.Name)
	if err := d.device.RenameTarget(before.Name, name); err != nil {
		return before, joinUndo(conflict(err.Error(), "Choose another name."), d.device.SetOffline(before.Name, before.Offline))
	}
	renamings := d.renamePorts(before.Name, name)
	err := d.state.Update(func(tx Tx) error {
		return errors.Join(
			targetKind.delete(tx, before.Name), targetKind.put(tx, name, r),
			d.dropPorts(tx), d.putPorts(tx), renameMember(tx, before.Name, name), saveRenamings(tx, renamings),
		)
	})
	for _, u := range renamings {
		u.End(err == nil)
	}
	if err != nil {
		return before, joinUndo(err, errors.Join(d.device.RenameTarget(name, before.Name), d.device.SetOffline(before.Name, before.Offline)))
	}
	d.log.Info("renamed a target", "target", before.Name, "becomes", name)
	return r, d.device.SetOffline(name, r.Offline)
}

// renamePorts begins to rename the ports of a target in all units, by their GUIDs.
func (d *Daemon) renamePorts(name, becomes string) map[string]*scsi.Renaming {
	rename := func(port string) string {
		if tag, is := strings.CutPrefix(port, name+target.PortSeparator); is {
			return becomes + target.PortSeparator + tag
		}
		return port
	}
	d.mu.RLock()
	units := maps.Clone(d.units)
	d.mu.RUnlock() // who saves a reservation holds its unit, and wants d.mu
	renamings := make(map[string]*scsi.Renaming, len(units))
	for guid, u := range units {
		renamings[guid.String()] = u.lu.RenameTargetPorts(rename)
	}
	return renamings
}

// saveRenamings saves what is to persist of reservations, under the new names.
func saveRenamings(tx Tx, renamings map[string]*scsi.Renaming) error {
	for guid, u := range renamings {
		saved, there, err := reservationKind.get(tx, guid)
		if err != nil {
			return err
		}
		if !there {
			continue
		}
		saved.Reservations = u.Lasting()
		if err := reservationKind.put(tx, guid, saved); err != nil {
			return err
		}
	}
	return nil
}

// renameMember renames a member of a target group.
func renameMember(tx Tx, name, becomes string) error {
	for r, err := range targetGroupKind.all(tx) {
		if err != nil {
			return err
		}
		i := slices.Index(r.Members, name)
		if i < 0 {
			continue
		}
		r.Members = slices.Clone(r.Members)
		r.Members[i] = becomes
		slices.Sort(r.Members)
		return targetGroupKind.put(tx, r.Name, r)
	}
	return nil
}

// dropPorts forgets the numbers that ports have no more.
func (d *Daemon) dropPorts(tx Tx) error {
	numbers := make(map[string]bool)
	for _, p := range d.device.Ports() {
		numbers[string(portKind)+numberKey(p.Number)] = true
	}
	var gone []string
	for key := range tx.Scan(string(portKind)) {
		if !numbers[key] {
			gone = append(gone, key)
		}
	}
	for _, key := range gone {
		if err := tx.Delete(key); err != nil {
			return err
		}
	}
	return nil
}
