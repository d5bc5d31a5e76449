package control

import (
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lunarsan/lunar/stream"
	"github.com/lunarsan/lunar/stream/job"
	"github.com/lunarsan/lunar/stream/retain"
)

// Jobs are kept with what is remembered of them, changed, and in documents as other configuration is.
func TestJobs(t *testing.T) {
	t.Parallel()
	var c copies
	r := start(t, func(o *Options) { o.openVolume = c.open })
	ctx := t.Context()
	u := r.createUnit(UnitCreate{Path: r.path("a")})
	replicas := r.path("replicas")
	must(0, os.Mkdir(replicas, 0o700))(t)
	local := job.Job{Name: "local", Root: replicas, Volumes: []job.Volume{{Source: unitNames + u.GUID}}, Schedules: []string{"0 1 * * *"}, RPO: retain.Span(time.Second)}
	must(r.CreateJob(ctx, local))(t)
	_, err := r.CreateJob(ctx, local)
	wantProblem(t, err, "already")
	for _, test := range []struct {
		j    job.Job
		want string
	}{
		{job.Job{Name: "a b"}, "a b"},
		{job.Job{Name: "x", Root: "/r", Peer: "nobody", Volumes: local.Volumes}, "nobody"},
		{job.Job{Name: "x", Root: "/r", Volumes: local.Volumes, Schedules: []string{"daily"}}, "daily"},
	} {
		_, err := r.CreateJob(ctx, test.j)
		wantProblem(t, err, test.want)
	}
	eventually(t, "the job is late", func() bool {
		return strings.Contains(strings.Join(must(r.Status(ctx))(t).Alarms, "\n"), "job local is late: the newest replica of lu:"+u.GUID)
	})

	must(r.RunJob(ctx, "local", job.Ask{}))(t)
	eventually(t, "the job has run", func() bool { return must(r.Job(ctx, "local"))(t).Last != nil })
	if runs := must(r.JobHistory(ctx, "local"))(t); len(runs) != 1 || !runs[0].OK() || runs[0].Volumes[0].Destination != replicas+"/a" {
		t.Errorf("ran %+v", runs)
	}
	if j := must(r.Job(ctx, "local"))(t); j.LastGood.IsZero() || j.Next.IsZero() || j.Failures != 0 {
		t.Errorf("it is %+v", j)
	}
	must(r.PauseJob(ctx, "local"))(t)
	before := export(t, r)
	r.restart()
	if s := must(r.Job(ctx, "local"))(t); !s.Paused || s.Last == nil || s.Job.RPO != local.RPO {
		t.Errorf("after a restart %+v", s)
	}
	must(r.ResumeJob(ctx, "local"))(t)

	changed := local
	changed.Name, changed.RPO = "other", 0
	_, err = r.ReplaceJob(ctx, "local", changed)
	wantProblem(t, err, "its snapshots")
	changed.Name = "local"
	if s := must(r.ReplaceJob(ctx, "local", changed))(t); s.Job.RPO != 0 {
		t.Errorf("replaced by %+v", s)
	}
	must(r.ApplyConfig(ctx, ConfigApply{Document: before}))(t)
	if diff := cmp.Diff(before, export(t, r)); diff != "" {
		t.Errorf("applied (-want +got):\n%s", diff)
	}
	if s := must(r.Job(ctx, "local"))(t); s.Job.RPO != local.RPO {
		t.Errorf("what runs is %+v", s.Job)
	}
	jobless := before[:strings.Index(before, "jobs:")]
	must(r.ApplyConfig(ctx, ConfigApply{Document: jobless, Prune: true, Force: true}))(t)
	if jobs := must(r.Jobs(ctx))(t); len(jobs) != 0 {
		t.Errorf("pruned, there are %+v", jobs)
	}
	eventually(t, "what it held is let go of", func() bool {
		all := append(must(c.at(r.path("a")).Snapshots(ctx))(t), must(c.at(replicas+"/a").Snapshots(ctx))(t)...)
		return !slices.ContainsFunc(all, func(s stream.Snapshot) bool { return s.Bookmark || len(s.Holds) > 0 })
	})
	for _, do := range []func() error{
		func() error { _, err := r.Job(ctx, "local"); return err },
		func() error { _, err := r.RunJob(ctx, "local", job.Ask{}); return err },
		func() error { _, err := r.PauseJob(ctx, "local"); return err },
		func() error { _, err := r.CancelJob(ctx, "local"); return err },
		func() error { _, err := r.JobHistory(ctx, "local"); return err },
		func() error { _, err := r.ExplainJob(ctx, "local"); return err },
		func() error { _, err := r.PruneJob(ctx, "local", JobPrune{}); return err },
		func() error { _, err := r.DeleteJob(ctx, "local", JobDelete{}); return err },
	} {
		wantProblem(t, do(), "no job", "lunar job list")
	}
}

// What a job holds of its volumes goes with it; a peer that it goes to stays until then.
func TestDeleteJob(t *testing.T) {
	s := newTwosome(t)
	ctx := t.Context()
	s.run()
	holds := func(c *copies, path string) (tags []string) {
		for _, snapshot := range must(c.at(path).Snapshots(ctx))(t) {
			tags = append(tags, snapshot.Holds...)
		}
		return tags
	}
	if len(holds(&s.source, s.main.path("vm1.img"))) == 0 || len(holds(&s.there, s.replica)) == 0 {
		t.Error("nothing is held")
	}
	_, err := s.main.DeletePeer(ctx, "dr")
	wantProblem(t, err, "nightly")
	must(s.main.DeleteJob(ctx, "nightly", JobDelete{}))(t)
	if left := append(holds(&s.source, s.main.path("vm1.img")), holds(&s.there, s.replica)...); len(left) > 0 {
		t.Errorf("%q are held", left)
	}
	must(s.main.DeletePeer(ctx, "dr"))(t)
}

// A site pulls what it may read, with the configuration, takes over, and gives back.
func TestPull(t *testing.T) {
	t.Parallel()
	s := newTwosome(t)
	ctx := t.Context()
	must(s.main.DeleteJob(ctx, "nightly", JobDelete{}))(t)
	pulls := job.Job{Name: "nightly", Peer: "main", Pull: true, Root: strings.TrimSuffix(s.other.path(""), "/"), Retry: job.Retry{Times: -1},
		Volumes: []job.Volume{{Source: unitNames + s.unit.GUID, Replica: "replica.img"}}}
	must(s.other.CreateJob(ctx, pulls))(t)
	if _, err := s.other.d.finalRun(ctx, "nightly"); err == nil || !strings.Contains(err.Error(), "--source") {
		t.Errorf("what it may not read: %v", err)
	}
	must(s.main.ModifyPeer(ctx, "dr", PeerModify{Sources: &[]string{unitNames}}))(t)
	host := must(s.main.dial(drHost, iqnA, 1, nil))(t)
	fill(t, host, 0xA1)
	must(s.other.d.finalRun(ctx, "nightly"))(t)
	if site := must(s.other.Site(ctx, "nightly"))(t); site.Peer != "main" || len(site.Volumes) != 1 || site.Volumes[0].Replica != s.replica {
		t.Errorf("what went along is %+v", site)
	}
	fill(t, host, 0xA2)

	began := must(s.other.FailoverDR(ctx, DRFailover{Job: "nightly", Force: true}))(t)
	if info := s.settled(began.Name); info.Phase != drActive || info.Problem != "" {
		t.Fatalf("failed over: %+v", info)
	}
	there := must(s.other.dial(drHost, iqnA, 1, nil))(t)
	wantFilled(t, there, 0xA2)
	fill(t, there, 0xB1)
	_, err := s.other.RunJob(ctx, "nightly", job.Ask{})
	wantProblem(t, err, "lunar dr failback nightly")
	if u := must(s.main.Unit(ctx, s.unit.GUID))(t); u.State != UnitRetired || !must(s.other.Job(ctx, "nightly"))(t).Paused {
		t.Errorf("the original is %+v", u)
	}
	must(s.other.FailbackDR(ctx, DRFailback{Job: "nightly", Force: true}))(t)
	if info := s.settled(began.Name); info.Phase != DREnded {
		t.Fatalf("failed back: %+v", info)
	}
	if u := must(s.main.Unit(ctx, s.unit.GUID))(t); u.State != UnitOnline || must(s.other.Job(ctx, "nightly"))(t).Paused {
		t.Errorf("the original is %+v", u)
	}
	wantFilled(t, must(s.main.dial(drHost, iqnA, 2, nil))(t), 0xB1)
	must(s.other.d.finalRun(ctx, "nightly"))(t)
}

// A snapshot of several volumes is on all of them or on none.
func TestTakeTogether(t *testing.T) {
	var c copies
	r := start(t, func(o *Options) { o.openVolume = c.open })
	ctx := t.Context()
	var names []string
	for _, name := range []string{"a", "b", "c"} {
		u := r.createUnit(UnitCreate{Path: r.path(name)})
		names = append(names, unitNames+u.GUID)
	}
	must(r.OfflineUnit(ctx, names[1][3:], UnitTakeOffline{}))(t)
	snapshots := func() (n int) {
		for _, name := range []string{"a", "b", "c"} {
			n += len(must(c.at(r.path(name)).Snapshots(ctx))(t))
		}
		return n
	}
	still := must(r.d.takeTogether(ctx, names, "one"))(t)
	if n := snapshots(); n != 3 || still <= 0 || still > standLimit {
		t.Errorf("%d snapshots were taken, and writes stood still for %v", n, still)
	}
	must(c.at(r.path("c")).Take(ctx, "two"))(t)
	if _, err := r.d.takeTogether(ctx, names, "two"); err == nil {
		t.Error("two were taken under one name")
	}
	if n := snapshots(); n != 4 {
		t.Errorf("%d snapshots are there, want those of before", n)
	}
	if _, err := r.d.takeTogether(ctx, []string{"lu:nothing"}, "x"); !isMissing(err) {
		t.Errorf("of a unit that is not there: %v", err)
	}
}
