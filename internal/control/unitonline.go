package control

import (
	"context"
	"errors"
	"fmt"
)

var (
	errForRepair      = errors.New("taken offline by an operator")
	errForMaintenance = awaited(errors.New("taken offline by an operator for maintenance"))
	errRetired        = errors.New("retired by an operator")
)

// offlineReason is why the unit of r has no store, by an operator's wish; nil: it should have
// one.
func (r *unitRecord) offlineReason() error {
	switch {
	case r.Retired:
		return errRetired
	case r.Fault != "":
		return faultReason(r.Fault)
	case r.Offline && r.Purpose == ForMaintenance:
		return errForMaintenance
	case r.Offline:
		return errForRepair
	}
	return nil
}

// OfflineUnit takes a unit offline until OnlineUnit, over restarts too. Initiators go on to see
// it.
func (d *Daemon) OfflineUnit(ctx context.Context, name string, r UnitTakeOffline) (UnitInfo, error) {
	switch r.Purpose {
	case "", ForRepair, ForMaintenance:
	default:
		return UnitInfo{}, refuse(fmt.Sprintf("%q is nothing to take a unit offline for", r.Purpose),
			fmt.Sprintf("Choose %s or %s.", ForRepair, ForMaintenance))
	}
	return d.withdraw(ctx, name, "offline", r.Force, r.Try, func(u *unit, record *unitRecord) error {
		if record.Retired {
			return conflict(fmt.Sprintf("unit %s is retired: its store is closed already, and no initiator sees it", record.GUID),
				fmt.Sprintf("Bring it back with lunar lu online %s", record.GUID))
		}
		record.Offline, record.Purpose = true, r.Purpose
		return nil
	})
}

// RetireUnit takes a unit out of every initiator's sight and closes its store, until OnlineUnit,
// over restarts too. It keeps its identity, its views and their LUNs.
func (d *Daemon) RetireUnit(ctx context.Context, name string, r UnitRetire) (UnitInfo, error) {
	return d.withdraw(ctx, name, "retired", r.Force, r.Try, func(u *unit, record *unitRecord) error {
		record.Retired = true
		return nil
	})
}

// withdraw closes a unit's store after change has said so in its record.
func (d *Daemon) withdraw(ctx context.Context, name, how string, force, try bool, change func(*unit, *unitRecord) error) (UnitInfo, error) {
	end, err := d.begin(ctx)
	if err != nil {
		return UnitInfo{}, err
	}
	defer end()
	u, err := d.find(name)
	if err != nil {
		return UnitInfo{}, err
	}
	record := u.record
	if err := change(u, &record); err != nil {
		return UnitInfo{}, err
	}
	if err := d.checkIdle(u, force); err != nil {
		return UnitInfo{}, err
	}
	if try {
		return d.Unit(ctx, record.GUID.String())
	}
	if err := d.saveUnit(u, record); err != nil {
		return UnitInfo{}, err
	}
	u.attempts.end()
	if record.Retired {
		d.device.HideUnit(u.lu)
	}
	d.takeOffline(u, record.offlineReason())
	d.log.Info("took a unit out of use", "unit", record.GUID, "state", how)
	return d.Unit(ctx, record.GUID.String())
}

// OnlineUnit opens a unit's store afresh, shows the unit if it was retired, and forgets that a
// sync failed. When the store cannot be opened now, that is tried again in the background, and
// the error says so.
func (d *Daemon) OnlineUnit(ctx context.Context, name string) (UnitInfo, error) {
	guid, first, err := d.startOnline(ctx, name)
	if err != nil {
		return UnitInfo{}, err
	}
	select {
	case <-first:
	case <-ctx.Done():
	}
	info, err := d.Unit(ctx, guid)
	if err == nil && info.State != UnitOnline {
		err = conflict(fmt.Sprintf("unit %s is not online yet: %s", info.GUID, info.Reason),
			"Its store is tried again by itself; lunar lu list shows when it is there.")
	}
	return info, err
}

// startOnline begins to open the unit's store; first is closed when that was tried.
func (d *Daemon) startOnline(ctx context.Context, name string) (guid string, first <-chan struct{}, err error) {
	end, err := d.begin(ctx)
	if err != nil {
		return "", nil, err
	}
	defer end()
	u, err := d.find(name)
	if err != nil {
		return "", nil, err
	}
	record := u.record
	if u.unit.Err() == nil {
		done := make(chan struct{})
		close(done)
		return record.GUID.String(), done, nil
	}
	shown := !record.Retired
	record.Retired, record.Offline, record.Purpose, record.Fault = false, false, "", ""
	if err := d.saveUnit(u, record); err != nil {
		return "", nil, err
	}
	u.attempts.end()
	u.unit.ClearFault()
	if err := u.unit.Detach(awaited(errors.New("its store is being opened"))); err != nil {
		d.log.Error("the unit's store did not close", "unit", record.GUID, "path", record.Path, "reason", err)
	}
	d.seek(u)
	if !shown {
		d.device.ShowUnit(u.lu)
	}
	d.log.Info("bringing a unit online", "unit", record.GUID)
	return record.GUID.String(), u.attempts.first, nil
}
