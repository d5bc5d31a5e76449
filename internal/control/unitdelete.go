package control

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"github.com/lunarsan/lunar/sbd/layer"
	"github.com/lunarsan/lunar/stream"
	"github.com/lunarsan/lunar/stream/shelf"
)

// DeleteUnit ends a unit. Its store stays, unless lunar made it, or made it as a clone, and r says
// to remove it.
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
	if u.record.goes(r) {
		if err := d.removeStore(ctx, &u.record); err != nil {
			return deleted, &Problem{
				Title: fmt.Sprintf("the unit is deleted, but its store is still there: %s", oneLine(err)),
				Hint:  "Remove it yourself.",
				cause: err,
			}
		}
		deleted.StoreRemoved = true
	}
	return deleted, nil
}

// goes says whether the store goes with the unit: a file that lunar made, or a clone.
func (r *unitRecord) goes(d UnitDelete) bool { return d.RemoveStore && (r.OwnStore || r.Clone != nil) }

// removable tells why the store of a unit could not be removed with it: somebody needs what it was.
func (d *Daemon) removable(ctx context.Context, r *unitRecord) error {
	layers, err := layer.List(r.Path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	for _, l := range layers {
		if len(l.Clones) > 0 {
			return conflict(fmt.Sprintf("%s has the clone %s", r.Path, l.Clones[0]), "Delete the unit of the clone first, or keep the store: --keep-store.")
		}
	}
	v, err := d.opts.openVolume(r.Path)
	if err != nil {
		return err
	}
	all, err := v.Snapshots(ctx)
	if errors.Is(err, stream.ErrNoVolume) || errors.Is(err, errors.ErrUnsupported) {
		return nil // nothing is there that anybody could need
	} else if err != nil {
		return snapshotProblem(err)
	}
	return kept(v, all)
}

// removeStore removes the store of a unit that is no more, and its snapshots.
func (d *Daemon) removeStore(ctx context.Context, r *unitRecord) error {
	if c := r.Clone; c != nil {
		v, err := d.opts.openVolume(c.Volume)
		if err != nil {
			return err
		}
		return v.Unclone(ctx, c.Name)
	}
	return shelf.New(r.Path).Remove(ctx)
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
	if u.record.goes(r) {
		if err := d.removable(ctx, &u.record); err != nil {
			return nil, deleted, err
		}
	}
	if r.Try {
		d.mu.RLock()
		defer d.mu.RUnlock()
		return nil, UnitDeleted{u.info(), u.record.goes(r)}, nil
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
