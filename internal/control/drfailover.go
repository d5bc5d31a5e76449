package control

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/lunarsan/lunar/stream"
	"github.com/lunarsan/lunar/stream/wire"
	"github.com/lunarsan/lunar/vmfs"
)

// The site of the replicas: it takes over.

// FailoverDR begins to put the replicas of a job in the place of the originals: the other site gives
// them up and sends what is new, if it answers; then nothing is received into them any more, and the
// site's configuration comes into use here. DR tells how far it is. Asked again after it has stopped,
// it goes on.
func (d *Daemon) FailoverDR(ctx context.Context, q DRFailover) (DRInfo, error) {
	return d.undertake(q.Job, q.Force, q.DryRun, func(site siteRecord) (undertaking, error) { return d.planFailover(ctx, site, q) })
}

// A failover is one that is planned or under way.
type failover struct {
	drRecord
	site     siteRecord
	force    bool
	source   peerLink // nil: it is not asked
	answer   drAnswer
	pulls    bool // the job is this site's
	config   ConfigPlan
	warnings []string
	risks    []string
	newer    []newerSnapshot
}

func (f *failover) close() {
	if f.source != nil {
		_ = f.source.Close() // all was answered
	}
}

// planFailover finds out what there is to do.
func (d *Daemon) planFailover(ctx context.Context, site siteRecord, q DRFailover) (f *failover, err error) {
	f = &failover{site: site, force: q.Force}
	before, err := d.failoverOf(&f.site)
	switch {
	case err != nil:
		return nil, err
	case before == nil:
		name, err := d.freeDRName(failoverName(f.site.Job))
		if err != nil {
			return nil, err
		}
		f.drRecord = f.site.failover(name)
	case before.Phase == drFailed:
		f.drRecord = f.site.failover(before.Name)
	case before.Phase == drPromoting:
		f.drRecord = *before // gone on with below
	default:
		return nil, conflict(fmt.Sprintf("job %s has failed over to here already: %s", f.site.Job, before.Phase), "lunar dr show "+before.Name)
	}
	past := q.At != nil || q.Snapshot != ""
	switch {
	case f.Phase != drPromoting:
		err = d.chooseState(ctx, f, DRTest{At: q.At, Snapshot: q.Snapshot})
		if f.Past = past; past {
			for i := range f.Units {
				f.Units[i].Clone = f.Name
			}
		}
	case past:
		err = conflict(fmt.Sprintf("job %s fails over to snapshot %s already", f.site.Job, f.Snapshot), "Ask without a time: it goes on.")
	}
	if err != nil {
		return nil, err
	}
	f.pulls = d.pulls(&f.site)
	if f.config, _, err = d.applySite(ctx, f.site, &f.drRecord, ConfigApply{DryRun: true}); err != nil {
		return nil, err
	}
	f.risks = append(f.risks, f.config.Risks...)
	f.warnings = append(f.warnings, f.config.Notes...)
	if tests := d.testsOf(&f.site); len(tests) > 0 {
		f.warnings = append(f.warnings, fmt.Sprintf("DR tests of the job go on: %v", tests))
	}
	switch {
	case f.Phase == drPromoting:
		return f, nil // the other site has done its part
	case q.NoSource:
		f.warnings = append(f.warnings, f.lost("is not asked"))
		f.risks = append(f.risks, f.apart()...)
		return f, nil
	}
	if err := d.askSource(ctx, f); err != nil {
		return nil, err
	}
	return f, nil
}

// failover is the record of one that is to begin.
func (s *siteRecord) failover(name string) drRecord {
	r := drRecord{Name: name, Kind: DRKindFailover, Site: s.name(), Begun: time.Now().UTC().Truncate(time.Second)}
	for _, v := range s.Volumes {
		r.Units = append(r.Units, drUnit{Original: v.Unit, GUID: v.Unit, Replica: v.Replica})
	}
	return r
}

// ask is what the other site is asked with.
func (s *siteRecord) ask(pulls bool) drAsk {
	q := drAsk{Job: s.Job}
	if pulls {
		for _, v := range s.Volumes {
			q.Volumes = append(q.Volumes, SiteVolume(v))
		}
	}
	return q
}

// pulls reports whether the job of a site is this daemon's.
func (d *Daemon) pulls(s *siteRecord) bool {
	j, err := d.findJob(s.Job)
	return err == nil && j.Pull && j.Peer == s.Peer
}

// chooseState finds the snapshot that is failed over to, and which of the replicas' are newer.
func (d *Daemon) chooseState(ctx context.Context, f *failover, q DRTest) error {
	chosen, err := d.chooseSnapshot(ctx, f.site.Volumes, q)
	if err != nil {
		return err
	}
	f.Snapshot, f.Taken = chosen.Name, chosen.Created.UTC()
	for _, v := range f.site.Volumes {
		replica, err := d.volume(v.Replica)
		if err != nil {
			return err
		}
		list, err := replica.Snapshots(ctx)
		if err != nil {
			return err
		}
		at := slices.IndexFunc(list, func(s stream.Snapshot) bool { return !s.Bookmark && s.Name == chosen.Name })
		if at < 0 {
			continue // it went just now, and what is to come finds out
		}
		for _, s := range newerThan(list, &list[at]) { // another volume's has another GUID
			f.newer = append(f.newer, newerSnapshot{v.Replica, s})
		}
	}
	return nil
}

// A newerSnapshot is one of a replica that is not what is failed over to.
type newerSnapshot struct {
	replica string
	stream.Snapshot
}

// apart warns where the replicas are not of one instant: a run has failed in the middle. One more run puts
// that right, and a snapshot that was chosen is one of all.
func (f *failover) apart() (risks []string) {
	if f.Past {
		return nil
	}
	for _, s := range f.newer {
		risks = append(risks, fmt.Sprintf("%s has snapshot %s, which not all replicas have: they are not of one instant", s.replica, s.Name))
	}
	return risks
}

// failoverOf finds the failover of a site; nil: there is none.
func (d *Daemon) failoverOf(s *siteRecord) (*drRecord, error) {
	records, err := drKind.list(d.state)
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(records, func(r drRecord) bool { return r.Kind == DRKindFailover && r.Site == s.name() })
	if i < 0 {
		return nil, nil
	}
	return &records[i], nil
}

// testsOf are the names of the tests of a site.
func (d *Daemon) testsOf(s *siteRecord) (names []string) {
	records, _ := drKind.list(d.state) // nothing is decided by it
	for _, r := range records {
		if r.Kind == DRKindTest && r.Site == s.name() {
			names = append(names, r.Name)
		}
	}
	return names
}

// lost tells what of the originals is not here if the other site does nothing.
func (f *failover) lost(why string) string {
	return fmt.Sprintf("peer %s %s: what was written there since %s, when snapshot %s was taken, is not here",
		f.site.Peer, why, f.Taken.Format(time.RFC3339), f.Snapshot)
}

// askSource asks the other site how its units are, if it answers.
func (d *Daemon) askSource(ctx context.Context, f *failover) error {
	peer, err := d.findPeer(f.site.Peer)
	if err != nil {
		return err
	}
	if f.source, err = d.opts.dialPeer(ctx, d, peer, wire.Options{}); err == nil {
		err = f.source.Ask(ctx, askStatus, f.site.ask(f.pulls), &f.answer)
	}
	if err != nil {
		f.close()
		f.source = nil
		f.risks = append(append(f.risks, f.lost("does not answer ("+oneLine(err)+")")), f.apart()...)
		return nil
	}
	for _, u := range f.answer.Units {
		later := fmt.Sprintf("at %s, for a failback later: %s", f.site.Peer, u.Lacks)
		if u.Lacks != "" && !slices.Contains(f.warnings, later) {
			f.warnings = append(f.warnings, later)
		}
		if u.InUse != "" {
			f.risks = append(f.risks, fmt.Sprintf("at %s: %s", f.site.Peer, u.InUse))
		}
	}
	return nil
}

// begin saves that the failover begins, before anything is done.
func (f *failover) begin(d *Daemon) error {
	if f.Phase == drPromoting {
		return nil // it goes on there
	}
	return d.saveDR(&f.drRecord, drAsking)
}

// run does what was planned, and says in the record why it goes no further.
func (f *failover) run(ctx context.Context, d *Daemon) {
	if f.Phase != drPromoting {
		err := d.takeFromSource(ctx, f)
		if err == nil {
			err = d.saveDR(&f.drRecord, drPromoting)
		}
		if err != nil {
			d.stopDR(ctx, &f.drRecord, drFailed, err)
			return
		}
	}
	if err := d.promote(ctx, &f.drRecord); err != nil {
		d.stopDR(ctx, &f.drRecord, drPromoting, err)
	}
}

// takeFromSource has the other site give its units up, and waits for what is new of them.
func (d *Daemon) takeFromSource(ctx context.Context, f *failover) error {
	if f.source == nil {
		f.note("%s", f.lost("was not asked"))
		return nil
	}
	ask := f.site.ask(f.pulls)
	ask.Final, ask.Force = !f.pulls && !f.Past, f.force
	err := f.source.Ask(ctx, askYield, ask, &f.answer)
	if err == nil && f.pulls && !f.Past {
		if f.answer.Snapshot, err = d.finalRun(ctx, f.site.Job); err != nil {
			err = joinUndo(err, f.source.Ask(ctx, askRestore, ask, nil))
		}
	}
	if err != nil {
		return &Problem{Title: fmt.Sprintf("peer %s does not give up the units of job %s: %v", f.site.Peer, f.site.Job, err),
			Hint: "Mend it there, or take over without asking it: --no-source.", cause: err}
	}
	if f.Past {
		f.note("peer %s gave its units up", f.site.Peer)
		return nil
	}
	newest, err := d.chooseSnapshot(ctx, f.site.Volumes, DRTest{Snapshot: f.answer.Snapshot})
	if err != nil {
		return fmt.Errorf("what %s says it has sent last is not here: %w", f.site.Peer, err)
	}
	f.Snapshot, f.Taken = newest.Name, newest.Created.UTC()
	f.note("peer %s gave its units up, and sent snapshot %s", f.site.Peer, f.Snapshot)
	return nil
}

// promote shows the replicas in place of the originals. It may be repeated. From here on nothing is
// received into them: see promoted.
func (d *Daemon) promote(ctx context.Context, r *drRecord) error {
	site, err := d.findSite(r.Site)
	if err != nil {
		return err
	}
	headers := make([]*vmfs.LVMHeader, len(r.Units)) // read while the stores are not open yet
	for i := range r.Units {
		u := &r.Units[i]
		replica, err := d.volume(u.Replica)
		if err == nil {
			err = replica.Abandon(ctx)
		}
		if err != nil && !errors.Is(err, stream.ErrNoVolume) {
			return fmt.Errorf("throwing away what was being received into %s: %w", u.Replica, err)
		}
		u.Path = replica.Path()
		if r.Past {
			if err := d.fork(ctx, r, u, replica); err != nil {
				return err
			}
			u.Path = u.Volume
		}
		u.Path = site.path(u.Path)
		headers[i] = d.headerOn(u.Path)
	}
	if err := d.addSite(ctx, &site, r); err != nil {
		return &Problem{Title: fmt.Sprintf("the configuration of site %s cannot come into use: %v", site.name(), err),
			Hint: "Mend what it says, and ask for the failover again: it goes on from here.", cause: err}
	}
	for i := range r.Units {
		u := &r.Units[i]
		info, err := d.Unit(ctx, u.GUID.String())
		if err != nil {
			return err
		}
		u.LUN = info.lowestLUN()
		d.mu.RLock()
		record := d.units[u.GUID].record
		d.mu.RUnlock()
		u.Header = headerFits(headers[i], &record, u.LUN)
	}
	if d.pulls(&site) {
		if err := d.pauseForDR(site.Job, true); err != nil {
			return err
		}
	}
	r.Problem = ""
	d.log.Warn("replicas have taken the place of the originals", "site", r.Site, "snapshot", r.Snapshot)
	return d.saveDR(r, drActive)
}

// info is the plan.
func (f *failover) info(d *Daemon) DRInfo {
	info := d.drInfo(f.drRecord)
	info.Warnings, info.Risks = f.warnings, f.risks
	say := func(format string, args ...any) { info.Plan = append(info.Plan, fmt.Sprintf(format, args...)) }
	if f.source != nil {
		for _, u := range f.answer.Units {
			say("at %s: retire unit %s, which is %s", f.site.Peer, u.Unit, u.State)
		}
		where := "at " + f.site.Peer
		if f.pulls {
			where = "here"
		}
		how := "run job %s once more, and stop it"
		if f.Past {
			how = "stop job %s"
		}
		say("%s: "+how, where, f.site.Job)
	}
	for _, u := range f.Units {
		say("receive nothing more into %s", u.Replica)
		if f.Past {
			say("clone %s@%s, taken %s, for hosts to work on", u.Replica, f.Snapshot, f.Taken.Format(time.RFC3339))
		}
	}
	if f.Past {
		for _, s := range f.newer {
			say("leave out what is in %s@%s, taken %s, which stays there", s.replica, s.Name, s.Created.UTC().Format(time.RFC3339))
		}
	}
	for _, s := range f.config.Steps {
		say("%s %s %s", s.Action, s.Kind, s.Name)
	}
	return info
}

// failoverName is what a failover to what a job has brought here is called.
func failoverName(job string) string { return "failover-" + job }
