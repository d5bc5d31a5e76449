package control

import (
	"errors"
	"fmt"
	"slices"

	"github.com/lunarsan/lunar/sbd"
	"github.com/lunarsan/lunar/target"
)

// The units of an exchange. Those that stay keep their stores open, their reservations, and what
// initiators were told.

// setUnits makes units what they become, and those that come and go. Their views change as one:
// LUNs may pass from unit to unit, and initiators are told once.
func (x *exchange) setUnits() error {
	var before, after []target.View
	for _, c := range deltas(x.before.units, x.after.units) {
		var u *unit
		if c.comes() {
			u = x.makeUnit(*c.after)
		} else {
			u = x.d.units[c.before.GUID]
			before = append(before, c.before.views(u.lu)...)
		}
		if c.gone() {
			x.then(func() { x.forget(u) })
			continue
		}
		after = append(after, c.after.views(u.lu)...)
		if !c.comes() {
			if err := x.changeUnit(u, *c.before, *c.after); err != nil {
				return fmt.Errorf("unit %s: %w", c.name, err)
			}
		}
	}
	if slices.Equal(before, after) {
		return nil
	}
	err := x.step(func() error { return x.d.device.ChangeViews(before, after) }, func() error { return x.d.device.ChangeViews(after, before) })
	if err != nil {
		return viewConflict(err)
	}
	return nil
}

// forget ends a unit; its store stays.
func (x *exchange) forget(u *unit) {
	x.d.mu.Lock()
	delete(x.d.units, u.record.GUID)
	x.d.mu.Unlock()
	u.attempts.end()
	x.d.device.RemoveUnit(u.lu)
	x.removed = append(x.removed, u)
}

// makeUnit makes a unit, whose store is opened when all is saved. One that is not there leaves it
// offline, as at the daemon's start.
func (x *exchange) makeUnit(r unitRecord) *unit {
	u := x.d.newUnit(r)
	x.undo = append(x.undo, done(func() {
		x.d.device.RemoveUnit(u.lu)
		u.lu.Close()
	}))
	if r.Retired {
		x.d.device.HideUnit(u.lu)
	}
	x.then(func() {
		x.d.mu.Lock()
		x.d.units[r.GUID] = u
		x.d.mu.Unlock()
		x.openOrNot(u)
	})
	return u
}

// openOrNot begins to open u's store, unless an operator wants it without one.
func (x *exchange) openOrNot(u *unit) {
	if reason := u.record.offlineReason(); reason != nil {
		x.d.takeOffline(u, reason)
		return
	}
	x.d.seek(u)
	x.opening = append(x.opening, u)
}

// changeUnit makes u what after says.
func (x *exchange) changeUnit(u *unit, before, after unitRecord) error {
	if err := x.step(func() error { return u.become(after) }, func() error { return u.become(before) }); err != nil {
		return err
	}
	hide, show := done(func() { x.d.device.HideUnit(u.lu) }), done(func() { x.d.device.ShowUnit(u.lu) })
	switch {
	case after.Retired && !before.Retired:
		_ = x.step(hide, show) // neither fails
	case before.Retired && !after.Retired:
		_ = x.step(show, hide)
	}
	x.then(func() {
		x.d.mu.Lock()
		u.record = after
		x.d.mu.Unlock()
		was, is := before.offlineReason(), after.offlineReason()
		switch {
		case is != nil && (was == nil || is.Error() != was.Error()):
			u.attempts.end()
			x.d.takeOffline(u, is)
		case is == nil && was != nil:
			u.attempts.end()
			if err := u.unit.Detach(awaited(errors.New("its store is being opened"))); err != nil {
				x.d.log.Error("the unit's store did not close", "unit", after.GUID, "path", after.Path, "reason", err)
			}
			x.openOrNot(u)
		case before.WriteCache && !after.WriteCache:
			// What was written before must become as durable as what is written from now on.
			if err := u.unit.Sync(&sbd.Op{MayBlock: true}); err != nil && !errors.Is(err, sbd.ErrOffline) {
				x.d.log.Error("a unit did not sync when its write cache was turned off", "unit", after.GUID, "path", after.Path, "reason", err)
			}
		}
	})
	return nil
}

// become makes the running unit what r says, but for its views and its store.
func (u *unit) become(r unitRecord) error {
	modes := u.modes()
	if id := r.identity(); id != u.unit.Identity() {
		if err := u.unit.SetIdentity(id); err != nil {
			return err
		}
		u.lu.IdentityChanged()
	}
	u.unit.SetAlias(r.Alias)
	u.unit.SetReadOnly(r.ReadOnly)
	u.unit.SetWriteCache(r.WriteCache)
	u.lu.SetThreshold(r.alarm())
	if u.modes() != modes {
		u.lu.ModesChanged()
	}
	return nil
}
