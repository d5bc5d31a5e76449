package control

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/lunarsan/lunar/stream"
	"github.com/lunarsan/lunar/stream/job"
	"github.com/lunarsan/lunar/stream/wire"
)

// Jobs replicate volumes. Their records are configuration; package job does them, and what it
// remembers of them is not.

const (
	jobKind      kind[job.Job]   = "job/"
	jobStateKind kind[job.State] = "job-state/"
)

// jobHint is the way out where there is no such job.
const jobHint = "lunar job list shows the jobs."

// CreateJob makes a job, which heeds its schedules from now on.
func (d *Daemon) CreateJob(ctx context.Context, j job.Job) (job.Status, error) {
	return d.setJob(ctx, j.Name, j, true)
}

// ReplaceJob makes a job what j says, from its next run on.
func (d *Daemon) ReplaceJob(ctx context.Context, name string, j job.Job) (job.Status, error) {
	if j.Name != name {
		return job.Status{}, refuse(fmt.Sprintf("job %q cannot be called %q: its snapshots are", name, j.Name), "Make another job, and delete this one.")
	}
	return d.setJob(ctx, name, j, false)
}

func (d *Daemon) setJob(ctx context.Context, name string, j job.Job, fresh bool) (job.Status, error) {
	if err := checkJob(&j); err != nil {
		return job.Status{}, err
	}
	end, err := d.begin(ctx)
	if err != nil {
		return job.Status{}, err
	}
	defer end()
	_, err = d.findJob(name)
	switch {
	case fresh && err == nil:
		return job.Status{}, conflict(fmt.Sprintf("there is a job %q already", name), "Choose another name, or change it: lunar job modify "+name)
	case !fresh && err != nil, fresh && !isMissing(err):
		return job.Status{}, err
	}
	if j.Peer != "" {
		if _, err := d.findPeer(j.Peer); err != nil {
			return job.Status{}, err
		}
	}
	if err := d.state.Update(func(tx Tx) error { return jobKind.put(tx, name, j) }); err != nil {
		return job.Status{}, err
	}
	if err := d.jobs.Set(ctx, j); err != nil {
		return job.Status{}, err
	}
	d.log.Info("set a job", "job", name, "volumes", len(j.Volumes), "peer", j.Peer)
	return d.jobs.Status(name)
}

// checkJob says what is wrong with a job.
func checkJob(j *job.Job) error {
	_, compress := wire.ParseCompression(j.Compress)
	_, limit := wire.ParseSchedule(j.Limit)
	if err := errors.Join(j.Check(), compress, limit); err != nil {
		return refuse(oneLine(err), "lunar job create --help tells how a job is described.")
	}
	return nil
}

// DeleteJob ends a job, with the run that is under way, and lets go of what it holds of volumes. Its
// snapshots stay, here and there.
func (d *Daemon) DeleteJob(ctx context.Context, name string, q JobDelete) (job.Status, error) {
	s, err := d.jobStatus(name)
	if err != nil {
		return s, err
	}
	if err := d.mayRun(name); err != nil {
		return s, err
	}
	if err := d.jobs.Delete(ctx, name, q.Force); errors.Is(err, job.ErrNoJob) {
		return s, jobProblem(name, err)
	} else if err != nil {
		return s, conflict(fmt.Sprintf("what job %s holds of its volumes cannot be let go of: %s", name, oneLine(err)), "Mend that, or leave the holds there with --force.")
	}
	end, err := d.begin(ctx)
	if err != nil {
		return s, errors.Join(err, d.jobs.Set(d.background, s.Job))
	}
	defer end()
	if err := d.state.Update(func(tx Tx) error { return errors.Join(jobKind.delete(tx, name), jobStateKind.delete(tx, name)) }); err != nil {
		return s, errors.Join(err, d.jobs.Set(d.background, s.Job))
	}
	d.log.Info("deleted a job", "job", name)
	return s, nil
}

// Jobs tells how the jobs are, in order of their names.
func (d *Daemon) Jobs(context.Context) ([]job.Status, error) { return d.jobs.Statuses(), nil }

// Job tells how one job is.
func (d *Daemon) Job(_ context.Context, name string) (job.Status, error) { return d.jobStatus(name) }

func (d *Daemon) jobStatus(name string) (job.Status, error) {
	s, err := d.jobs.Status(name)
	return s, jobProblem(name, err)
}

// jobProblem tells an operator about a job that is not there.
func jobProblem(name string, err error) error {
	var refused *stream.Refusal
	switch {
	case errors.As(err, &refused):
		return conflict(refused.Says, refused.Way)
	case errors.Is(err, job.ErrNoJob):
		return missing(fmt.Sprintf("there is no job %q", name), jobHint)
	case errors.Is(err, job.ErrIdle):
		return conflict(fmt.Sprintf("job %s has no run under way", name), "lunar job history "+name+" shows those that were.")
	}
	return err
}

// JobHistory returns the runs of a job that are remembered, the newest at the end.
func (d *Daemon) JobHistory(_ context.Context, name string) ([]job.Run, error) {
	runs, err := d.jobs.History(name)
	if runs == nil {
		runs = []job.Run{}
	}
	return runs, jobProblem(name, err)
}

// RunJob begins a run; Job tells how far it is.
func (d *Daemon) RunJob(ctx context.Context, name string, q job.Ask) (JobStarted, error) {
	if err := d.mayRun(name); err != nil {
		return JobStarted{}, err
	}
	n, err := d.jobs.Run(ctx, name, q)
	return JobStarted{n}, jobProblem(name, err)
}

// PauseJob has a job's schedules not count.
func (d *Daemon) PauseJob(_ context.Context, name string) (job.Status, error) {
	if err := d.jobs.Pause(name); err != nil {
		return job.Status{}, jobProblem(name, err)
	}
	return d.jobStatus(name)
}

// ResumeJob has them count again.
func (d *Daemon) ResumeJob(_ context.Context, name string) (job.Status, error) {
	if err := d.mayRun(name); err != nil {
		return job.Status{}, err
	}
	if err := d.jobs.Resume(name); err != nil {
		return job.Status{}, jobProblem(name, err)
	}
	return d.jobStatus(name)
}

// CancelJob ends the run that is under way.
func (d *Daemon) CancelJob(_ context.Context, name string) (job.Status, error) {
	if err := d.jobs.Cancel(name); err != nil {
		return job.Status{}, jobProblem(name, err)
	}
	return d.jobStatus(name)
}

// mayRun refuses to run a job that a peer has taken over, and one whose replicas have taken the place of
// the originals.
func (d *Daemon) mayRun(name string) error {
	if j, err := d.findJob(name); err == nil && j.Pull {
		site := siteRecord{Peer: j.Peer, Job: j.Name}
		f, err := d.failoverOf(&site)
		if err == nil && f != nil && f.Phase != drFailed && f.Phase != drAsking {
			err = conflict(fmt.Sprintf("the replicas of job %s have taken the place of the originals", name), "lunar dr failback "+name+" gives it back.")
		}
		return err
	}
	r, err := d.findDR(name)
	if err == nil && r.Kind == DRKindYielded && r.Phase == drYielded {
		return conflict(fmt.Sprintf("job %s was taken over by %s", name, r.Peer), "lunar dr failback there gives it back.")
	}
	if isMissing(err) {
		return nil
	}
	return err
}

func (d *Daemon) findJob(name string) (j job.Job, err error) {
	j, ok, err := jobKind.find(d.state, name)
	if err == nil && !ok {
		err = missing(fmt.Sprintf("there is no job %q", name), jobHint)
	}
	return j, err
}

// jobVolumes are the units of a job that goes to peer, and their replicas there.
func (d *Daemon) jobVolumes(peer, name string) ([]SiteVolume, error) {
	j, err := d.findJob(name)
	if err != nil {
		return nil, err
	}
	if j.Peer != peer || j.Pull {
		return nil, missing(fmt.Sprintf("job %q does not go to peer %q", name, peer), jobHint)
	}
	return d.unitsOf(&j), nil
}

// unitsOf are the volumes of a job that are units here, and their replicas.
func (d *Daemon) unitsOf(j *job.Job) (volumes []SiteVolume) {
	for _, v := range j.Volumes {
		source, err := d.volume(v.Source)
		if err != nil {
			continue // the unit has gone; the job's run says so
		}
		u := d.unitOn(source.Path())
		if u == nil {
			continue
		}
		d.mu.RLock()
		volumes = append(volumes, SiteVolume{Unit: u.record.GUID, Source: v.Source, Replica: j.Replica(v, source.Name())})
		d.mu.RUnlock()
	}
	return volumes
}

// sentTo are the volumes that jobs send to a peer.
func (d *Daemon) sentTo(peer string) (names []string) {
	jobs, err := jobKind.list(d.state)
	if err != nil {
		d.log.Error("the jobs cannot be read", "reason", err)
		return nil
	}
	for _, j := range jobs {
		if j.Peer == peer && !j.Pull {
			for _, v := range j.Volumes {
				names = append(names, v.Source)
			}
		}
	}
	return names
}

// usersOf are the jobs whose peer is name.
func (d *Daemon) usersOf(name string) (jobs []string, err error) {
	all, err := jobKind.list(d.state)
	for _, j := range all {
		if j.Peer == name {
			jobs = append(jobs, j.Name)
		}
	}
	return jobs, err
}

// mayForgetPeer refuses to forget a peer that jobs go to.
func (d *Daemon) mayForgetPeer(name string) error {
	jobs, err := d.usersOf(name)
	if err == nil && len(jobs) > 0 {
		err = conflict(fmt.Sprintf("peer %s is that of job %s", name, strings.Join(slices.Sorted(slices.Values(jobs)), ", ")), "Delete the job first: lunar job delete "+jobs[0])
	}
	return err
}
