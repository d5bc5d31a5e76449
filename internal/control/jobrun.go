package control

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/lunarsan/lunar/stream"
	"github.com/lunarsan/lunar/stream/job"
	"github.com/lunarsan/lunar/stream/wire"
)

// What the runner of jobs has of the daemon.

// startJobs lets the jobs of the state run.
func (d *Daemon) startJobs(ctx context.Context) error {
	jobs, err := jobKind.list(d.state)
	if err != nil {
		return err
	}
	d.jobs = job.New(d.background, job.Options{Open: d.openEnd, Journal: jobJournal{d}, Ended: d.jobEnded, Log: d.log})
	for _, j := range jobs {
		if err := d.jobs.Set(ctx, j); err != nil {
			d.log.Error("a job cannot run", "job", j.Name, "reason", oneLine(err)) // and disks are served
		}
	}
	return nil
}

// endJobs waits for the runs to end, which the daemon's end has cut short.
func (d *Daemon) endJobs() {
	if d.jobs == nil {
		return
	}
	done := make(chan struct{})
	go func() {
		d.jobs.Close()
		close(done)
	}()
	select {
	case <-done:
	case <-time.After(jobsTime):
		d.log.Warn("a job's command goes on without the daemon")
	}
}

// A jobJournal keeps in the state what is remembered of jobs.
type jobJournal struct{ d *Daemon }

func (k jobJournal) Load(_ context.Context, name string) (s job.State, err error) {
	s, _, err = jobStateKind.find(k.d.state, name)
	return s, err
}

func (k jobJournal) Save(_ context.Context, name string, s job.State) error {
	return k.d.state.Update(func(tx Tx) error {
		if _, there, err := jobKind.get(tx, name); err != nil || !there {
			return err // it was deleted meanwhile
		}
		return jobStateKind.put(tx, name, s)
	})
}

// openEnd goes to where volumes of j are.
func (d *Daemon) openEnd(ctx context.Context, j *job.Job, name string) (job.End, error) {
	if name == "" {
		return here{d}, nil
	}
	peer, err := d.findPeer(name)
	if err != nil {
		return nil, err
	}
	o := wire.Options{Connections: j.Connections}
	if o.Compress, err = wire.ParseCompression(j.Compress); err != nil {
		return nil, err
	}
	if j.Limit != "" {
		schedule, err := wire.ParseSchedule(j.Limit)
		if err != nil {
			return nil, err
		}
		zone, err := time.LoadLocation(j.Zone)
		if err != nil {
			return nil, err
		}
		o.Limit = wire.NewLimiter(schedule, zone)
	}
	l, err := d.opts.dialPeer(ctx, d, peer, o)
	if err != nil {
		return nil, err
	}
	if peer.overSSH() {
		return alone{l}, nil
	}
	return there{l}, nil
}

// here is this machine as the end of a job.
type here struct{ d *Daemon }

func (h here) Volume(_ context.Context, name string) (stream.Volume, error) { return h.d.volume(name) }
func (h here) Close() error                                                 { return nil }

func (h here) Take(ctx context.Context, volumes []string, snapshot string) (time.Duration, error) {
	return h.d.takeTogether(ctx, volumes, snapshot)
}

// there is a peer as the end of a job.
type there struct{ peerLink }

func (t there) Volume(_ context.Context, name string) (stream.Volume, error) {
	return t.peerLink.Volume(name), nil
}

func (t there) Take(ctx context.Context, volumes []string, snapshot string) (time.Duration, error) {
	var taken peerTaken
	err := t.Ask(ctx, askTake, peerTake{volumes, snapshot}, &taken)
	return taken.Still, err
}

// alone is a machine as the end of a job on which no daemon answers: lunar receive is there.
type alone struct{ link peerLink }

func (a alone) Volume(_ context.Context, name string) (stream.Volume, error) {
	return a.link.Volume(name), nil
}

func (a alone) Close() error { return a.link.Close() }

func (a alone) Take(ctx context.Context, volumes []string, snapshot string) (time.Duration, error) {
	if len(volumes) != 1 {
		return 0, refuse("no daemon is there that could take a snapshot of several volumes in one instant",
			"Make a job for each, or have their snapshots taken there and sent by one with --existing.")
	}
	_, err := a.link.Volume(volumes[0]).Take(ctx, snapshot)
	return 0, err
}

// jobEnded does what follows a run.
func (d *Daemon) jobEnded(j job.Job, r job.Run) {
	if r.OK() {
		d.log.Info("a job has run", "job", j.Name, "run", r.Number, "snapshot", r.Snapshot, "bytes", r.Bytes(), "took", r.Ended.Sub(r.Started).Round(time.Millisecond))
	} else {
		d.log.Error("a job has failed", "job", j.Name, "run", r.Number, "reason", whyFailed(&r))
	}
	if j.Peer != "" && r.OK() {
		ctx, cancel := context.WithTimeout(d.background, carryTime)
		defer cancel()
		if err := d.carryAlong(ctx, &j, &r); err != nil && d.background.Err() == nil {
			d.log.Warn("the configuration did not go along with a job", "job", j.Name, "peer", j.Peer, "reason", err)
		}
	}
	d.counts.count(j.Name, &r)
	d.lookForAlarms()
	d.runs.ended(j.Name, r)
}

// whyFailed is what went wrong with a run, of the first that it was.
func whyFailed(r *job.Run) string {
	if r.Problem != nil {
		return r.Problem.Says
	}
	for _, v := range r.Volumes {
		if v.Problem != nil {
			return v.Source + ": " + v.Problem.Says
		}
	}
	return ""
}

// carryTime is how long the configuration may take to go along.
const carryTime = time.Minute

// carryAlong takes the configuration of a job's units to where its replicas are.
func (d *Daemon) carryAlong(ctx context.Context, j *job.Job, r *job.Run) error {
	peer, err := d.findPeer(j.Peer)
	if err != nil {
		return err
	}
	if peer.overSSH() {
		return nil // no daemon is there to take it
	}
	link, err := d.opts.dialPeer(ctx, d, peer, wire.Options{})
	if err != nil {
		return err
	}
	defer func() { _ = link.Close() }() // all was answered
	if j.Pull {
		return d.fetchSite(ctx, link, j, r)
	}
	volumes := d.unitsOf(j)
	if len(volumes) == 0 {
		return nil
	}
	q, err := d.siteDeposit(ctx, j.Name, r.Snapshot, r.Started.Truncate(time.Second), volumes, peer.Secrets)
	if err != nil {
		return err
	}
	return link.Ask(ctx, askSite, q, nil)
}

// fetchSite fetches from the peer of a job that pulls what another would have brought.
func (d *Daemon) fetchSite(ctx context.Context, link peerLink, j *job.Job, r *job.Run) error {
	q := peerConfiguration{Job: j.Name, Snapshot: r.Snapshot, Taken: r.Started.Truncate(time.Second)} // as the times of snapshots are kept
	for _, v := range r.Volumes {
		q.Volumes = append(q.Volumes, peerVolume{v.Source, v.Destination})
	}
	var deposit SiteDeposit
	if err := link.Ask(ctx, askConfiguration, q, &deposit); err != nil || len(deposit.Volumes) == 0 {
		return err
	}
	deposit.Job = j.Name
	return d.depositSite(ctx, j.Peer, deposit)
}

// waiters are who waits for runs to end. The zero value is nobody.
type waiters struct {
	mu      sync.Mutex
	waiting map[chan job.Run]string // by job
}

// ended tells of a run.
func (w *waiters) ended(name string, r job.Run) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for c, of := range w.waiting {
		if of == name {
			select {
			case c <- r:
			default: // it has room for the one that is waited for
			}
		}
	}
}

// finalRun runs a job once more, and returns the snapshot that it has taken. What runs already is
// waited for.
func (d *Daemon) finalRun(ctx context.Context, name string) (string, error) {
	c := make(chan job.Run, 8)
	d.runs.mu.Lock()
	if d.runs.waiting == nil {
		d.runs.waiting = make(map[chan job.Run]string)
	}
	d.runs.waiting[c] = name
	d.runs.mu.Unlock()
	defer func() {
		d.runs.mu.Lock()
		defer d.runs.mu.Unlock()
		delete(d.runs.waiting, c)
	}()
	n, err := d.jobs.Run(ctx, name, job.Ask{})
	if err != nil {
		return "", err
	}
	for {
		select {
		case r := <-c:
			switch {
			case r.Number < n:
			case !r.OK():
				return "", errors.New(whyFailed(&r))
			default:
				return r.Snapshot, nil
			}
		case <-ctx.Done():
			return "", ctx.Err()
		}
	}
}

// pauseForDR has a job wait for a failback, or go on after one.
func (d *Daemon) pauseForDR(name string, pause bool) error {
	if pause {
		return d.jobs.Pause(name)
	}
	return d.jobs.Resume(name)
}

// setJobs makes the jobs that run those of the configuration.
func (d *Daemon) setJobs(changed []delta[job.Job]) {
	for _, c := range changed {
		var err error
		if c.gone() {
			err = d.jobs.Remove(c.name)
		} else {
			err = d.jobs.Set(d.background, *c.after)
		}
		if err != nil {
			d.log.Error("a job could not be changed", "job", c.name, "reason", err)
		}
	}
}

// lateJobs tells which jobs failed or are late.
func (d *Daemon) lateJobs() (alarms []string) {
	for _, s := range d.jobs.Statuses() {
		if s.Paused {
			continue
		}
		if s.Last != nil && !s.Last.OK() {
			alarms = append(alarms, fmt.Sprintf("job %s failed: %s", s.Job.Name, whyFailed(s.Last)))
		}
		for _, v := range s.Volumes {
			if s.Job.RPO > 0 && v.Lag > time.Duration(s.Job.RPO) {
				alarms = append(alarms, fmt.Sprintf("job %s is late: the newest replica of %s is %s old, and %s is promised",
					s.Job.Name, v.Source, v.Lag.Round(time.Second), s.Job.RPO))
			}
		}
	}
	slices.Sort(alarms)
	return alarms
}
