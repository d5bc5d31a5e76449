package control

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/lunarsan/lunar/sbd"
)

// ModifyUnit changes a unit's alias, write protection or write cache, or, where r says that this
// is wanted, what initiators know it by.
func (d *Daemon) ModifyUnit(ctx context.Context, name string, r UnitModify) (UnitModified, error) {
	end, err := d.begin(ctx)
	if err != nil {
		return UnitModified{}, err
	}
	defer end()
	u, err := d.find(name)
	if err != nil {
		return UnitModified{}, err
	}
	record := u.record
	if r.Alias != nil {
		if err := checkAlias(*r.Alias); err != nil {
			return UnitModified{}, err
		}
		record.Alias = *r.Alias
	}
	if r.Alarm != nil {
		if err := checkAlarm(*r.Alarm); err != nil {
			return UnitModified{}, err
		}
		if !record.Thin {
			return UnitModified{}, refuse(fmt.Sprintf("unit %s is not thin: all of its space is its own", record.GUID), "Alarms are for units made with --thin.")
		}
		record.Alarm = *r.Alarm
	}
	if err := r.identify(&record); err != nil {
		return UnitModified{}, err
	}
	follows, err := d.mayChangeIdentity(u, &record, r.Force)
	if err != nil {
		return UnitModified{}, err
	}
	set(&record.ReadOnly, r.ReadOnly)
	if r.ReadOnly != nil {
		if err := d.checkIdle(u, r.Force || !record.ReadOnly || u.unit.ReadOnly()); err != nil {
			return UnitModified{}, err
		}
	}
	if r.WriteCache != nil {
		record.WriteCache = *r.WriteCache
		if n := len(u.lu.Uses()); record.WriteCache && u.unit.Durable() && n > 0 && !r.Force {
			return UnitModified{}, conflict(fmt.Sprintf("%d %s would go on to believe that answered writes are durable", n, plural(n, "session")),
				"Initiators look at the write cache when they log in: log them out first, or tell them with --force and hope that they listen.")
		}
	}
	modes := u.modes()
	if err := d.changeViews(u, record); err != nil {
		return UnitModified{}, err
	}
	if err := d.applyIdentity(u); err != nil {
		return UnitModified{}, err
	}
	u.unit.SetAlias(record.Alias)
	u.unit.SetReadOnly(record.ReadOnly)
	u.lu.SetThreshold(record.alarm())
	if r.WriteCache != nil {
		u.unit.SetWriteCache(record.WriteCache)
	}
	if r.WriteCache != nil && !record.WriteCache {
		// What was written before must become as durable as what is written from now on.
		if err := u.unit.Sync(&sbd.Op{MayBlock: true}); err != nil && !errors.Is(err, sbd.ErrOffline) {
			return UnitModified{}, storeProblem(record.Path, err)
		}
	}
	if u.modes() != modes {
		u.lu.ModesChanged()
	}
	d.log.Info("modified a unit", "unit", record.GUID, "read_only", record.ReadOnly, "write_cache", record.WriteCache, "identity", strings.Join(follows, "; "))
	info, err := d.Unit(ctx, record.GUID.String())
	return UnitModified{info, follows}, err
}

// modes are what MODE SENSE tells initiators of what ModifyUnit changes.
func (u *unit) modes() [2]bool { return [2]bool{u.unit.ReadOnly(), u.unit.Durable()} }

// ResizeUnit changes a unit's capacity while it is in use.
func (d *Daemon) ResizeUnit(ctx context.Context, name string, r UnitResize) (UnitInfo, error) {
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
	was := record.Size
	if err := u.unit.Err(); err != nil {
		return UnitInfo{}, conflict(fmt.Sprintf("unit %s cannot be resized: %v", record.GUID, err),
			fmt.Sprintf("Bring it online first: lunar lu online %s", record.GUID))
	}
	switch {
	case r.Size <= 0 || r.Size%int64(record.BlockSize) != 0:
		return UnitInfo{}, refuse(fmt.Sprintf("%d bytes is not a whole number of blocks of %d bytes", r.Size, record.BlockSize),
			"Choose a multiple of the block size.")
	case r.Size < was && !r.Force:
		return UnitInfo{}, conflict(fmt.Sprintf("unit %s has %d bytes; making it smaller destroys what lies behind the new end", record.GUID, was),
			"Choose a larger size, or shrink it with --force after shrinking what is on it.")
	}
	if r.Try {
		return d.Unit(ctx, record.GUID.String())
	}
	record.Size = r.Size
	resize := func() error {
		if err := u.unit.Resize(r.Size); err != nil {
			return storeProblem(record.Path, err)
		}
		u.lu.CapacityChanged()
		return nil
	}
	// The record never claims more than the store has, or the unit would not start again.
	save := func() error { return d.saveUnit(u, record) }
	if r.Size < was {
		err = inOrder(save, resize)
	} else {
		err = inOrder(resize, save)
	}
	if err != nil {
		return UnitInfo{}, err
	}
	d.log.Info("resized a unit", "unit", record.GUID, "from", was, "to", r.Size)
	return d.Unit(ctx, record.GUID.String())
}
