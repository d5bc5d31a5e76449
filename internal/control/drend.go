package control

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/lunarsan/lunar/stream"
)

// EndDR throws a test away: its units, and what hosts have written to them.
func (d *Daemon) EndDR(ctx context.Context, name string, q DREnd) (DRInfo, error) {
	r, err := d.findDR(name)
	if err != nil {
		return DRInfo{}, err
	}
	switch r.Kind {
	case DRKindFailover:
		if r.Phase == drFailed {
			return d.drInfo(r), d.forgetDR(&r)
		}
		return DRInfo{}, conflict(fmt.Sprintf("%s is a failover: hosts work with its units", name), "lunar dr failback gives them back.")
	case DRKindYielded:
		return DRInfo{}, conflict(fmt.Sprintf("job %s was taken over by %s", name, r.Peer),
			"lunar dr failback there gives it back; lunar dr reclaim here takes it back without what was written there.")
	}
	end, err := d.drills.begin(r.Site)
	if err != nil {
		return DRInfo{}, err
	}
	defer end()
	if err := d.mayEnd(&r, q.Force); err != nil {
		return DRInfo{}, err
	}
	info := d.drInfo(r)
	if q.Try {
		return info, nil
	}
	if err := d.dismantle(ctx, &r); err != nil {
		return DRInfo{}, fmt.Errorf("ending %s: %w", name, err)
	}
	info.Phase = DREnded
	d.log.Info("a DR test was thrown away", "dr", name)
	return info, nil
}

// mayEnd refuses to end a test that hosts use, unless forced, and one whose host group others use.
func (d *Daemon) mayEnd(r *drRecord, force bool) error {
	for _, s := range d.snapshot() {
		d.mu.RLock()
		record := s.unit.record
		d.mu.RUnlock()
		if record.DR == r.Name {
			if err := d.checkIdle(s.unit, force); err != nil {
				return err
			}
			continue
		}
		shown := slices.ContainsFunc(record.Views, func(v viewRecord) bool { return v.HostGroup == r.HostGroup })
		if shown && len(r.Hosts) > 0 {
			return conflict(fmt.Sprintf("unit %s is shown to host group %s, which is of %s", record.GUID, r.HostGroup, r.Name), "End what shows it first.")
		}
	}
	return nil
}

// dismantle throws away what there is of a test. It may be repeated.
func (d *Daemon) dismantle(ctx context.Context, r *drRecord) error {
	units, err := d.hideTest(ctx, r)
	for _, u := range units { // outside the change: a medium that hangs must not hold up the others
		err = errors.Join(err, u.unit.Detach(errors.New("the DR test was ended")))
		u.lu.Close()
	}
	if err != nil {
		return err
	}
	for _, u := range r.Units {
		replica, err := d.volume(u.Replica)
		if err == nil {
			err = unclone(ctx, replica, u.Clone)
		}
		if err != nil {
			return fmt.Errorf("throwing the clone of %s away: %w", u.Replica, err)
		}
	}
	end, err := d.begin(ctx)
	if err != nil {
		return err
	}
	defer end()
	return d.forgetDR(r)
}

// hideTest takes the units and the host group of a test away, and says in the record that it ends.
func (d *Daemon) hideTest(ctx context.Context, r *drRecord) (units []*unit, err error) {
	end, err := d.begin(ctx)
	if err != nil {
		return nil, err
	}
	defer end()
	if err := d.saveDR(r, drEnding); err != nil {
		return nil, err
	}
	for _, x := range r.Units {
		d.mu.RLock()
		u := d.units[x.GUID]
		d.mu.RUnlock()
		if u == nil || u.record.DR != r.Name {
			continue
		}
		if err := d.forgetUnit(u); err != nil {
			return units, err
		}
		units = append(units, u)
	}
	if len(r.Hosts) > 0 {
		err = d.dropMemberGroup(HostGroups, r.HostGroup)
	}
	return units, err
}

// unclone throws a clone away, if it is there.
func unclone(ctx context.Context, v stream.Volume, clone string) error {
	list, err := v.Snapshots(ctx)
	if err != nil {
		return err
	}
	for _, s := range list {
		if slices.Contains(s.Clones, clone) {
			return v.Unclone(ctx, clone)
		}
	}
	return nil
}

// ofTest refuses to end a unit of a DR test by itself.
func ofTest(r unitRecord) *Problem {
	return conflict(fmt.Sprintf("unit %s is of DR test %s", r.GUID, r.DR), "End the test: lunar dr end "+r.DR)
}

// apartFromTests refuses units that a DR test shows. Daemon.change is held.
func (d *Daemon) apartFromTests(before, after configuration) error {
	d.mu.RLock()
	defer d.mu.RUnlock()
	for _, c := range deltas(before.units, after.units) {
		if c.gone() {
			continue
		}
		if u := d.units[c.after.GUID]; u != nil && u.record.DR != "" {
			return ofTest(u.record)
		}
	}
	return nil
}
