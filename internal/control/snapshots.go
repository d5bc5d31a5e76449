package control

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/lunarsan/lunar/stream"
	"github.com/lunarsan/lunar/stream/shelf"
)

// Snapshots lists the snapshots and bookmarks of a unit, oldest first.
func (d *Daemon) Snapshots(ctx context.Context, name string) ([]stream.Snapshot, error) {
	v, err := d.volume(unitNames + name)
	if err != nil {
		return nil, err
	}
	all, err := v.Snapshots(ctx)
	if err != nil {
		return nil, snapshotProblem(err)
	}
	if all == nil {
		all = []stream.Snapshot{}
	}
	return all, nil
}

// findSnapshot is the snapshot that GUID@SNAPSHOT means, among all of its volume.
func (d *Daemon) findSnapshot(ctx context.Context, name string) (v stream.Volume, all []stream.Snapshot, i int, err error) {
	at := strings.LastIndexByte(name, '@')
	if at < 0 {
		return nil, nil, 0, refuse(fmt.Sprintf("%q names no snapshot", name), "Write GUID@SNAPSHOT; lunar lu snapshots GUID shows them.")
	}
	if v, err = d.volume(unitNames + name[:at]); err != nil {
		return nil, nil, 0, err
	}
	if all, err = v.Snapshots(ctx); err != nil {
		return nil, nil, 0, snapshotProblem(err)
	}
	i = slices.IndexFunc(all, func(s stream.Snapshot) bool { return !s.Bookmark && s.Name == name[at+1:] })
	if i < 0 {
		return nil, nil, 0, missing(fmt.Sprintf("unit %s has no snapshot %q", name[:at], name[at+1:]),
			fmt.Sprintf("lunar lu snapshots %s shows them.", name[:at]))
	}
	return v, all, i, nil
}

// unitOf is the unit in GUID@SNAPSHOT.
func unitOf(name string) string { return name[:max(0, strings.LastIndexByte(name, '@'))] }

// DeleteSnapshot ends a snapshot.
func (d *Daemon) DeleteSnapshot(ctx context.Context, name string, r SnapshotDelete) (stream.Snapshot, error) {
	v, all, i, err := d.findSnapshot(ctx, name)
	if err != nil {
		return stream.Snapshot{}, err
	}
	if err := kept(v, all[i:i+1]); err != nil || r.Try {
		return all[i], err
	}
	if err := v.Destroy(ctx, all[i].Name); err != nil {
		return stream.Snapshot{}, snapshotProblem(err)
	}
	d.log.Info("deleted a snapshot", "volume", v.Name(), "snapshot", all[i].Name)
	return all[i], nil
}

// kept says why snapshots cannot be ended.
func kept(v stream.Volume, list []stream.Snapshot) error {
	for _, s := range list {
		switch {
		case len(s.Holds) > 0:
			return snapshotProblem(fmt.Errorf("%s@%s: %w by %s", v.Name(), s.Name, stream.ErrHeld, strings.Join(s.Holds, ", ")))
		case len(s.Clones) > 0:
			return snapshotProblem(fmt.Errorf("%s@%s: %w: %s", v.Name(), s.Name, stream.ErrCloned, strings.Join(s.Clones, ", ")))
		}
	}
	return nil
}

// RollbackUnit makes a unit, which is offline, what it was at a snapshot.
func (d *Daemon) RollbackUnit(ctx context.Context, name string, r SnapshotRollback) (SnapshotRolledBack, error) {
	end, err := d.begin(ctx)
	if err != nil {
		return SnapshotRolledBack{}, err
	}
	defer end()
	v, all, i, err := d.findSnapshot(ctx, name)
	if err != nil {
		return SnapshotRolledBack{}, err
	}
	u, err := d.find(unitOf(name))
	if err != nil {
		return SnapshotRolledBack{}, err
	}
	record := u.record
	if !record.Offline && !record.Retired {
		return SnapshotRolledBack{}, conflict(fmt.Sprintf("unit %s is %s: its disk would change under the initiators' hands", record.GUID, online(u)),
			fmt.Sprintf("Take it offline first: lunar lu offline %s", record.GUID))
	}
	if size := all[i].Size; size < record.Size {
		return SnapshotRolledBack{}, conflict(fmt.Sprintf("unit %s has grown to %d bytes since, from %d: no disk may get shorter", record.GUID, record.Size, size),
			fmt.Sprintf("Make another unit of the snapshot: lunar lu clone %s", name))
	}
	done := SnapshotRolledBack{Snapshot: all[i].Name}
	newer := slices.DeleteFunc(slices.Clone(all[i+1:]), func(s stream.Snapshot) bool { return s.Bookmark })
	for _, s := range newer {
		done.Gone = append(done.Gone, s.Name)
	}
	if err := kept(v, newer); err != nil {
		return SnapshotRolledBack{}, err
	}
	if !r.Try {
		if err := v.Rollback(ctx, all[i].Name); err != nil {
			return SnapshotRolledBack{}, snapshotProblem(err)
		}
		d.log.Info("rolled back a unit", "unit", record.GUID, "snapshot", all[i].Name)
	}
	done.UnitInfo, err = d.Unit(ctx, record.GUID.String())
	return done, err
}

// online is the state of u, in a word.
func online(u *unit) string {
	state, _ := u.condition()
	return state
}

// snapshotHints are the ways out of what volumes refuse.
var snapshotHints = []struct {
	is   error
	hint string
}{
	{stream.ErrExists, "Choose another name."},
	{stream.ErrHeld, "Its tags say who needs it: lunar:JOB is a job's, and goes with it (lunar job delete JOB)."},
	{stream.ErrCloned, "Delete the units of its clones first."},
	{stream.ErrInUse, "Something has the store open, or receives into it."},
	{stream.ErrSpace, "Make room, or end older snapshots: lunar lu delete GUID@SNAPSHOT."},
	{stream.ErrNoVolume, "Is the store there? lunar lu show GUID tells."},
	{stream.ErrForbidden, "The daemon's account may not do that; docs/replicate.md says what it has to be allowed."},
	{errors.ErrUnsupported, "Snapshots are kept of files and zvols."},
	{shelf.ErrRecord, "Restore shelf.json beside the store from a backup, or move the folder away and begin anew."},
}

// snapshotProblem tells an operator what to do about what a volume refuses.
func snapshotProblem(err error) error {
	var known *Problem
	var p *Problem
	switch {
	case errors.As(err, &known):
		return err
	case errors.Is(err, stream.ErrNoSnapshot):
		p = missing(oneLine(err), "lunar lu snapshots GUID shows them.")
	case errors.Is(err, shelf.ErrName):
		p = refuse(oneLine(err), "Choose another name.")
	default:
		for _, h := range snapshotHints {
			if errors.Is(err, h.is) {
				p = conflict(oneLine(err), h.hint)
				break
			}
		}
		if p == nil {
			return err
		}
	}
	p.cause = err
	return p
}
