package job

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lunarsan/lunar/stream"
	"github.com/lunarsan/lunar/stream/retain"
)

// pass lets time pass.
func pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

func (r *rig) status(runner *Runner, job string) Status {
	r.Helper()
	s, err := runner.Status(job)
	if err != nil {
		r.Fatal(err)
	}
	return s
}

// TestSlowLink has sending take five hours and more. Snapshots are taken every hour all the same,
// and all arrive.
func TestSlowLink(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.add("", "tank/vm1")
		r.setFault(func(peer, call string, done bool) error {
			if peer == "site" && call == "receive" && done && time.Since(time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)) < 90*time.Minute {
				time.Sleep(5 * time.Hour)
			}
			return nil
		})
		runner := r.start(vm1())
		pass(4*time.Hour + time.Minute)
		if n := len(r.names("", "tank/vm1", "offsite")); n != 4 {
			t.Errorf("there are %d snapshots", n)
		}
		s := r.status(runner, "offsite")
		if s.Running == nil || s.Running.Number != 1 || s.Last != nil {
			t.Errorf("%+v, %+v", s.Running, s.Last)
		}
		pass(4 * time.Hour)
		r.has("site", "backup/vm1", "offsite", r.names("", "tank/vm1", "offsite"))
		runs, err := runner.History("offsite")
		if err != nil {
			t.Fatal(err)
		}
		left := 0
		for _, run := range runs {
			if run.Left {
				left++
			}
			if !run.OK() || run.Snapshot == "" || run.Ended.IsZero() {
				t.Errorf("%+v", run)
			}
		}
		if left == 0 || r.status(runner, "offsite").Last.Left {
			t.Errorf("%d of %d runs were left to the next", left, len(runs))
		}
	})
}

// TestSlowBegin has some runs a second, whose snapshots are taken late.
func TestSlowBegin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.slow = 700 * time.Millisecond
		r.add("", "tank/vm1")
		j := vm1()
		j.Schedules = nil
		runner := r.start(j)
		for range 4 {
			if _, err := runner.Run(t.Context(), "offsite", Ask{}); err != nil {
				t.Fatal(err)
			}
		}
		pass(time.Minute)
		runs, err := runner.History("offsite")
		if err != nil || len(runs) != 4 {
			t.Fatalf("%d runs, %v", len(runs), err)
		}
		for _, run := range runs {
			if !run.OK() {
				t.Errorf("run %d: %+v", run.Number, run.Problem)
			}
		}
	})
}

// TestOneFails has one job of three fail in each of its runs.
func TestOneFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.add("", "tank/vm1")
		r.setDown("far", errors.New("no route to host"))
		bad, here, all := vm1(), vm1(), vm1()
		all.History = true // whichever of the jobs comes first
		bad.Name, bad.Peer, bad.Retry, bad.RPO = "bad", "far", Retry{Times: 2}, retain.Span(90*time.Minute)
		here.Name, here.Peer, here.Root, here.Keep = "here", "", "", retain.Rule{Last: 2}
		runner := r.start(bad, here, all)
		pass(5*time.Hour + 10*time.Minute)
		r.has("site", "backup/vm1", "offsite", r.names("", "tank/vm1", "offsite"))
		if n := len(r.names("", "tank/vm1", "here")); n != 2 {
			t.Errorf("%d snapshots are kept, want 2", n)
		}
		s := r.status(runner, "bad")
		if s.Failures != 5 || !s.Late || s.Last.OK() || !strings.Contains(s.Last.Problem.Says, "no route") {
			t.Errorf("%+v", s)
		}
		for _, name := range []string{"here", "offsite"} {
			if s := r.status(runner, name); s.Failures != 0 || s.Late || !s.Last.OK() || s.LastGood.IsZero() {
				t.Errorf("%+v", s)
			}
		}
	})
}

func TestPause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.add("", "tank/vm1")
		runner := r.start(vm1())
		pass(90 * time.Minute)
		check := func(want int) {
			t.Helper()
			if n := len(r.names("site", "backup/vm1", "offsite")); n != want {
				t.Errorf("there are %d, want %d", n, want)
			}
		}
		check(1)
		if err := runner.Pause("offsite"); err != nil {
			t.Fatal(err)
		}
		pass(10 * time.Hour)
		check(1)
		if s := r.status(runner, "offsite"); !s.Paused || !s.Next.IsZero() {
			t.Errorf("%+v", s)
		}
		if n, err := runner.Run(t.Context(), "offsite", Ask{}); n != 2 || err != nil {
			t.Errorf("run %d, %v", n, err)
		}
		pass(time.Minute)
		check(2)
		runner.Close()
		runner = r.start(vm1()) // it is remembered
		pass(10 * time.Hour)
		check(2)
		if err := runner.Resume("offsite"); err != nil {
			t.Fatal(err)
		}
		pass(time.Minute)
		check(2)
		pass(time.Hour)
		check(3)
	})
}

// TestMissedFirst has the machine go off before the first run of a job, and on behind it.
func TestMissedFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.add("", "tank/vm1")
		runner := r.start(vm1())
		pass(30 * time.Minute)
		runner.Close()
		pass(50 * time.Minute)
		runner = r.start(vm1())
		pass(time.Minute)
		if last := r.status(runner, "offsite").Last; last == nil || last.Trigger != Missed {
			t.Errorf("%+v", last)
		}
	})
}

// TestAsked follows a run from outside, gives it up, and has its way out taken.
func TestAsked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.add("", "tank/vm1")
		slow := time.Duration(0)
		r.setFault(func(peer, call string, done bool) error {
			if call == "read" {
				time.Sleep(slow)
			}
			return nil
		})
		j := vm1()
		j.Schedules = nil
		runner := r.start(j)
		ask := func(a Ask) Run {
			t.Helper()
			n, err := runner.Run(t.Context(), "offsite", a)
			if err != nil {
				t.Fatal(err)
			}
			pass(time.Hour)
			last := r.status(runner, "offsite").Last
			if last == nil || last.Number != n || last.Trigger != Asked {
				t.Fatalf("of run %d: %+v", n, last)
			}
			return *last
		}
		if run := ask(Ask{}); !run.OK() || run.Snapshot == "" || run.Still != time.Millisecond || run.Bytes() == 0 {
			t.Errorf("%+v", run)
		}
		if run := ask(Ask{NoTake: true}); !run.OK() || run.Snapshot != "" || run.Bytes() != 0 {
			t.Errorf("%+v", run)
		}

		slow = time.Minute
		if _, err := runner.Run(t.Context(), "offsite", Ask{}); err != nil {
			t.Fatal(err)
		}
		pass(90 * time.Second)
		s := r.status(runner, "offsite")
		if s.Running == nil || s.Running.Percent <= 0 || s.Running.Volumes["tank/vm1"].Bytes == 0 {
			t.Errorf("%+v", s.Running)
		}
		if err := runner.Cancel("offsite"); err != nil {
			t.Fatal(err)
		}
		pass(time.Minute)
		if s := r.status(runner, "offsite"); s.Running != nil || s.Last.OK() || !strings.Contains(s.Last.Volumes[0].Problem.Says, "cancel") {
			t.Errorf("%+v, %+v", s.Running, s.Last)
		}
		slow = 0

		if _, err := r.volume("site", "backup/vm1").Take(t.Context(), "mine"); err != nil {
			t.Fatal(err)
		}
		run := ask(Ask{})
		if p := run.Volumes[0].Problem; run.OK() || p.Flag != "--rollback" || !strings.Contains(p.Way, "--rollback gives up mine") {
			t.Errorf("%+v", p)
		}
		if run := ask(Ask{Rollback: true}); !run.OK() {
			t.Errorf("%+v", run)
		}
		if names := r.names("site", "backup/vm1", "mine"); len(names) > 0 {
			t.Errorf("%q", names)
		}
		for _, call := range []func(string) error{runner.Pause, runner.Cancel, runner.Remove} {
			if err := call("other"); !errors.Is(err, ErrNoJob) {
				t.Error(err)
			}
		}
	})
}

// TestRemove ends a job at any moment of a run, and its traces with it.
func TestRemove(t *testing.T) {
	for _, call := range []string{"snapshots", "hold", "read", "receive", "bookmark", "release", "partial"} {
		for _, end := range []func(*Runner) error{
			func(r *Runner) error { return r.Delete(t.Context(), "offsite", false) },
			func(r *Runner) error { return r.Remove("offsite") },
		} {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t)
				r.add("", "tank/vm1")
				runner := r.start(vm1())
				pass(90 * time.Minute)
				r.setFault(func(_, now string, done bool) error {
					switch now {
					case call:
						time.Sleep(time.Minute)
					case "unbookmark": // the run has time to go on while it is being forgotten
						time.Sleep(10 * time.Minute)
					}
					return nil
				})
				pass(30*time.Minute + time.Second)
				if r.status(runner, "offsite").Running == nil {
					t.Fatal("no run is under way")
				}
				if err := end(runner); err != nil {
					t.Fatal(err)
				}
				pass(10 * time.Hour)
				if n := len(r.names("", "tank/vm1", "offsite")); n != 2 {
					t.Errorf("there are %d snapshots, want 2", n)
				}
				r.traceless(call)
			})
		}
	}
}

// traceless fails the test where a volume has holds or bookmarks.
func (r *rig) traceless(after string) {
	r.Helper()
	for _, v := range []stream.Volume{r.volume("", "tank/vm1"), r.volume("site", "backup/vm1")} {
		r.unheld(v, after)
	}
}

func (r *rig) unheld(v stream.Volume, after string) {
	r.Helper()
	all, err := v.Snapshots(r.Context())
	if err != nil {
		r.Fatal(err)
	}
	for _, s := range all {
		if s.Bookmark || len(s.Holds) > 0 {
			r.Errorf("after %s, %s has %+v", after, v.Name(), s)
		}
	}
}

// TestMoved has the replicas be elsewhere, in the middle of a run: those of before are held no more,
// and there is none yet.
func TestMoved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.add("", "tank/vm1")
		r.add("", "tank/vm2")
		j := vm1()
		j.Volumes = append(j.Volumes, Volume{Source: "tank/vm2"})
		runner := r.start(j)
		pass(2*time.Hour - time.Second)
		r.setFault(func(_, call string, _ bool) error {
			if call == "read" {
				time.Sleep(time.Minute)
			}
			return nil
		})
		pass(2 * time.Second)
		j.Root, j.Volumes = "elsewhere", j.Volumes[:1]
		if err := runner.Set(t.Context(), j); err != nil {
			t.Fatal(err)
		}
		if s := r.status(runner, "offsite"); s.Running == nil || s.Volumes[0].Replica != nil {
			t.Errorf("%+v, %+v", s.Running, s.Volumes)
		}
		pass(20 * time.Minute)
		for _, v := range []stream.Volume{r.volume("site", "backup/vm1"), r.volume("site", "backup/vm2"), r.volume("", "tank/vm2")} {
			r.unheld(v, "the move")
		}
		if s := r.status(runner, "offsite"); s.Running != nil || s.Volumes[0].Replica != nil {
			t.Errorf("%+v, %+v", s.Running, s.Volumes)
		}
		r.setFault(nil)
		pass(time.Hour)
		all, err := r.volume("", "tank/vm1").Snapshots(t.Context())
		if err != nil || len(all) != 4 || len(all[2].Holds) != 1 || !all[3].Bookmark {
			t.Errorf("the source has %+v, %v", all, err)
		}
		if s := r.status(runner, "offsite"); s.Volumes[0].Replica == nil || len(r.names("site", "elsewhere/vm1", "offsite")) != 1 {
			t.Errorf("%+v", s.Volumes)
		}
	})
}

// TestDeleteUnanswered has a job stay that cannot let go of what it holds, unless it is made to end.
func TestDeleteUnanswered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.add("", "tank/vm1")
		runner := r.start(vm1())
		pass(90 * time.Minute)
		r.setDown("site", errors.New("no route to host"))
		if err := runner.Delete(t.Context(), "offsite", false); err == nil || !strings.Contains(err.Error(), "no route") {
			t.Error(err)
		}
		r.setDown("site", nil)
		r.setFault(func(peer, call string, done bool) error {
			if peer == "site" && call == "release" {
				return errors.New("busy")
			}
			return nil
		})
		if err := runner.Delete(t.Context(), "offsite", false); err == nil || !strings.Contains(err.Error(), "busy") {
			t.Error(err)
		}
		r.setFault(nil)
		if all, err := r.volume("", "tank/vm1").Snapshots(t.Context()); err != nil || len(all) != 2 || len(all[0].Holds) != 1 || !all[1].Bookmark {
			t.Errorf("the source has %+v, %v", all, err)
		}
		pass(time.Hour)
		if s := r.status(runner, "offsite"); s.Last == nil || s.Last.Number != 2 || !s.Last.OK() {
			t.Errorf("it did not go on: %+v", s.Last)
		}
		r.setDown("site", errors.New("no route to host"))
		if err := runner.Delete(t.Context(), "offsite", true); err != nil {
			t.Error(err)
		}
		if _, err := runner.Status("offsite"); !errors.Is(err, ErrNoJob) {
			t.Error(err)
		}
	})
}

// TestOneDestination has two jobs send to one volume at the same time: they take turns.
func TestOneDestination(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.add("", "tank/vm1")
		receiving := 0
		r.setFault(func(peer, call string, done bool) error {
			if call != "receive" {
				return nil
			}
			if done {
				receiving--
				return nil
			}
			if receiving++; receiving > 1 {
				t.Error("two streams come at a time")
			}
			time.Sleep(time.Minute)
			return nil
		})
		one, other := vm1(), vm1()
		one.History, other.History, other.Name = true, true, "other" // whichever comes first
		r.start(one, other)
		pass(3*time.Hour + 30*time.Minute)
		for _, prefix := range []string{"offsite", "other"} {
			r.has("site", "backup/vm1", prefix, r.names("", "tank/vm1", prefix))
		}
		if says := r.failed(); len(says) > 0 {
			t.Error(says)
		}
	})
}

// TestUnsent has the link down for long: what was not sent stays for as long as the job says.
func TestUnsent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.add("", "tank/vm1")
		j := vm1()
		j.Keep, j.Unsent, j.Retry = retain.Rule{Last: 3}, retain.Span(10*time.Hour), Retry{Times: -1}
		r.start(j)
		pass(5*time.Hour + time.Minute)
		if n := len(r.names("", "tank/vm1", "offsite")); n != 3 {
			t.Errorf("%d are kept, want 3", n)
		}
		r.setDown("site", errors.New("down"))
		pass(8 * time.Hour)
		if n := len(r.names("", "tank/vm1", "offsite")); n != 8+1 {
			t.Errorf("%d are kept, want 8 that were not sent, and the newest that was", n)
		}
		pass(12 * time.Hour)
		if n := len(r.names("", "tank/vm1", "offsite")); n != 10+1 {
			t.Errorf("%d are kept, want 10 that were not sent, and the newest that was", n)
		}
		r.setDown("site", nil)
		pass(time.Hour)
		if n := len(r.names("", "tank/vm1", "offsite")); n != 3 {
			t.Errorf("%d are kept, want 3", n)
		}
	})
}

// forbidding has nobody destroy anything there.
func forbidding(peer, call string, done bool) error {
	if peer == "site" && call == "destroy" {
		return fmt.Errorf("it is append-only: %w", stream.ErrForbidden)
	}
	return nil
}

func TestForbiddenPrune(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.add("", "tank/vm1")
		r.setFault(forbidding)
		j := vm1()
		j.KeepThere = retain.Rule{Last: 1}
		runner := r.start(j)
		pass(3*time.Hour + time.Minute)
		last := r.status(runner, "offsite").Last
		if !last.OK() || len(last.Volumes[0].Notes) == 0 || !strings.Contains(last.Volumes[0].Notes[0], "append-only") {
			t.Errorf("%+v", last)
		}
		if n := len(r.names("site", "backup/vm1", "offsite")); n != 3 {
			t.Errorf("%d are there, want 3", n)
		}
	})
}

func TestAppendOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.add("", "tank/vm1")
		r.setFault(func(peer, call string, done bool) error {
			if peer == "site" && call == "destroy" {
				t.Error("it tries to destroy what is append-only")
			}
			return nil
		})
		j := vm1()
		j.AppendOnly, j.Keep = true, retain.Rule{Last: 1}
		runner := r.start(j)
		pass(5*time.Hour + time.Minute)
		if here, there := len(r.names("", "tank/vm1", "offsite")), len(r.names("site", "backup/vm1", "offsite")); here != 1 || there != 5 {
			t.Errorf("there are %d and %d, want 1 and 5", here, there)
		}
		if _, err := runner.Run(t.Context(), "offsite", Ask{Reseed: stream.Beside}); !errors.Is(err, stream.ErrForbidden) {
			t.Error(err)
		}
		if _, err := runner.Plan(t.Context(), "offsite", Ask{Rollback: true}); !errors.Is(err, stream.ErrForbidden) {
			t.Error(err)
		}
	})
}

// TestMissedTake goes on sending where no snapshot can be taken.
func TestMissedTake(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.add("", "tank/vm1")
		r.setFault(func(peer, call string, done bool) error {
			if call == "take" && !done {
				return stream.ErrSpace
			}
			return nil
		})
		if _, err := r.volume("", "tank/vm1").Take(t.Context(), "mine"); err != nil {
			t.Fatal(err)
		}
		runner := r.start(vm1())
		pass(61 * time.Minute)
		last := r.status(runner, "offsite").Last
		if last.OK() || !strings.Contains(last.Problem.Says, "no space") || last.Bytes() == 0 {
			t.Errorf("%+v", last)
		}
		r.has("site", "backup/vm1", "mine", nil)
		if all, err := r.volume("site", "backup/vm1").Snapshots(t.Context()); len(all) != 1 || err != nil {
			t.Errorf("%v, %v", all, err)
		}
	})
}

// TestClockSetBack has a run due when its hour comes again, and none before.
func TestHeededAhead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.add("", "tank/vm1")
		r.states["offsite"] = State{Since: time.Now(), Heeded: time.Now().AddDate(1, 0, 0), Next: 7}
		r.start(vm1())
		pass(61 * time.Minute)
		if len(r.runs()) != 1 || r.runs()[0].Number != 7 || r.runs()[0].Trigger != Scheduled {
			t.Errorf("%+v", r.runs())
		}
	})
}

// What other schedules would have asked for before was not missed, for the next process neither.
func TestOtherSchedules(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.add("", "tank/vm1")
		j := vm1()
		j.Schedules = []string{"@yearly"}
		runner := r.start(j)
		pass(90 * time.Minute)
		j.Schedules = []string{"0 * * * *"}
		if err := runner.Set(t.Context(), j); err != nil {
			t.Fatal(err)
		}
		pass(time.Minute)
		runner.Close()
		runner = r.start(j)
		pass(time.Minute)
		if len(r.runs()) != 0 {
			t.Errorf("ran at once: %+v", r.runs())
		}
		pass(28 * time.Minute)
		j.Keep = retain.Rule{Last: 3} // the schedules are what they were
		if err := runner.Set(t.Context(), j); err != nil {
			t.Fatal(err)
		}
		pass(time.Minute)
		if len(r.runs()) != 1 || r.runs()[0].Trigger != Scheduled {
			t.Errorf("%+v", r.runs())
		}
	})
}

func TestHooks(t *testing.T) {
	dir := t.TempDir()
	run := func(before, after string) (Run, *rig) {
		t.Helper()
		r := newRig(t)
		r.add("", "tank/vm1")
		j := vm1()
		j.Schedules, j.Before, j.After, j.HookTime = nil, before, after, retain.Span(500*time.Millisecond)
		ended := make(chan Run, 1)
		runner := New(context.Background(), Options{Open: r.Open, Journal: r, Ended: func(_ Job, run Run) { ended <- run }})
		defer runner.Close()
		if err := runner.Set(t.Context(), j); err != nil {
			t.Fatal(err)
		}
		if _, err := runner.Run(t.Context(), "offsite", Ask{}); err != nil {
			t.Fatal(err)
		}
		return <-ended, r
	}
	done, r := run(`echo "$LUNAR_JOB $LUNAR_SNAPSHOT" > `+dir+`/before`, `cat `+dir+`/before && rm `+dir+`/before`)
	if !done.OK() || len(r.names("", "tank/vm1", "offsite")) != 1 {
		t.Errorf("%+v", done.Problem)
	}
	done, r = run(`echo quiesce: no such machine; exit 3`, `touch `+dir+`/thawed`)
	if done.OK() || !strings.Contains(done.Problem.Says, "exit status 3: quiesce: no such machine") || len(r.names("", "tank/vm1", "offsite")) != 0 {
		t.Errorf("%+v", done.Problem)
	}
	done, r = run(`sleep 60 & wait`, `rm `+dir+`/thawed`)
	if done.OK() || !strings.Contains(done.Problem.Says, "ended after 500ms") || len(r.names("", "tank/vm1", "offsite")) != 0 {
		t.Errorf("%+v", done.Problem)
	}
	done, r = run(``, `exit 1`)
	if done.OK() || !strings.Contains(done.Problem.Says, `command "exit 1": exit status 1`) || len(r.names("", "tank/vm1", "offsite")) != 1 {
		t.Errorf("%+v", done.Problem)
	}
}
