package control

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
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
	return deleted, err
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
	if r.Try {
		d.mu.RLock()
		defer d.mu.RUnlock()
		return nil, UnitDeleted{u.info(), r.RemoveStore && u.record.OwnStore}, nil
	}
	if err := d.state.Update(func(tx Tx) error {
		guid := u.record.GUID.String()
		return errors.Join(unitKind.delete(tx, guid), reservationKind.delete(tx, guid), sanitizeKind.delete(tx, guid))
	}); err != nil {
		return nil, deleted, err
	}
	d.mu.Lock()
	deleted.UnitInfo = u.info()
	delete(d.units, u.record.GUID)
	d.mu.Unlock()
	u.attempts.end()
	d.device.RemoveUnit(u.lu)
	d.log.Info("deleted a unit", "unit", deleted.GUID, "luns", deleted.LUNs, "path", deleted.Path)

	if r.RemoveStore && u.record.OwnStore {
		if err := os.Remove(u.record.Path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return u, deleted, &Problem{
				Title: fmt.Sprintf("the unit is deleted, but its store is still there: %v", err),
				Hint:  "Remove the file yourself.",
				cause: err,
			}
		}
		deleted.StoreRemoved = true
	}
	return u, deleted, nil
}

func plural(n int, word string) string {
	if n == 1 {
		return word
	}
	return word + "s"
}
