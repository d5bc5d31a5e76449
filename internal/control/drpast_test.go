package control

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/lunarsan/lunar/stream"
	"github.com/lunarsan/lunar/stream/job"
)

// namesOf are the names of the snapshots of a volume.
func namesOf(r *rig, path string) (names []string) {
	r.t.Helper()
	v := must(r.d.opts.openVolume(path))(r.t)
	for _, s := range must(v.Snapshots(r.t.Context()))(r.t) {
		if !s.Bookmark {
			names = append(names, s.Name)
		}
	}
	return names
}

// What hosts have written last is no good. They go on from a snapshot before that, nothing is lost of what is
// newer at the site of the replicas, and what was written since goes back.
func TestFailoverToPast(t *testing.T) {
	t.Parallel()
	t.Run("files", func(t *testing.T) {
		s := &twosome{t: t, main: start(t, anyPort), other: start(t, anyPort)}
		s.replicate()
		bad := s.failToPast()
		s.run() // the bookmark of it is enough
		if names := namesOf(s.other, s.replica); !slices.Contains(names, bad) {
			t.Errorf("the replica has %q", names)
		}
		if v := must(s.main.VerifyJob(t.Context(), "nightly"))(t); !v[0].Verdict.Same() {
			t.Errorf("verified %+v", v)
		}
	})
	t.Run("rollback takes bookmarks", func(t *testing.T) { // as with ZFS
		s := newTwosome(t)
		bad := s.failToPast()
		if _, err := s.main.d.finalRun(t.Context(), "nightly"); err == nil || !strings.Contains(err.Error(), bad) {
			t.Errorf("a run goes past what is newer: %v", err)
		}
		must(s.main.RunJob(t.Context(), "nightly", job.Ask{Rollback: true}))(t)
		eventually(t, "the replica follows", func() bool { return !slices.Contains(namesOf(s.other, s.replica), bad) })
		s.run()
	})
}

// failToPast fails over to the first of two snapshots, and back, and returns the other.
func (s *twosome) failToPast() (bad string) {
	t, ctx := s.t, s.t.Context()
	t.Helper()
	host := must(s.main.dial(drHost, iqnA, 1, nil))(t)
	fill(t, host, 0xA1)
	good := s.run()
	fill(t, host, 0xEE)
	if _, sense := perform(t, host, 5, bytes.Repeat([]byte{0xEF}, 512), 0x2A, 0, 0, 0, 1, 0, 0, 0, 1, 0); sense != 0 { // where nobody writes again
		t.Fatalf("writing: %v", sense)
	}
	bad = s.run()

	_, err := s.other.FailoverDR(ctx, DRFailover{Job: "nightly", Snapshot: "none"})
	wantProblem(t, err, "none")
	plan := must(s.other.FailoverDR(ctx, DRFailover{Job: "nightly", Snapshot: good, DryRun: true}))(t)
	text := strings.Join(plan.Plan, "\n")
	for _, want := range []string{"clone " + s.replica + "@" + good, "leave out what is in " + s.replica + "@" + bad, "at main: stop job nightly"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not in the plan:\n%s", want, text)
		}
	}
	if strings.Contains(text, "once more") {
		t.Errorf("the job runs once more:\n%s", text)
	}

	// It stops when the clone was made, and goes on.
	open := s.other.d.opts.openVolume
	s.other.d.opts.openVolume = func(name string) (stream.Volume, error) {
		if strings.Contains(name, plan.Name) {
			return nil, errBroken
		}
		return open(name)
	}
	must(s.other.FailoverDR(ctx, DRFailover{Job: "nightly", Snapshot: good, Force: true}))(t)
	if info := s.settled(plan.Name); info.Phase != drPromoting || !strings.Contains(info.Problem, errBroken.Error()) {
		t.Fatalf("it is %+v", info)
	}
	s.other.d.opts.openVolume = open
	_, err = s.other.FailoverDR(ctx, DRFailover{Job: "nightly", Snapshot: bad})
	wantProblem(t, err, good)
	must(s.other.FailoverDR(ctx, DRFailover{Job: "nightly"}))(t)
	info := s.settled(plan.Name)
	if info.Phase != drActive || info.Snapshot != good || info.Units[0].Path == s.replica {
		t.Fatalf("failed over: %+v", info)
	}
	if u := must(s.main.Unit(ctx, s.unit.GUID))(t); u.State != UnitRetired {
		t.Errorf("the original is %+v", u)
	}
	there := must(s.other.dial(drHost, iqnA, 1, nil))(t)
	wantFilled(t, there, 0xA1)
	fill(t, there, 0xB1)
	s.other.restart()
	must(s.main.ModifyPeer(ctx, "dr", PeerModify{Address: new(s.other.address())}))(t)

	plan = must(s.other.FailbackDR(ctx, DRFailback{Job: "nightly", DryRun: true}))(t)
	text = strings.Join(plan.Plan, "\n")
	for _, want := range []string{"what has changed since " + good, "give up snapshot " + bad, "throw the clone of " + s.replica + " away", "lunar job run nightly --rollback"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not in the plan:\n%s", want, text)
		}
	}
	must(s.other.FailbackDR(ctx, DRFailback{Job: "nightly", Force: true}))(t)
	if info := s.settled(plan.Name); info.Phase != DREnded {
		t.Fatalf("failed back: %+v", info)
	}
	host = must(s.main.dial(drHost, iqnA, 2, nil))(t)
	wantFilled(t, host, 0xB1)
	if names := namesOf(s.main, s.main.path("vm1.img")); slices.Contains(names, bad) || !slices.Contains(names, good) {
		t.Errorf("the original has %q", names)
	}
	if names := namesOf(s.other, s.replica); !slices.Contains(names, bad) {
		t.Errorf("the replica has %q", names)
	}
	for _, snapshot := range must(must(s.other.d.opts.openVolume(s.replica))(t).Snapshots(ctx))(t) {
		if len(snapshot.Clones) > 0 {
			t.Errorf("%s has the clones %q", snapshot.Name, snapshot.Clones)
		}
	}
	return bad
}
