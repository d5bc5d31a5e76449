package control

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/lunarsan/lunar/sbd"
	"github.com/lunarsan/lunar/scsi"
)

// A unit is a logical unit and what the daemon does about its store.
type unit struct {
	unit *sbd.Unit
	lu   *scsi.LogicalUnit

	record   unitRecord // changed under Daemon.change and Daemon.mu
	gone     bool       // under Daemon.mu: it was logged that the store has gone
	fullness fullness
	attempts *attempts // under Daemon.change: to open the store; nil: none
}

// newUnit returns the unit of a record, without its store.
func (d *Daemon) newUnit(r unitRecord) *unit {
	u := &unit{record: r}
	u.unit = sbd.NewUnit(r.identity(), sbd.Config{
		Path:       r.Path,
		Size:       r.Size,
		Offset:     r.Offset,
		Alias:      r.Alias,
		Thin:       r.Thin,
		ReadOnly:   r.ReadOnly,
		WriteCache: r.WriteCache,
		Created:    r.Created,
	})
	u.unit.Troubled = d.trouble
	u.lu = scsi.NewLogicalUnit(u.unit, d.pool)
	u.lu.Slow = d.slow()
	u.lu.SetThreshold(r.alarm())
	u.lu.Keep = func(kept scsi.Reservations) error { return d.keepReservations(u, kept) }
	u.lu.TargetPorts = d.device.TargetPorts
	u.lu.SaveSanitize = func(s *scsi.Sanitize) error { return d.saveSanitize(u, s) }
	u.lu.Panicked = func(cause any, stack []byte) {
		d.log.Error("a command handler panicked; please report it", "unit", r.GUID, "cause", cause, "stack", string(stack))
	}
	return u
}

func (r unitRecord) identity() sbd.Identity {
	return sbd.Identity{
		GUID:       r.GUID,
		Serial:     r.Serial,
		Vendor:     r.Vendor,
		Product:    r.Product,
		Revision:   r.Revision,
		Version:    r.Version,
		DeviceType: r.DeviceType,
		BlockSize:  r.BlockSize,
	}
}

// loadUnits makes the units of the state and begins to open their stores.
func (d *Daemon) loadUnits() error {
	if err := d.migrateUnits(); err != nil {
		return err
	}
	records, err := unitKind.list(d.state)
	if err != nil {
		return err
	}
	for _, r := range records {
		u := d.newUnit(r)
		if r.Retired {
			d.device.HideUnit(u.lu)
		}
		if err := d.device.ChangeViews(nil, r.views(u.lu)); err != nil {
			return fmt.Errorf("unit %s: %w", r.GUID, err)
		}
		d.units[r.GUID] = u
		if err := d.restoreSanitize(u); err != nil {
			return fmt.Errorf("unit %s: %w", r.GUID, err)
		}
		if reason := r.offlineReason(); reason != nil {
			d.takeOffline(u, reason)
		} else {
			d.seek(u)
		}
	}
	return nil
}

// saveUnit saves r as u's record and then makes it current.
func (d *Daemon) saveUnit(u *unit, r unitRecord) error {
	was := u.record.GUID
	if err := d.state.Update(func(tx Tx) error {
		if r.GUID != was {
			if err := errors.Join(unitKind.delete(tx, was.String()), moveReservations(tx, was, r.GUID), moveSanitize(tx, was, r.GUID)); err != nil {
				return err
			}
		}
		return unitKind.put(tx, r.GUID.String(), r)
	}); err != nil {
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	u.record = r
	if r.GUID != was {
		delete(d.units, was)
		d.units[r.GUID] = u
	}
	return nil
}

// Units returns the units in order of their lowest LUNs, those without a view at the end.
func (d *Daemon) Units(context.Context) ([]UnitInfo, error) {
	all := d.snapshot()
	infos := make([]UnitInfo, 0, len(all))
	for _, s := range all {
		infos = append(infos, s.info)
	}
	return infos, nil
}

// A seen is a unit and what it was like a moment ago.
type seen struct {
	unit *unit
	info UnitInfo
}

// snapshot returns the units in the order of Units.
func (d *Daemon) snapshot() []seen {
	d.mu.RLock()
	defer d.mu.RUnlock()
	all := make([]seen, 0, len(d.units))
	for _, u := range d.units {
		all = append(all, seen{u, u.info()})
	}
	slices.SortFunc(all, func(a, b seen) int {
		return cmp.Or(cmp.Compare(a.info.lowestLUN(), b.info.lowestLUN()), strings.Compare(a.info.GUID, b.info.GUID))
	})
	return all
}

func (u *UnitInfo) lowestLUN() int {
	if len(u.LUNs) == 0 {
		return scsi.MaxLUN + 1
	}
	return u.LUNs[0]
}

// Unit returns the unit that name means; see find.
func (d *Daemon) Unit(_ context.Context, name string) (UnitInfo, error) {
	u, err := d.find(name)
	if err != nil {
		return UnitInfo{}, err
	}
	d.mu.RLock()
	defer d.mu.RUnlock()
	return u.info(), nil
}

// info describes u. Daemon.mu is held.
func (u *unit) info() UnitInfo {
	r := u.record
	state, reason := u.condition()
	info := UnitInfo{
		GUID:       r.GUID.String(),
		LUNs:       r.luns(),
		Alias:      r.Alias,
		State:      state,
		Reason:     reason,
		Path:       r.Path,
		Size:       r.Size,
		Offset:     r.Offset,
		BlockSize:  r.BlockSize,
		Serial:     r.Serial,
		Vendor:     r.Vendor,
		Product:    r.Product,
		Revision:   r.Revision,
		Version:    r.Version,
		DeviceType: r.DeviceType,
		Thin:       r.Thin,
		ReadOnly:   r.ReadOnly,
		Direct:     r.Direct,
		WriteCache: !u.unit.Durable(), // an initiator may have changed it (MODE SELECT)
		OwnStore:   r.OwnStore,
		Created:    r.Created,

		Reservations: reservationInfo(u.lu.Reservations()),
	}
	info.Sanitize = u.sanitizeState()
	if c := r.Clone; c != nil {
		info.Clone = c.Volume + "@" + c.Snapshot
	}
	if r.Thin {
		info.Alarm = r.alarm()
	}
	if space, known := u.unit.Space(); known && r.Thin {
		info.Space = &SpaceInfo{Pool: space.Pool, Used: space.Used, PoolSize: space.Size, PoolFree: space.Free}
	}
	return info
}

// condition tells u's state and why it is not online. Daemon.mu is held.
func (u *unit) condition() (state, reason string) {
	err := u.unit.Err()
	switch {
	case err == nil:
		return UnitOnline, ""
	case u.record.Retired:
		return UnitRetired, err.Error()
	case u.record.Fault != "", errors.Is(err, sbd.ErrSyncFailed), errors.Is(err, sbd.ErrGone) && !errors.Is(err, sbd.ErrOffline):
		return UnitFailed, err.Error()
	}
	return UnitOffline, err.Error()
}

// minPrefix is how many digits of a GUID are enough to name a unit.
const minPrefix = 4

// find returns the unit that name means: its GUID, with or without "naa.", its alias, or the
// beginning of its GUID where only one begins so.
func (d *Daemon) find(name string) (*unit, error) {
	digits := strings.ToLower(name)
	digits = strings.TrimPrefix(digits, "naa.")
	d.mu.RLock()
	defer d.mu.RUnlock()
	var alias, prefix []*unit
	for _, u := range d.units {
		guid := u.record.GUID.String()
		if guid == digits {
			return u, nil
		}
		if u.record.Alias != "" && u.record.Alias == name {
			alias = append(alias, u)
		}
		if len(digits) >= minPrefix && strings.HasPrefix(guid, digits) {
			prefix = append(prefix, u)
		}
	}
	for _, found := range [][]*unit{alias, prefix} {
		switch len(found) {
		case 0:
		case 1:
			return found[0], nil
		default:
			return nil, ambiguous(name, found)
		}
	}
	hint := "lunar lu list shows the units."
	if len(digits) < minPrefix {
		hint = fmt.Sprintf("Name it by its alias or at least %d digits of its GUID; lunar lu list shows both.", minPrefix)
	}
	return nil, missing(fmt.Sprintf("there is no unit %q", name), hint)
}

func ambiguous(name string, found []*unit) *Problem {
	var guids []string
	for _, u := range found {
		guids = append(guids, u.record.GUID.String())
	}
	slices.Sort(guids)
	return conflict(fmt.Sprintf("%q means %d units", name, len(found)), "Say which: "+strings.Join(guids, ", "))
}
