package control

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/lunarsan/lunar/sbd"
	"github.com/lunarsan/lunar/sbd/layer"
	"github.com/lunarsan/lunar/stream"
	"github.com/lunarsan/lunar/stream/shelf"
	"github.com/lunarsan/lunar/stream/zfs"
)

// standLimit is for how long writes of units may stand still for a snapshot.
const standLimit = 10 * time.Second

// TakeSnapshot makes a snapshot of a unit, and of others at the same instant.
func (d *Daemon) TakeSnapshot(ctx context.Context, name string, r SnapshotTake) (SnapshotsTaken, error) {
	if r.Name == "" {
		r.Name = time.Now().UTC().Format("20060102T150405Z")
	}
	var taken SnapshotsTaken
	var volumes []string
	for _, name := range append([]string{name}, r.With...) {
		u, err := d.Unit(ctx, name)
		if err != nil {
			return SnapshotsTaken{}, err
		}
		taken.Units = append(taken.Units, SnapshotTaken{Unit: u.GUID, Path: u.Path})
		volumes = append(volumes, unitNames+u.GUID)
	}
	all, stood, err := d.takeEach(ctx, volumes, r.Name)
	if err != nil {
		return SnapshotsTaken{}, snapshotProblem(err)
	}
	for i, s := range all {
		taken.Units[i].Snapshot = s
	}
	taken.Stood = stood
	return taken, nil
}

// A pose is a volume of which a snapshot is being made.
type pose struct {
	volume stream.Volume
	unit   *unit // that is online on it; nil: nobody writes to it
	open   sbd.OpenOptions
	taking *shelf.Taking // of a file that a unit is on
	made   stream.Snapshot
	done   bool
}

// takeTogether makes a snapshot of each volume, all of one instant, and tells for how long the writes
// of units stood still. Either all are made or none. Daemon.change is not held.
func (d *Daemon) takeTogether(ctx context.Context, names []string, snapshot string) (time.Duration, error) {
	_, stood, err := d.takeEach(ctx, names, snapshot)
	return stood, err
}

// takeEach is takeTogether, and tells of the snapshots in the order of the names.
func (d *Daemon) takeEach(ctx context.Context, names []string, snapshot string) (_ []stream.Snapshot, stood time.Duration, err error) {
	poses, err := d.pose(names)
	if err != nil {
		return nil, 0, err
	}
	defer func() {
		if err != nil {
			err = joinUndo(err, undoTaken(context.WithoutCancel(ctx), poses, snapshot))
		}
	}()
	ended := make(chan struct{}) // when nothing is frozen any more
	end := func() {
		for _, p := range poses {
			if p.taking != nil {
				p.taking.End()
			}
		}
	}
	defer func() {
		select {
		case <-ended:
			end()
		default: // it did not keep to its time
			go func() { <-ended; end() }()
		}
	}()
	if err := begin(ctx, poses, snapshot); err != nil {
		close(ended)
		return nil, 0, err
	}
	if stood, err = d.expose(ctx, poses, snapshot, ended); err != nil {
		return nil, 0, err
	}
	all := make([]stream.Snapshot, len(poses))
	for i, p := range poses {
		if p.taking != nil {
			if p.made, err = p.taking.Keep(); err != nil {
				return nil, 0, err
			}
			p.done = true
		}
		all[i] = p.made
	}
	return all, stood, nil
}

// pose finds the volumes and the units on them.
func (d *Daemon) pose(names []string) ([]*pose, error) {
	var poses []*pose
	for _, name := range names {
		v, err := d.volume(name)
		if err != nil {
			return nil, err
		}
		p := &pose{volume: v}
		if u := d.unitOn(v.Path()); u != nil && u.unit.Err() == nil {
			p.unit = u
			d.mu.RLock()
			p.open = u.record.openOptions()
			d.mu.RUnlock()
		}
		if slices.ContainsFunc(poses, func(o *pose) bool { return o.volume.Path() == v.Path() }) {
			return nil, refuse(fmt.Sprintf("%s is named twice", v.Name()), "Name each once.")
		}
		poses = append(poses, p)
	}
	return poses, nil
}

// unitOn is the unit on the store at path; nil: none is.
func (d *Daemon) unitOn(path string) *unit {
	d.mu.RLock()
	defer d.mu.RUnlock()
	for _, u := range d.units {
		if u.record.Path == path {
			return u
		}
	}
	return nil
}

// begin does what can be done before writes stand still. The shelves are locked in one order
// whatever the order of the names: two that take several do not wait for each other.
func begin(ctx context.Context, poses []*pose, snapshot string) (err error) {
	ordered := slices.SortedFunc(slices.Values(poses), func(a, b *pose) int { return strings.Compare(a.volume.Path(), b.volume.Path()) })
	for _, p := range ordered {
		s, ok := p.volume.(*shelf.Shelf)
		switch {
		case !ok:
		case p.unit != nil:
			p.taking, err = s.Begin(ctx, snapshot)
		default:
			p.made, err = s.Take(ctx, snapshot)
			p.done = err == nil
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// expose has the writes of all units stand still, and freezes what they have. ended is closed when
// that is over, which may be later than expose returns an error.
func (d *Daemon) expose(ctx context.Context, poses []*pose, snapshot string, ended chan<- struct{}) (time.Duration, error) {
	over, err := d.begin(ctx)
	if err != nil {
		close(ended)
		return 0, err
	}
	defer over()
	var units []*sbd.Unit
	for _, p := range poses {
		if p.unit == nil {
			continue
		}
		if err := p.unit.unit.Err(); err != nil {
			close(ended)
			return 0, fmt.Errorf("%s: %w", p.volume.Name(), err)
		}
		units = append(units, p.unit.unit)
	}
	if len(units) == 0 {
		defer close(ended)
		return 0, freeze(ctx, poses, nil, snapshot)
	}
	began := false
	stood, err := sbd.Hold(ctx, units, standLimit, func(ctx context.Context, held []*sbd.Held) error {
		began = true
		defer close(ended)
		return freeze(ctx, poses, held, snapshot)
	})
	if !began {
		close(ended)
	}
	return stood, err
}

// freeze makes snapshots of volumes that nobody writes to.
func freeze(ctx context.Context, poses []*pose, held []*sbd.Held, snapshot string) error {
	var zvols []*zfs.Volume
	for _, p := range poses {
		var err error
		switch v := p.volume.(type) {
		case *shelf.Shelf:
			if p.taking != nil {
				err = p.freeze(held[0])
			}
		case *zfs.Volume:
			zvols = append(zvols, v)
		default:
			p.made, err = v.Take(ctx, snapshot)
			p.done = err == nil
		}
		if p.unit != nil {
			held = held[1:]
		}
		if err := cmp.Or(err, ctx.Err()); err != nil {
			return err
		}
	}
	if len(zvols) == 0 {
		return nil
	}
	all, err := zfs.Take(ctx, snapshot, zvols...)
	if err != nil {
		return err
	}
	for _, p := range poses {
		if _, ok := p.volume.(*zfs.Volume); ok {
			p.made, p.done, all = all[0], true, all[1:]
		}
	}
	return nil
}

// freeze freezes a file, and puts its unit on what has taken over its store.
func (p *pose) freeze(h *sbd.Held) error {
	store := h.Store()
	after, err := p.taking.Freeze(store, p.open)
	if after == store {
		return err
	}
	if swapped := h.Swap(after); swapped != nil {
		return errors.Join(err, swapped, takeBack(after))
	}
	return err
}

// takeBack gives up a store that was to take the place of a unit's, which that one keeps.
func takeBack(s sbd.Store) error {
	if over, ok := s.(*layer.Store); ok {
		return over.Undo()
	}
	return s.Close()
}

// undoTaken ends the snapshots that were made.
func undoTaken(ctx context.Context, poses []*pose, snapshot string) (err error) {
	for _, p := range poses {
		if p.done {
			err = errors.Join(err, p.volume.Destroy(ctx, snapshot))
		}
	}
	return err
}
