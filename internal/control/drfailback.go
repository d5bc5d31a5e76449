package control

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/lunarsan/lunar/stream"
	"github.com/lunarsan/lunar/stream/job"
	"github.com/lunarsan/lunar/stream/wire"
)

// The site of the replicas gives back what it has taken over.

// FailbackDR begins to send what has changed here since the failover to the originals, to hand them their
// place back, and to let the job run again. Hosts are without the units only for the last, short run.
// DR tells how far it is, until it is done. Asked again after it has stopped, it goes on.
func (d *Daemon) FailbackDR(ctx context.Context, q DRFailback) (DRInfo, error) {
	return d.undertake(q.Job, q.Force, q.DryRun, func(site siteRecord) (undertaking, error) { return d.planFailback(ctx, site, q) })
}

// A failback is one that is planned or under way.
type failback struct {
	drRecord
	site   siteRecord
	force  bool
	source peerLink
	answer drAnswer
	plans  []*stream.Plan
	left   ConfigPlan // how the failover's traces here go
	heir   *drRecord  // who needs them; nil: nobody
	risks  []string
}

func (b *failback) close() { _ = b.source.Close() } // all was answered

func (d *Daemon) planFailback(ctx context.Context, site siteRecord, q DRFailback) (*failback, error) {
	b := &failback{site: site, force: q.Force}
	r, err := d.failoverOf(&b.site)
	if err != nil {
		return nil, err
	}
	if r == nil || !slices.Contains([]string{drActive, drReturning, drHanding}, r.Phase) {
		return nil, conflict(fmt.Sprintf("job %s has not failed over to here", b.site.Job), drHint)
	}
	b.drRecord = *r
	peer, err := d.findPeer(b.site.Peer)
	if err != nil {
		return nil, err
	}
	if b.source, err = d.opts.dialPeer(ctx, d, peer, wire.Options{}); err != nil {
		return nil, &Problem{Title: fmt.Sprintf("peer %s does not answer: %v", peer.Name, err), Hint: "Start it, and ask again.", cause: err}
	}
	if err = d.lookBack(ctx, b); err == nil {
		err = d.lookHere(ctx, b)
	}
	if err != nil {
		return nil, errors.Join(err, b.source.Close())
	}
	return b, nil
}

// lookHere finds out what goes of the configuration here, and who uses that.
func (d *Daemon) lookHere(ctx context.Context, b *failback) (err error) {
	if b.heir, err = d.heir(&b.drRecord); err != nil {
		return err
	}
	r := b.drRecord
	if b.heir != nil {
		r.Added = nil
	}
	b.left, err = d.dropSite(ctx, &r, ConfigApply{DryRun: true})
	b.risks = append(b.risks, b.left.Risks...)
	return err
}

// lookBack finds out what has to go back, and what that gives up there.
func (d *Daemon) lookBack(ctx context.Context, b *failback) error {
	if err := b.source.Ask(ctx, askStatus, b.site.ask(d.pulls(&b.site)), &b.answer); err != nil {
		return err
	}
	if b.handed() {
		return nil
	}
	for _, o := range b.answer.Units {
		if o.Lacks != "" {
			return conflict(fmt.Sprintf("peer %s cannot take %s back yet", b.site.Peer, o.Volume), o.Lacks)
		}
		if o.InUse != "" {
			b.risks = append(b.risks, fmt.Sprintf("at %s: %s", b.site.Peer, o.InUse))
		}
	}
	for _, u := range b.Units {
		local, remote, err := d.bothSides(b, u)
		if err != nil {
			return err
		}
		here, err := stream.Look(ctx, local)
		if err != nil {
			return err
		}
		there, err := stream.Look(ctx, remote)
		if err != nil {
			return err
		}
		plan, err := stream.NewPlan(here, there, b.want())
		if err != nil {
			return backProblem(err)
		}
		plan.Discards = newerThan(there.Snapshots, plan.Common)
		b.plans = append(b.plans, plan)
		if n := len(plan.Discards); n > 0 {
			b.risks = append(b.risks, fmt.Sprintf("%s has %d %s that this site does not have, and they go", plan.Destination, n, plural(n, "snapshot")))
		}
	}
	return nil
}

// handed reports whether the originals are in their place again, or some of them: what hosts write is there
// then, and sending anything would give it up.
func (b *failback) handed() bool {
	return b.Phase == drHanding && (!b.answer.Yielded || b.answer.TakenUp)
}

// newerThan are the snapshots behind one, or all.
func newerThan(list []stream.Snapshot, common *stream.Snapshot) (newer []stream.Snapshot) {
	for _, s := range list {
		switch {
		case common != nil && s.GUID == common.GUID:
			newer = nil
		case !s.Bookmark:
			newer = append(newer, s)
		}
	}
	return newer
}

// backProblem tells an operator why a failback cannot go on from what both sites have.
func backProblem(err error) error {
	var refusal *stream.Refusal
	if !errors.As(err, &refusal) {
		return err
	}
	return &Problem{Title: refusal.Says, Hint: "Only changes go back: make a job from here to there instead, and reseed it.", cause: err}
}

// want is what is replicated back: the originals become what is here, whatever was done to them. The
// holds are the job's own, so that it goes on from there.
func (b *failback) want() stream.Want {
	return stream.Want{Job: b.site.Job, Rollback: true, Form: stream.Send{Compressed: true, Large: true, Embedded: true}}
}

// bothSides are the volumes of a unit: here, where it was changed, and there.
func (d *Daemon) bothSides(b *failback, u drUnit) (local, remote stream.Volume, err error) {
	for _, v := range b.site.Volumes {
		if v.Unit == u.Original {
			local, err = d.volume(d.workedOn(&u))
			return local, b.source.Volume(v.Source), err
		}
	}
	return nil, nil, fmt.Errorf("unit %s is not in site %s any more", u.Original, b.site.name())
}

// workedOn names the volume that hosts work on: that of the unit, which may have another path than the
// replica (RewritePath), or what a unit was on that was deleted.
func (d *Daemon) workedOn(u *drUnit) string {
	if _, err := d.find(u.GUID.String()); err == nil {
		return unitNames + u.GUID.String()
	}
	return cmp.Or(u.Volume, u.Replica)
}

func (b *failback) begin(d *Daemon) error {
	b.Problem = ""
	if b.handed() {
		return nil // it goes on there
	}
	return d.saveDR(&b.drRecord, drReturning)
}

// run does what was planned, and says in the record why it goes no further.
func (b *failback) run(ctx context.Context, d *Daemon) {
	if !b.handed() {
		if err := d.returnUnits(ctx, b); err != nil {
			d.stopDR(ctx, &b.drRecord, drReturning, err)
			return
		}
	}
	if err := d.handOver(ctx, b); err != nil {
		d.stopDR(ctx, &b.drRecord, drHanding, err)
	}
}

// returnUnits makes the originals what the units here are, and ends these.
func (d *Daemon) returnUnits(ctx context.Context, b *failback) error {
	ask := b.site.ask(d.pulls(&b.site))
	ask.Force = b.force
	if err := b.source.Ask(ctx, askYield, ask, &b.answer); err != nil {
		return fmt.Errorf("peer %s: %w", b.site.Peer, err)
	}
	if err := d.sendBack(ctx, b, "while hosts work here"); err != nil {
		return err
	}
	for _, u := range b.Units {
		info, err := d.Unit(ctx, u.GUID.String())
		if err == nil && info.State != UnitRetired {
			_, err = d.RetireUnit(ctx, u.GUID.String(), UnitRetire{Force: b.force})
		}
		if err != nil && !isMissing(err) {
			return err
		}
	}
	b.note("retired the units here")
	if err := d.sendBack(ctx, b, "of what was written last"); err != nil {
		return err
	}
	return d.saveDR(&b.drRecord, drHanding)
}

// handOver has the originals take their place again, and forgets the units here. It may be repeated.
func (d *Daemon) handOver(ctx context.Context, b *failback) error {
	pulls := d.pulls(&b.site)
	if err := b.source.Ask(ctx, askRestore, b.site.ask(pulls), nil); err != nil {
		return fmt.Errorf("peer %s: %w", b.site.Peer, err)
	}
	b.note("peer %s has its units back", b.site.Peer)
	if err := d.bequeath(&b.drRecord); err != nil {
		return err
	}
	if _, err := d.dropSite(ctx, &b.drRecord, ConfigApply{Force: true}); err != nil {
		return err
	}
	for i := range b.Units {
		if b.Past {
			if err := d.unfork(ctx, &b.Units[i]); err != nil {
				return err
			}
		}
	}
	d.log.Warn("what was taken over was given back", "site", b.site.name())
	if pulls {
		if err := d.pauseForDR(b.site.Job, false); err != nil {
			return err
		}
	}
	return d.forgetDR(&b.drRecord)
}

// sendBack takes a snapshot of all units here in one instant, and sends it back.
func (d *Daemon) sendBack(ctx context.Context, b *failback, which string) error {
	name := job.FailbackName(b.site.Job, time.Now())
	var volumes []string
	for _, u := range b.Units {
		volumes = append(volumes, d.workedOn(&u))
	}
	if _, err := d.takeTogether(ctx, volumes, name); err != nil {
		return err
	}
	for _, u := range b.Units {
		local, remote, err := d.bothSides(b, u)
		if err != nil {
			return err
		}
		out, err := stream.Replicate(ctx, local, remote, stream.Options{Want: b.want()})
		if err != nil {
			return fmt.Errorf("sending %s back: %w", u.Replica, backProblem(err))
		}
		var bytes int64
		for _, s := range out.Done {
			bytes += s.Bytes
		}
		b.note("sent %s back, %s: %d bytes", u.Replica, which, bytes)
	}
	return d.saveDR(&b.drRecord, drReturning)
}

// info is the plan.
func (b *failback) info(d *Daemon) DRInfo {
	info := d.drInfo(b.drRecord)
	info.Risks = b.risks
	say := func(format string, args ...any) { info.Plan = append(info.Plan, fmt.Sprintf(format, args...)) }
	for _, o := range b.answer.Units {
		if b.handed() {
			break
		}
		if o.State != UnitRetired {
			say("at %s: retire unit %s, which is %s", b.site.Peer, o.Unit, o.State)
		}
	}
	for _, p := range b.plans {
		common := "all of it"
		if p.Common != nil {
			common = "what has changed since " + p.Common.Name
		}
		say("send %s back to %s: %s, while hosts work here", p.Source, p.Destination, common)
		for _, s := range p.Discards {
			say("at %s: give up snapshot %s of %s, taken %s", b.site.Peer, s.Name, p.Destination, s.Created.UTC().Format(time.RFC3339))
		}
		say("at %s: give up what was written to %s since", b.site.Peer, p.Destination)
	}
	if !b.handed() {
		say("retire the units here, and send what was written last")
	}
	say("at %s: bring the units online, and let job %s run again", b.site.Peer, b.site.Job)
	say("forget the units here; the volumes are replicas again")
	for _, step := range b.left.Steps {
		if step.Kind != nouns[string(unitKind)] {
			say("%s %s %s, which the failover made", step.Action, step.Kind, step.Name)
		}
	}
	for _, note := range b.left.Notes {
		say("%s", note)
	}
	if b.heir != nil && len(b.Added) > 0 {
		say("what else the failover made stays for %s", b.heir.Name)
	}
	if b.Past {
		for _, u := range b.Units {
			say("throw the clone of %s away; what is newer there than %s stays", u.Replica, b.Snapshot)
		}
		say("where the next run does not go on from that (ZFS), lunar job run %s --rollback gives it up", b.site.Job)
	}
	return info
}
