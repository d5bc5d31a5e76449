package control

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"github.com/lunarsan/lunar/sbd/layer"
)

// DeleteUnit ends a unit. Its store stays, unless lunar made it and r says to remove it.
func (d *Daemon) DeleteUnit(ctx context.Context, name string, r UnitDelete) (UnitDeleted, error) {
	u, deleted, err := d.removeUnit(ctx, name, r)
	if u == nil {
		return deleted, err
	}
	// Outside the change: a medium that hangs must not hold up the others.
	if detached := u.unit.Detach(errors.New("the unit was deleted")); detached != nil {
		d.log.Error("the deleted unit's store did not close", "unit", deleted.GUID, "path", deleted.Path, "reason", detached)
	}
	u.lu.Close()
	if r.RemoveStore && u.record.OwnStore {
		err = removeStore(u.record.Path)
		deleted.StoreRemoved = err == nil
	}
	return deleted, err
}

// removeStore removes the file of a unit that is no more, and its layers.
func removeStore(path string) error {
	if err := layer.Remove(path); err != nil {
		return &Problem{
			Title: fmt.Sprintf("the unit is deleted, but its store is still there: %v", err),
			Hint:  "Remove the file yourself.",
			cause: err,
		}
	}
	return nil
}

// removable tells why the store of a unit could not be removed with it.
func removable(path string) error {
	layers, err := layer.List(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	for _, l := range layers {
		if len(l.Clones) > 0 {
			return conflict(fmt.Sprintf("%s has the clone %s", path, l.Clones[0]), "Delete the unit of the clone first, or keep the store: --keep-store.")
		}
	}
	return err
}

// removeUnit takes the unit out of the state and of everybody's sight. It returns nil when
// the unit is still there.
func (d *Daemon) removeUnit(ctx context.Context, name string, r UnitDelete) (*unit, UnitDeleted, error) {
	var deleted UnitDeleted
	end, err := d.begin(ctx)
	if err != nil {
		return nil, deleted, err
	}
	defer end()
	u, err := d.find(name)
	if err != nil {
		return nil, deleted, err
	}
	if err := d.checkIdle(u, r.Force); err != nil {
		return nil, deleted, err
	}
	if r.RemoveStore && u.record.OwnStore {
		if err := removable(u.record.Path); err != nil {
			return nil, deleted, err
		}
	}
	if r.Try {
		d.mu.RLock()
		defer d.mu.RUnlock()
		return nil, UnitDeleted{u.info(), r.RemoveStore && u.record.OwnStore}, nil
	}
	if u.record.DR != "" {
		return nil, deleted, ofTest(u.record)
	}
	d.mu.RLock()
	deleted.UnitInfo = u.info()
	d.mu.RUnlock()
	if err := d.forgetUnit(u); err != nil {
		return nil, deleted, err
	}
	d.log.Info("deleted a unit", "unit", deleted.GUID, "luns", deleted.LUNs, "path", deleted.Path)
	return u, deleted, nil
}

// forgetUnit takes a unit out of the state, of what is there, and of everybody's sight. Its store is
// still open. Daemon.change is held.
func (d *Daemon) forgetUnit(u *unit) error {
	if err := d.state.Update(func(tx Tx) error {
		guid := u.record.GUID.String()
		return errors.Join(unitKind.delete(tx, guid), reservationKind.delete(tx, guid), sanitizeKind.delete(tx, guid))
	}); err != nil {
		return err
	}
	d.mu.Lock()
	delete(d.units, u.record.GUID)
	d.mu.Unlock()
	u.attempts.end()
	d.device.RemoveUnit(u.lu)
	return nil
}

func plural(n int, word string) string {
	if n == 1 {
		return word
	}
	return word + "s"
}
