package control

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/lunarsan/lunar/stream"
)

// EndDR throws a test away: its units, and what hosts have written to them. Of a failover that failed
// before it changed anything, nothing but the record is there.
func (d *Daemon) EndDR(ctx context.Context, name string, q DREnd) (DRInfo, error) {
	r, err := d.findDR(name)
	if err != nil {
		return DRInfo{}, err
	}
	end, err := d.drills.begin(r.Site)
	if err != nil {
		return DRInfo{}, err
	}
	defer end()
	if r, err = d.findDR(name); err != nil { // it may have been gone on with meanwhile
		return DRInfo{}, err
	}
	if err := d.mayEnd(&r, q.Force); err != nil {
		return DRInfo{}, err
	}
	info := d.drInfo(r)
	for _, u := range r.Units {
		info.Plan = append(info.Plan, r.endOf(u))
	}
	if q.Try {
		return info, nil
	}
	if r.Kind == DRKindFailover {
		err = d.forgetDR(&r)
	} else {
		err = d.dismantle(ctx, &r)
	}
	if err != nil {
		return DRInfo{}, fmt.Errorf("ending %s: %w", name, err)
	}
	info.Phase = DREnded
	d.log.Info("disaster recovery was ended", "dr", name, "kind", r.Kind)
	return info, nil
}

// endOf is what becomes of a unit at the end.
func (r *drRecord) endOf(u drUnit) string {
	if r.Kind == DRKindFailover {
		return fmt.Sprintf("unit %s was not taken over; %s stays as it is", u.GUID, u.Replica)
	}
	return fmt.Sprintf("unit %s and what was written to it go; %s stays as it is", u.GUID, u.Replica)
}

// mayEnd refuses to end what hosts work with, unless it is a test and forced, and a test whose host group
// others use.
func (d *Daemon) mayEnd(r *drRecord, force bool) error {
	switch {
	case r.Kind == DRKindYielded:
		return conflict(fmt.Sprintf("job %s was taken over by %s", r.Name, r.Peer),
			"lunar dr failback there gives it back; lunar dr reclaim here takes it back without what was written there.")
	case r.Kind == DRKindFailover && r.Phase == drFailed:
		return nil
	case r.Kind == DRKindFailover:
		return conflict(fmt.Sprintf("%s is a failover: hosts work with its units", r.Name), "lunar dr failback gives them back.")
	}
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
