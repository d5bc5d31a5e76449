package control

import (
	"context"
	"fmt"

	"github.com/lunarsan/lunar/stream/job"
)

// What is asked of jobs beside running them. Each looks at both ends, and may take its time.

// PlanJob tells what a run would do.
func (d *Daemon) PlanJob(ctx context.Context, name string, q job.Ask) ([]job.VolumePlan, error) {
	plans, err := d.jobs.Plan(ctx, name, q)
	return orNone(plans), jobProblem(name, err)
}

// PruneJob destroys the snapshots that a job's rules do not keep, or tells which they are.
func (d *Daemon) PruneJob(ctx context.Context, name string, q JobPrune) (PrunedJob, error) {
	if !q.DryRun {
		if err := d.mayRun(name); err != nil {
			return PrunedJob{}, err
		}
	}
	list, err := d.jobs.Prune(ctx, name, q.DryRun)
	problem, err := besides(name, list, err)
	return PrunedJob{Volumes: list, Problem: problem}, err
}

// ExplainJob tells why snapshots are where they are.
func (d *Daemon) ExplainJob(ctx context.Context, name string) (JobExplained, error) {
	list, err := d.jobs.Explain(ctx, name)
	problem, err := besides(name, list, err)
	return JobExplained{Volumes: list, Problem: problem}, err
}

// besides is err as what is told beside what the source has answered, of which there is a list; without
// one it is the error of all.
func besides[T any](name string, list []T, err error) (problem string, _ error) {
	if len(list) == 0 || err == nil {
		return "", jobProblem(name, err)
	}
	return oneLine(err), nil
}

// CheckJob looks for what would make a run fail.
func (d *Daemon) CheckJob(ctx context.Context, name string) ([]job.Finding, error) {
	findings, err := d.jobs.Check(ctx, name)
	if j, known := d.findJob(name); known == nil && err == nil {
		if peer, there := d.findPeer(j.Peer); there == nil && peer.overSSH() {
			findings = append(findings, job.Finding{What: fmt.Sprintf("no configuration goes along: peer %s is reached by ssh, and no daemon is there that lunar dr could ask", peer.Name)})
		}
	}
	return orNone(findings), jobProblem(name, err)
}

// VerifyJob compares a job's volumes with their replicas, at the newest snapshot that both have.
func (d *Daemon) VerifyJob(ctx context.Context, name string) ([]job.Verified, error) {
	verified, err := d.jobs.Verify(ctx, name)
	return orNone(verified), jobProblem(name, err)
}

// orNone is list, so that none is written as [].
func orNone[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}
