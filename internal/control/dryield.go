package control

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/lunarsan/lunar/stream"
	"github.com/lunarsan/lunar/stream/job"
	"github.com/lunarsan/lunar/stream/zfs"
)

// The site of the originals: it gives a job's units up when the site of the replicas takes over, and
// takes them up again when that has sent back what has changed.

// yieldedSite is what drills know the other side of a failover by: a daemon may be its own peer.
func yieldedSite(peer, job string) string { return "job " + job + " to " + peer }

// yieldedTo finds the record of a job that peer has taken over.
func (d *Daemon) yieldedTo(peer, job string) (drRecord, bool, error) {
	r, err := d.findDR(job)
	if isMissing(err) {
		return r, false, nil
	}
	return r, err == nil && r.Kind == DRKindYielded && r.Site == yieldedSite(peer, job), err
}

// askedVolumes are the units of the job that peer asks about: one that sends to it, or one of its own that
// pulls what it may read.
func (d *Daemon) askedVolumes(peer peerRecord, q drAsk) ([]SiteVolume, error) {
	if len(q.Volumes) == 0 {
		return d.jobVolumes(peer.Name, q.Job)
	}
	for _, v := range q.Volumes {
		if err := d.mayAsk(peer, v.Source); err != nil {
			return nil, err
		}
		source, err := d.volume(v.Source)
		if err != nil {
			return nil, err
		}
		if u := d.unitOn(source.Path()); u == nil || u.unit.Identity().GUID != v.Unit {
			return nil, missing(fmt.Sprintf("unit %s is not on %s", v.Unit, v.Source), "lunar lu list shows the units.")
		}
	}
	return q.Volumes, nil
}

// yieldStatus tells how the originals of a job are.
func (d *Daemon) yieldStatus(ctx context.Context, peer peerRecord, q drAsk) (drAnswer, error) {
	volumes, err := d.askedVolumes(peer, q)
	if err != nil {
		return drAnswer{}, err
	}
	var a drAnswer
	for _, v := range volumes {
		o := drOriginal{Unit: v.Unit, Volume: v.Source, State: "gone"}
		if u, err := d.find(v.Unit.String()); err == nil {
			d.mu.RLock()
			o.State, _ = u.condition()
			d.mu.RUnlock()
			if used := d.checkIdle(u, false); used != nil {
				o.InUse = used.Error()
			}
		}
		var refused *stream.Refusal
		if errors.As(lacks(d.delegation(ctx, v.Source, zfs.Return)), &refused) {
			o.Lacks = refused.Says + ": " + refused.Way
		}
		a.Units = append(a.Units, o)
	}
	r, yielded, err := d.yieldedTo(peer.Name, q.Job)
	a.Yielded, a.TakenUp = yielded, yielded && r.Phase == drTakingUp
	return a, err
}

// yield stops a job, takes its units out of everybody's sight, and runs it once more if it is asked to.
// It may be repeated.
func (d *Daemon) yield(ctx context.Context, peer peerRecord, q drAsk) (drAnswer, error) {
	end, err := d.drills.begin(yieldedSite(peer.Name, q.Job))
	if err != nil {
		return drAnswer{}, err
	}
	defer end()
	volumes, err := d.askedVolumes(peer, q)
	if err != nil {
		return drAnswer{}, err
	}
	r, known, err := d.yieldedTo(peer.Name, q.Job)
	if err != nil {
		return drAnswer{}, err
	}
	if !known {
		r = drRecord{Name: q.Job, Kind: DRKindYielded, Site: yieldedSite(peer.Name, q.Job), Peer: peer.Name, Begun: time.Now().UTC().Truncate(time.Second)}
		if _, err := d.findDR(q.Job); !isMissing(err) {
			return drAnswer{}, conflict(fmt.Sprintf("there is a DR test %q here", q.Job), "End it first: lunar dr end "+q.Job)
		}
		for _, v := range volumes {
			r.Units = append(r.Units, drUnit{Original: v.Unit, GUID: v.Unit, Replica: v.Source})
		}
	}
	if err := d.giveUp(ctx, &r, q.Force); err != nil {
		if !known {
			err = joinUndo(err, d.takeUp(context.WithoutCancel(ctx), &r))
		}
		return drAnswer{}, err
	}
	a, err := d.yieldStatus(ctx, peer, q)
	if err == nil && q.Final {
		if a.Snapshot, err = d.finalRun(ctx, q.Job); err != nil {
			if !known {
				err = joinUndo(err, d.takeUp(context.WithoutCancel(ctx), &r))
			}
			return drAnswer{}, fmt.Errorf("the last run of job %s: %w", q.Job, err)
		}
		r.Snapshot = a.Snapshot
		r.note("sent snapshot %s to %s", a.Snapshot, peer.Name)
	}
	if err != nil {
		return drAnswer{}, err
	}
	d.log.Warn("a job's units were given up: a peer has taken over", "job", q.Job, "peer", peer.Name)
	a.Yielded = true
	return a, d.saveDR(&r, drYielded)
}

// giveUp pauses the job and retires its units.
func (d *Daemon) giveUp(ctx context.Context, r *drRecord, force bool) error {
	if err := d.saveDR(r, drYielding); err != nil {
		return err
	}
	if err := d.pauseForDR(r.Name, true); err != nil && !errors.Is(err, job.ErrNoJob) { // one that pulls is the other site's
		return err
	}
	for _, u := range r.Units {
		info, err := d.Unit(ctx, u.GUID.String())
		if isMissing(err) || err == nil && info.State == UnitRetired {
			continue
		}
		if err == nil {
			_, err = d.RetireUnit(ctx, u.GUID.String(), UnitRetire{Force: force})
		}
		if err != nil {
			return err
		}
		r.note("retired unit %s", u.GUID)
	}
	return nil
}

// takeUp brings the units of a job online and lets it run. It may be repeated.
func (d *Daemon) takeUp(ctx context.Context, r *drRecord) error {
	if err := d.saveDR(r, drTakingUp); err != nil {
		return err
	}
	var problems []error
	for _, u := range r.Units {
		if _, err := d.OnlineUnit(ctx, u.GUID.String()); err != nil {
			problems = append(problems, err)
		}
	}
	if err := d.pauseForDR(r.Name, false); err != nil && !errors.Is(err, job.ErrNoJob) {
		problems = append(problems, err)
	}
	if err := errors.Join(problems...); err != nil {
		return err
	}
	return d.forgetDR(r)
}

// restore takes the units of a job up again that peer had taken over.
func (d *Daemon) restore(ctx context.Context, peer peerRecord, q drAsk) (drAnswer, error) {
	end, err := d.drills.begin(yieldedSite(peer.Name, q.Job))
	if err != nil {
		return drAnswer{}, err
	}
	defer end()
	r, known, err := d.yieldedTo(peer.Name, q.Job)
	switch {
	case err != nil:
		return drAnswer{}, err
	case known:
		if err := d.takeUp(ctx, &r); err != nil {
			return drAnswer{}, err
		}
		d.log.Info("a job's units were given back", "job", q.Job, "peer", peer.Name)
	}
	return d.yieldStatus(ctx, peer, q)
}

// ReclaimDR takes the units of a job up again without asking the site that has taken over.
func (d *Daemon) ReclaimDR(ctx context.Context, job string) (DRInfo, error) {
	r, err := d.findDR(job)
	if err != nil {
		return DRInfo{}, err
	}
	if r.Kind != DRKindYielded {
		return DRInfo{}, conflict(fmt.Sprintf("%s was not taken over", job), drHint)
	}
	end, err := d.drills.begin(r.Site)
	if err != nil {
		return DRInfo{}, err
	}
	defer end()
	info := d.drInfo(r)
	info.Phase = DREnded
	return info, d.takeUp(ctx, &r)
}

// mayReturn reports whether peer may receive into a volume because it gives back what it has taken over.
func (d *Daemon) mayReturn(peer, volume string) bool {
	records, err := drKind.list(d.state)
	if err != nil {
		return false
	}
	for _, r := range records {
		if r.Kind != DRKindYielded || r.Peer != peer || r.Phase != drYielded {
			continue
		}
		for _, u := range r.Units {
			if u.Replica == volume {
				return true
			}
		}
	}
	return false
}

// promoted refuses to receive into a replica that hosts work with.
func (d *Daemon) promoted(volume string) error {
	records, err := drKind.list(d.state)
	if err != nil {
		return err
	}
	for _, r := range records {
		if r.Kind != DRKindFailover || r.Phase == drAsking || r.Phase == drFailed {
			continue
		}
		for _, u := range r.Units {
			if u.Replica == volume {
				return fmt.Errorf("%w: %s has taken the place of the original since %s", stream.ErrForbidden, volume, r.Begun.Format(time.RFC3339))
			}
		}
	}
	return nil
}
