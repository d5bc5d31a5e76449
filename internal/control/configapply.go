package control

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/lunarsan/lunar/sbd"
	"github.com/lunarsan/lunar/target"
)

// ExportConfig returns the configuration as a document.
func (d *Daemon) ExportConfig(ctx context.Context, r ConfigExport) (ConfigExported, error) {
	end, err := d.begin(ctx)
	if err != nil {
		return ConfigExported{}, err
	}
	c, err := d.configuration()
	end()
	if err != nil {
		return ConfigExported{}, err
	}
	text, err := c.document(r.Secrets).encode()
	return ConfigExported{text}, err
}

// ApplyConfig makes the configuration that of a document: all of it, or nothing.
func (d *Daemon) ApplyConfig(ctx context.Context, r ConfigApply) (ConfigPlan, error) {
	doc, err := parseDocument(r.Document)
	if err != nil {
		return ConfigPlan{}, err
	}
	return d.reconfigure(ctx, r, func(current configuration) (configuration, []string, error) {
		m := merge{current: current, prune: r.Prune, listen: d.asStarted, sizeOf: d.sizeOf}
		err := m.merge(doc)
		return m.wanted, m.notes, err
	})
}

// sizeOf returns the size of the store at path, in bytes.
func (d *Daemon) sizeOf(path string) (int64, error) {
	s, err := d.opts.openStore(path, sbd.OpenOptions{ReadOnly: true})
	if err != nil {
		return 0, err
	}
	size := s.Size()
	return size, s.Close()
}

// reconfigure makes the configuration what wanted makes of it.
func (d *Daemon) reconfigure(ctx context.Context, r ConfigApply, wanted func(configuration) (configuration, []string, error)) (ConfigPlan, error) {
	plan, x, err := d.exchangeConfig(ctx, r, wanted)
	if x == nil {
		return plan, err
	}
	x.closeRemoved() // outside the change: a medium that hangs must not hold up the others
	d.setJobs(deltas(x.before.jobs, x.after.jobs))
	plan.Offline = x.awaitStores(ctx)
	return plan, err
}

func (d *Daemon) exchangeConfig(ctx context.Context, r ConfigApply, wanted func(configuration) (configuration, []string, error)) (ConfigPlan, *exchange, error) {
	end, err := d.begin(ctx)
	if err != nil {
		return ConfigPlan{}, nil, err
	}
	defer end()
	before, err := d.configuration()
	if err != nil {
		return ConfigPlan{}, nil, err
	}
	base, err := d.lastChange()
	if err != nil {
		return ConfigPlan{}, nil, err
	}
	if r.Base != nil && *r.Base != base {
		return ConfigPlan{}, nil, conflict("somebody has changed the configuration since the plan was made", "Look at the plan again.")
	}
	after, notes, err := wanted(before)
	if err != nil {
		return ConfigPlan{}, nil, err
	}
	if err := d.apartFromTests(before, after); err != nil {
		return ConfigPlan{}, nil, err
	}
	plan := d.plan(before, after)
	plan.Notes, plan.Base = notes, base
	if len(plan.Risks) > 0 && !r.Force && !r.DryRun {
		return plan, nil, conflict("the configuration was not changed: "+strings.Join(plan.Risks, "; "),
			"lunar config apply --dry-run shows the plan; --force carries it out.")
	}
	if r.DryRun {
		return plan, nil, nil
	}
	x := &exchange{d: d, before: before, after: after}
	if err := x.run(); err != nil {
		return plan, nil, err
	}
	plan.Applied = true
	d.log.Info("changed the configuration", "steps", len(plan.Steps))
	return plan, x, nil
}

// An exchange puts one configuration in the place of another: first in the running device, where
// each step can be taken back, then in the state, in one transaction. What cannot be taken back, or
// takes time, comes after that and cannot fail: sessions end, sockets and stores open and close.
type exchange struct {
	d             *Daemon
	before, after configuration

	undo    []func() error // what takes back the steps that were taken, in their order
	later   []func()       // what is done when it is saved
	removed []*unit
	opening []*unit // their stores are tried
}

// run takes the steps in an order in which what is taken is free first, and what is named is there.
// Daemon.change is held.
func (x *exchange) run() error {
	err := inOrder(
		x.dropTargets,
		x.dropInitiators,
		x.makeMemberGroups,
		x.closeGroups,
		x.setGroups,
		x.setUnits,
		x.setMemberGroups,
		x.setInitiators,
		x.setDiscovery,
		x.setTargets,
		x.dropGroups,
		x.save,
	)
	if err != nil {
		for _, undo := range slices.Backward(x.undo) {
			err = joinUndo(err, undo())
		}
		return err
	}
	for _, then := range x.later {
		then()
	}
	for _, c := range deltas(x.before.isns, x.after.isns) {
		x.d.register(*c.after) // there is always one
	}
	for _, c := range deltas(x.before.radius, x.after.radius) {
		x.d.useRADIUS(*c.after) // there is always one
	}
	for _, c := range deltas(x.before.peers, x.after.peers) {
		if c.gone() || !c.comes() && c.before.Fingerprint != c.after.Fingerprint {
			x.d.closePeer(c.before.Fingerprint)
		}
	}
	x.d.closeBarred()
	return nil
}

// step takes a step in the device.
func (x *exchange) step(do, undo func() error) error {
	if err := do(); err != nil {
		return err
	}
	x.undo = append(x.undo, undo)
	return nil
}

func (x *exchange) then(f func()) { x.later = append(x.later, f) }

// done is a step that cannot fail.
func done(f func()) func() error {
	return func() error {
		f()
		return nil
	}
}

// save saves all in one transaction, with the target port groups, which initiators change too.
func (x *exchange) save() error {
	d := x.d
	access := deltas(x.before.access, x.after.access)
	return d.device.ChangeAccess(func(groups map[uint16]target.AccessGroup) error {
		for _, c := range access {
			if !c.gone() {
				groups[c.after.Number] = target.AccessGroup(*c.after)
			}
		}
		return nil
	}, func(groups []target.AccessGroup) error {
		return d.state.Update(func(tx Tx) error {
			units := deltas(x.before.units, x.after.units)
			for _, c := range units {
				if c.gone() {
					if err := errors.Join(reservationKind.delete(tx, c.name), sanitizeKind.delete(tx, c.name)); err != nil {
						return err
					}
				}
			}
			return errors.Join(
				save(tx, unitKind, units),
				save(tx, groupKind, deltas(x.before.groups, x.after.groups)),
				save(tx, targetKind, deltas(x.before.targets, x.after.targets)),
				save(tx, initiatorKind, deltas(x.before.initiators, x.after.initiators)),
				save(tx, hostGroupKind, deltas(x.before.hostGroups, x.after.hostGroups)),
				save(tx, targetGroupKind, deltas(x.before.targetGroups, x.after.targetGroups)),
				save(tx, peerKind, deltas(x.before.peers, x.after.peers)),
				save(tx, jobKind, deltas(x.before.jobs, x.after.jobs)),
				save(tx, isnsKind, deltas(x.before.isns, x.after.isns)),
				save(tx, radiusKind, deltas(x.before.radius, x.after.radius)),
				save(tx, alarmKind, deltas(x.before.alarms, x.after.alarms)),
				save(tx, discoveryKind, deltas(x.before.discovery, x.after.discovery)),
				putAccess(tx, groups),
				d.putPorts(tx),
			)
		})
	})
}

// closeRemoved closes the stores of the units that have gone.
func (x *exchange) closeRemoved() {
	for _, u := range x.removed {
		if err := u.unit.Detach(errors.New("the unit was deleted")); err != nil {
			x.d.log.Error("the deleted unit's store did not close", "unit", u.record.GUID, "path", u.record.Path, "reason", err)
		}
		u.lu.Close()
	}
}

// awaitStores waits until each store that is to be there was tried once, but not for long, and
// tells which units have none.
func (x *exchange) awaitStores(ctx context.Context) (offline []string) {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	for _, u := range x.opening {
		x.d.change.Lock()
		first := u.attempts.first
		x.d.change.Unlock()
		select {
		case <-first:
		case <-ctx.Done():
		}
		if err := u.unit.Err(); err != nil {
			offline = append(offline, fmt.Sprintf("unit %s: %s", u.unit.Identity().GUID, causeOf(err.Error())))
		}
	}
	return offline
}
