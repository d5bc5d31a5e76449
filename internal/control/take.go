package control

import (
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

// maxStill is how long the writes of units stand still for a snapshot at most: hosts wait for an
// answer for half a minute and more.
const maxStill = 5 * time.Second

// A subject is a volume that a snapshot is taken of.
type subject struct {
	stream.Volume
	unit   *unit           // that is online on it; nil: none is
	opened sbd.OpenOptions // how its store is
	taking *shelf.Taking   // of a file, until it is kept or ended
	taken  bool
}

// takeTogether takes a snapshot of each volume, all of one instant, and tells for how long the writes
// of the units on them stood still. Either all have it then or, as far as they let go of it, none.
func (d *Daemon) takeTogether(ctx context.Context, names []string, snapshot string) (still time.Duration, err error) {
	subjects := make([]*subject, 0, len(names))
	defer func() {
		for _, s := range subjects {
			if s.taking != nil {
				s.taking.End()
			}
			if err != nil && s.taken {
				err = joinUndo(err, s.Destroy(context.WithoutCancel(ctx), snapshot))
			}
		}
	}()
	var units []*sbd.Unit
	for _, name := range names {
		s, err := d.subject(name)
		if err != nil {
			return 0, err
		}
		subjects = append(subjects, s)
		if s.unit == nil {
			continue
		}
		units = append(units, s.unit.unit)
		if file, ok := s.Volume.(*shelf.Shelf); ok {
			if s.taking, err = file.Begin(ctx, snapshot); err != nil {
				return 0, err
			}
		}
	}
	if len(units) > 0 {
		still, err = sbd.Hold(ctx, units, maxStill, func(ctx context.Context, held []*sbd.Held) error {
			return freeze(ctx, subjects, held, snapshot)
		})
		if err != nil {
			return still, fmt.Errorf("while writes stood still: %w", err)
		}
	}
	for _, s := range subjects {
		switch {
		case s.taking != nil:
			_, err = s.taking.Keep()
			s.taken = err == nil
		case s.unit == nil: // nobody here writes to it
			err = s.take(ctx, snapshot)
		}
		if err != nil {
			return still, err
		}
	}
	return still, nil
}

func (s *subject) take(ctx context.Context, snapshot string) error {
	_, err := s.Take(ctx, snapshot)
	s.taken = err == nil
	return err
}

// subject finds a volume, and the unit that is online on it.
func (d *Daemon) subject(name string) (*subject, error) {
	v, err := d.volume(name)
	if err != nil {
		return nil, err
	}
	s := &subject{Volume: v}
	guid, isUnit := strings.CutPrefix(name, unitNames)
	if isUnit {
		if s.unit, err = d.find(guid); err != nil {
			return nil, err
		}
	} else {
		s.unit = d.unitOn(v.Path())
	}
	if s.unit == nil || s.unit.unit.Err() != nil {
		s.unit = nil // its store is closed
		return s, nil
	}
	d.mu.RLock()
	defer d.mu.RUnlock()
	s.opened = s.unit.record.openOptions()
	return s, nil
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

// freezeFile makes the snapshot of a file, and has the unit go on with what the file is then.
func (s *subject) freezeFile(h *sbd.Held) error {
	before := h.Store()
	after, err := s.taking.Freeze(before, s.opened)
	if after != before {
		if swapped := h.Swap(after); swapped != nil {
			return errors.Join(err, swapped, takeBack(after))
		}
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

// freeze makes the snapshots of the subjects whose writes stand still.
func freeze(ctx context.Context, subjects []*subject, held []*sbd.Held, snapshot string) error {
	var pools []*zfs.Volume // together, so that it takes one transaction group
	var inPools []*subject
	for _, s := range subjects {
		if s.unit == nil {
			continue
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		var err error
		switch v := s.Volume.(type) {
		case *shelf.Shelf:
			i := slices.IndexFunc(held, func(h *sbd.Held) bool { return h.Unit == s.unit.unit })
			if i < 0 {
				return errors.New("a unit does not stand still")
			}
			err = s.freezeFile(held[i])
		case *zfs.Volume:
			pools, inPools = append(pools, v), append(inPools, s)
		default:
			err = s.take(ctx, snapshot)
		}
		if err != nil {
			return err
		}
	}
	if len(pools) == 0 {
		return nil
	}
	_, err := zfs.Take(ctx, snapshot, pools...)
	for _, s := range inPools {
		s.taken = err == nil
	}
	return err
}
