package control

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/lunarsan/lunar/stream"
	"github.com/lunarsan/lunar/stream/job"
	"github.com/lunarsan/lunar/target/iscsi/initiator"
)

// A twosome is two sites: main has a unit that a job replicates to other.
type twosome struct {
	t             *testing.T
	main, other   *rig
	source, there copies
	replica       string
	unit          UnitInfo
}

func newTwosome(t *testing.T) *twosome {
	t.Helper()
	s := &twosome{t: t}
	s.main = start(t, func(o *Options) { anyPort(o); o.openVolume = s.source.open })
	s.other = start(t, func(o *Options) { anyPort(o); o.openVolume = s.there.open })
	s.replicate()
	return s
}

// replicate makes the unit and the job.
func (s *twosome) replicate() {
	t, ctx := s.t, s.t.Context()
	t.Helper()
	befriend(t, s.main, s.other, PeerCreate{Roots: []string{s.other.path("")}})
	s.replica = s.other.path("replica.img")
	s.unit = must(s.main.CreateUnit(ctx, UnitCreate{Path: s.main.path("vm1.img"), Size: 1 << 20, Alias: "vm1", LUN: new(5)}))(t)
	must(s.main.CreateTarget(ctx, TargetCreate{Name: iqnA}))(t)
	must(s.main.CreateJob(ctx, job.Job{Name: "nightly", Peer: "dr", Root: strings.TrimSuffix(s.other.path(""), "/"), History: true, Retry: job.Retry{Times: -1},
		Volumes: []job.Volume{{Source: unitNames + s.unit.GUID, Replica: "replica.img"}}}))(t)
}

func (s *twosome) run() string {
	s.t.Helper()
	return must(s.main.d.finalRun(s.t.Context(), "nightly"))(s.t)
}

// fillAt writes a block of the unit at a LUN through iSCSI, and wantAt reads it.
func fillAt(t *testing.T, c *initiator.Conn, lun int, with byte) {
	t.Helper()
	if _, sense := perform(t, c, lun, bytes.Repeat([]byte{with}, 512), 0x2A, 0, 0, 0, 0, 3, 0, 0, 1, 0); sense != 0 {
		t.Fatalf("writing: %v", sense)
	}
}

func wantAt(t *testing.T, c *initiator.Conn, lun int, with byte) {
	t.Helper()
	if b, sense := perform(t, c, lun, nil, 0x28, 0, 0, 0, 0, 3, 0, 0, 1, 0); sense != 0 || len(b) == 0 || b[0] != with {
		t.Errorf("read %x %v, want %x", b[:min(len(b), 4)], sense, with)
	}
}

func fill(t *testing.T, c *initiator.Conn, with byte) {
	t.Helper()
	ready(t, c, 5)
	fillAt(t, c, 5, with)
}

func wantFilled(t *testing.T, c *initiator.Conn, with byte) {
	t.Helper()
	ready(t, c, 5)
	wantAt(t, c, 5, with)
}

// settled waits until nothing is done any more with the failover, and returns it.
func (s *twosome) settled(name string) (info DRInfo) {
	s.t.Helper()
	eventually(s.t, "the failover settles", func() bool {
		var err error
		info, err = s.other.DR(s.t.Context(), name)
		if isMissing(err) {
			info = DRInfo{Phase: DREnded}
			return true
		}
		if err != nil {
			s.t.Fatal(err)
		}
		return !info.Busy
	})
	return info
}

// The replicas take the place of the originals with what was written last, and give it back with what
// was written meanwhile.
func TestFailoverAndBack(t *testing.T) {
	t.Parallel()
	s := newTwosome(t)
	ctx := t.Context()
	host := must(s.main.dial(drHost, iqnA, 1, nil))(t)
	fill(t, host, 0xA1)
	first := s.run()
	fill(t, host, 0xA2) // after the last run
	host.Close()
	eventually(t, "the host has gone", func() bool { return len(must(s.main.Sessions(ctx))(t)) == 0 })

	plan := must(s.other.FailoverDR(ctx, DRFailover{Job: "nightly", DryRun: true}))(t)
	if len(plan.Plan) < 4 || len(plan.Risks) > 0 {
		t.Errorf("the plan is %q %q", plan.Plan, plan.Risks)
	}
	began := must(s.other.FailoverDR(ctx, DRFailover{Job: "nightly"}))(t)
	info := s.settled(began.Name)
	if info.Phase != drActive || info.Snapshot == first || info.Problem != "" {
		t.Fatalf("failed over: %+v", info)
	}
	if u := must(s.main.Unit(ctx, s.unit.GUID))(t); u.State != UnitRetired || !must(s.main.Job(ctx, "nightly"))(t).Paused {
		t.Errorf("the original is %+v", u)
	}
	if u := must(s.other.Unit(ctx, s.unit.GUID))(t); u.State != UnitOnline || u.Alias != "vm1" || u.lowestLUN() != 5 || u.Path != s.replica {
		t.Errorf("the unit that took over is %+v", u)
	}
	there := must(s.other.dial(drHost, iqnA, 1, nil))(t)
	wantFilled(t, there, 0xA2)
	fill(t, there, 0xB1)
	if _, err := s.main.d.finalRun(ctx, "nightly"); err == nil || !strings.Contains(err.Error(), "taken the place") {
		t.Errorf("the job goes on: %v", err)
	}
	_, err := s.other.FailoverDR(ctx, DRFailover{Job: "nightly"})
	wantProblem(t, err, "already")
	_, err = s.other.EndDR(ctx, info.Name, DREnd{})
	wantProblem(t, err, "lunar dr failback")

	_, err = s.other.FailbackDR(ctx, DRFailback{Job: "nightly"})
	wantProblem(t, err, "in use", "--force")
	back := must(s.other.FailbackDR(ctx, DRFailback{Job: "nightly", DryRun: true}))(t)
	if len(back.Plan) < 4 || len(back.Risks) != 3 { // the unit is in use, the target too, and a snapshot goes
		t.Errorf("the plan back is %q %q", back.Plan, back.Risks)
	}
	must(s.other.FailbackDR(ctx, DRFailback{Job: "nightly", Force: true}))(t)
	if info := s.settled(began.Name); info.Phase != DREnded {
		t.Fatalf("failed back: %+v", info)
	}
	if u := must(s.main.Unit(ctx, s.unit.GUID))(t); u.State != UnitOnline || must(s.main.Job(ctx, "nightly"))(t).Paused {
		t.Errorf("the original is %+v", u)
	}
	if units := must(s.other.Units(ctx))(t); len(units) > 0 {
		t.Errorf("left behind %+v", units)
	}
	wantFilled(t, must(s.main.dial(drHost, iqnA, 2, nil))(t), 0xB1)
	s.run() // the chain is whole
}

// A site that has failed is not asked: what it had is told, and it is told what it gives up when it is back.
func TestFailoverAlone(t *testing.T) {
	s := newTwosome(t)
	ctx := t.Context()
	first := s.run()
	s.main.end()
	_, err := s.other.FailoverDR(ctx, DRFailover{Job: "nightly"})
	wantProblem(t, err, "does not answer", first, "--force")
	plan := must(s.other.FailoverDR(ctx, DRFailover{Job: "nightly", NoSource: true, DryRun: true}))(t)
	if len(plan.Warnings) == 0 || !strings.Contains(strings.Join(plan.Warnings, " "), first) {
		t.Errorf("warnings %q", plan.Warnings)
	}
	must(s.other.FailoverDR(ctx, DRFailover{Job: "nightly", NoSource: true}))(t)
	if info := s.settled(plan.Name); info.Phase != drActive {
		t.Fatalf("failed over: %+v", info)
	}
	_, err = s.other.FailbackDR(ctx, DRFailback{Job: "nightly"})
	wantProblem(t, err, "does not answer")
	fill(t, must(s.other.dial(drHost, iqnA, 1, nil))(t), 0xB1)

	s.main.run() // it comes back, and does not know
	must(s.other.ModifyPeer(ctx, "main", PeerModify{Address: new(s.main.address())}))(t)
	must(s.source.at(s.main.path("vm1.img")).Take(ctx, "of-its-own"))(t)
	plan = must(s.other.FailbackDR(ctx, DRFailback{Job: "nightly", DryRun: true}))(t)
	if !strings.Contains(strings.Join(plan.Plan, "\n"), "give up snapshot of-its-own") {
		t.Errorf("the plan back is %q", plan.Plan)
	}
	must(s.other.FailbackDR(ctx, DRFailback{Job: "nightly", Force: true}))(t)
	if info := s.settled(plan.Name); info.Phase != DREnded {
		t.Fatalf("failed back: %+v", info)
	}
	wantFilled(t, must(s.main.dial(drHost, iqnA, 2, nil))(t), 0xB1)
}

// What fails before anything was done here goes back; what fails later is gone on with.
func TestFailoverStops(t *testing.T) {
	t.Parallel()
	s := newTwosome(t)
	ctx := t.Context()
	first := s.run()
	main := s.source.at(s.main.path("vm1.img"))
	main.fail = func(what string) error {
		if what == "send" {
			return errBroken
		}
		return nil
	}
	began := must(s.other.FailoverDR(ctx, DRFailover{Job: "nightly"}))(t)
	info := s.settled(began.Name)
	if info.Phase != drFailed || !strings.Contains(info.Problem, "broken") || !strings.Contains(info.Problem, "--no-source") {
		t.Fatalf("it is %+v", info)
	}
	if u := must(s.main.Unit(ctx, s.unit.GUID))(t); u.State != UnitOnline || must(s.main.Job(ctx, "nightly"))(t).Paused {
		t.Errorf("the original is %+v", u)
	}
	main.fail = nil

	// What stops while it promotes is gone on with by the next daemon.
	there := s.there.at(s.replica)
	there.fail = func(what string) error {
		if what == "abandon" {
			return errBroken
		}
		return nil
	}
	must(s.other.FailoverDR(ctx, DRFailover{Job: "nightly"}))(t)
	if info = s.settled(began.Name); info.Phase != drPromoting || info.Problem == "" || info.Snapshot == first {
		t.Fatalf("it is %+v", info)
	}
	if err := s.other.d.promoted(s.replica); !errors.Is(err, stream.ErrForbidden) {
		t.Errorf("receiving into it: %v", err)
	}
	there.fail = nil
	s.other.crash()
	eventually(t, "the failover goes on", func() bool {
		info := must(s.other.DR(ctx, began.Name))(t)
		return info.Phase == drActive && info.Problem == ""
	})
	if u := must(s.other.Unit(ctx, s.unit.GUID))(t); u.State != UnitOnline {
		t.Errorf("the unit is %+v", u)
	}
}

// A failback that stops says why, hosts go on here meanwhile, and it goes on when it is asked for again.
func TestFailbackStops(t *testing.T) {
	t.Parallel()
	s := newTwosome(t)
	ctx := t.Context()
	s.run()
	began := must(s.other.FailoverDR(ctx, DRFailover{Job: "nightly"}))(t)
	if info := s.settled(began.Name); info.Phase != drActive {
		t.Fatalf("failed over: %+v", info)
	}
	main := s.source.at(s.main.path("vm1.img"))
	main.fail = func(what string) error {
		if what == "receive" {
			return errBroken
		}
		return nil
	}
	must(s.other.FailbackDR(ctx, DRFailback{Job: "failover-nightly"}))(t)
	info := s.settled(began.Name)
	if info.Phase != drReturning || !strings.Contains(info.Problem, "broken") {
		t.Fatalf("it is %+v", info)
	}
	if alarms := strings.Join(must(s.other.Status(ctx))(t).Alarms, "\n"); !strings.Contains(alarms, began.Name) {
		t.Errorf("alarms %q", alarms)
	}
	there := must(s.other.dial(drHost, iqnA, 1, nil))(t)
	fill(t, there, 0xB2)
	there.Close()
	main.fail = nil
	s.other.restart()
	must(s.other.ModifyPeer(ctx, "main", PeerModify{Address: new(s.main.address())}))(t)
	must(s.other.FailbackDR(ctx, DRFailback{Job: "nightly", Force: true}))(t)
	if info := s.settled(began.Name); info.Phase != DREnded {
		t.Fatalf("failed back: %+v", info)
	}
	wantFilled(t, must(s.main.dial(drHost, iqnA, 2, nil))(t), 0xB2)
}

// Replicas of several units are of one instant, unless a run has failed in the middle: that is told,
// and nothing else is.
func TestFailoverOfSeveral(t *testing.T) {
	t.Parallel()
	s := newTwosome(t)
	ctx := t.Context()
	second := must(s.main.CreateUnit(ctx, UnitCreate{Path: s.main.path("vm2.img"), Size: 1 << 20}))(t)
	j := must(s.main.Job(ctx, "nightly"))(t).Job
	j.Volumes = append(j.Volumes, job.Volume{Source: unitNames + second.GUID, Replica: "second.img"})
	must(s.main.ReplaceJob(ctx, "nightly", j))(t)
	s.run()
	alone := DRFailover{Job: "nightly", NoSource: true, DryRun: true}
	if plan := must(s.other.FailoverDR(ctx, alone))(t); len(plan.Risks) > 0 || len(plan.Units) != 2 {
		t.Errorf("the plan is %+v", plan)
	}
	s.source.at(s.main.path("vm2.img")).fail = func(what string) error {
		if what == "send" {
			return errBroken
		}
		return nil
	}
	if _, err := s.main.d.finalRun(ctx, "nightly"); err == nil {
		t.Error("the run has not failed")
	}
	plan := must(s.other.FailoverDR(ctx, alone))(t)
	if len(plan.Risks) != 1 || !strings.Contains(plan.Risks[0], s.replica+" has snapshot nightly-") {
		t.Errorf("risks %q", plan.Risks)
	}
}

// What the account at the other site may not do yet is told before a failover, and stops a failback before anything is done.
func TestFailbackNotAllowed(t *testing.T) {
	t.Parallel()
	s := newTwosome(t)
	ctx := t.Context()
	s.run()
	main := s.source.at(s.main.path("vm1.img"))
	main.lacks = []string{"create", "receive"}
	plan := must(s.other.FailoverDR(ctx, DRFailover{Job: "nightly", DryRun: true}))(t)
	if told := strings.Join(plan.Warnings, "\n"); !strings.Contains(told, "lacks the permissions create, receive") || len(plan.Risks) > 0 {
		t.Errorf("warnings %q, risks %q", told, plan.Risks)
	}
	must(s.other.FailoverDR(ctx, DRFailover{Job: "nightly"}))(t)
	if info := s.settled(plan.Name); info.Phase != drActive {
		t.Fatalf("failed over: %+v", info)
	}
	_, err := s.other.FailbackDR(ctx, DRFailback{Job: "nightly", DryRun: true})
	wantProblem(t, err, "cannot take lu:"+s.unit.GUID+" back yet", "lacks the permissions create, receive", "zfs allow -u lunar")
	if info := s.settled(plan.Name); info.Phase != drActive {
		t.Errorf("it is %+v", info)
	}
}

// The site of the originals takes its units back by itself when the other is no more.
func TestReclaim(t *testing.T) {
	t.Parallel()
	s := newTwosome(t)
	ctx := t.Context()
	s.run()
	_, err := s.main.ReclaimDR(ctx, "nightly")
	wantProblem(t, err, "nightly", "lunar dr list")
	began := must(s.other.FailoverDR(ctx, DRFailover{Job: "nightly"}))(t)
	if info := s.settled(began.Name); info.Phase != drActive {
		t.Fatalf("failed over: %+v", info)
	}
	_, err = s.main.RunJob(ctx, "nightly", job.Ask{})
	wantProblem(t, err, "taken over by dr")
	_, err = s.main.EndDR(ctx, "nightly", DREnd{})
	wantProblem(t, err, "lunar dr reclaim")
	must(s.main.ReclaimDR(ctx, "nightly"))(t)
	if u := must(s.main.Unit(ctx, s.unit.GUID))(t); u.State != UnitOnline || must(s.main.Job(ctx, "nightly"))(t).Paused {
		t.Errorf("the original is %+v", u)
	}
}
