package job

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lunarsan/lunar/stream/retain"
)

// TestExplain tells of snapshots of every kind why they are where they are.
func TestExplain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		v := r.add("", "tank/vm1")
		if _, err := v.Take(t.Context(), "before"); err != nil {
			t.Fatal(err)
		}
		j := vm1()
		j.Zone, j.Keep, j.KeepThere = "", retain.Rule{Hourly: 2}, retain.Rule{Hourly: 3, Daily: 2}
		runner := r.start(j)
		pass(4*time.Hour + 30*time.Minute)
		if err := v.Hold(t.Context(), "offsite-20000101T030000Z", "mine"); err != nil {
			t.Fatal(err)
		}
		r.setDown("site", errors.New("down"))
		pass(time.Hour)
		r.setDown("site", nil)
		explained := func() string {
			t.Helper()
			all, err := runner.Explain(t.Context(), "offsite")
			if err != nil {
				t.Fatal(err)
			}
			var b strings.Builder
			for _, x := range all {
				for _, side := range [][]Explained{x.Here, x.There} {
					for _, s := range side {
						word := "keep"
						if !s.Keep {
							word = "drop"
						}
						fmt.Fprintf(&b, "%s %s: %s | %s\n", word, strings.TrimPrefix(s.Name, "offsite-20000101"), s.Why, s.Sent)
					}
					fmt.Fprintln(&b)
				}
				fmt.Fprintf(&b, "%d steps", x.Steps)
				if x.Problem != nil {
					fmt.Fprintf(&b, ": %s | %s", x.Problem.Says, x.Problem.Way)
				}
			}
			return b.String()
		}
		same := func(got, want string) {
			t.Helper()
			if got != want {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
		}
		same(explained(), `keep before: not of this job | is not sent: the destination has a newer one
keep T030000Z: held by mine | is there
keep T040000Z: held by lunar:offsite; the newest that both ends have; hourly=2: first of hour 2000-01-01 04h UTC (2) | is there
keep T050000Z: not sent yet; the newest; hourly=2: first of hour 2000-01-01 05h UTC (1) | is sent next

keep T010000Z: daily=2: first of day 2000-01-01 (1) | is not at the source
keep T020000Z: hourly=3: first of hour 2000-01-01 02h UTC (3) | is not at the source
keep T030000Z: hourly=3: first of hour 2000-01-01 03h UTC (2) | is at the source
keep T040000Z: held by lunar:offsite; the newest that both ends have; the newest; hourly=3: first of hour 2000-01-01 04h UTC (1) | is at the source

1 steps`)

		plans, err := runner.Plan(t.Context(), "offsite", Ask{})
		if err != nil || len(plans) != 1 || len(plans[0].Plan.Steps) != 1 || plans[0].Plan.Steps[0].Bytes <= 0 || len(plans[0].Pruned) != 0 {
			t.Errorf("%+v, %v", plans, err)
		}
		if _, err := r.volume("site", "backup/vm1").Take(t.Context(), "theirs"); err != nil {
			t.Fatal(err)
		}
		got := explained()
		if !strings.Contains(got, "T050000Z: not sent yet; the newest; hourly=2: first of hour 2000-01-01 05h UTC (1) | is not sent: there is no way\n") ||
			!strings.Contains(got, "0 steps: backup/vm1 has theirs (GUID ") || !strings.Contains(got, "| --rollback gives up theirs") {
			t.Error(got)
		}
		if plans, err = runner.Plan(t.Context(), "offsite", Ask{}); err != nil || plans[0].Problem == nil || plans[0].Problem.Flag != "--rollback" {
			t.Errorf("%+v, %v", plans, err)
		}

		r.setDown("site", errors.New("down"))
		all, err := runner.Explain(t.Context(), "offsite")
		if err == nil || len(all) != 1 || len(all[0].Here) != 4 || len(all[0].There) != 0 {
			t.Errorf("%+v, %v", all, err)
		}
	})
}

// TestPrune prunes by hand, when a job's rules were tightened.
func TestPrune(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.add("", "tank/vm1")
		runner := r.start(vm1())
		pass(6*time.Hour + time.Minute)
		j := vm1()
		j.Keep, j.KeepThere = retain.Rule{Last: 2}, retain.Rule{Last: 3}
		if err := runner.Set(t.Context(), j); err != nil {
			t.Fatal(err)
		}
		counts := func(here, there int) {
			t.Helper()
			if a, b := len(r.names("", "tank/vm1", "offsite")), len(r.names("site", "backup/vm1", "offsite")); a != here || b != there {
				t.Errorf("there are %d and %d, want %d and %d", a, b, here, there)
			}
		}
		prune := func(dry bool, want int) {
			t.Helper()
			out, err := runner.Prune(t.Context(), "offsite", dry)
			if err != nil || len(out) != 1 || len(out[0].Pruned) != want {
				t.Errorf("%+v, %v", out, err)
			}
		}
		prune(true, 4+3)
		counts(6, 6)
		r.setDown("site", errors.New("down"))
		if out, err := runner.Prune(t.Context(), "offsite", false); err == nil || len(out[0].Pruned) != 4 {
			t.Errorf("%+v, %v", out, err)
		}
		counts(2, 6)
		r.setDown("site", nil)
		prune(false, 3)
		counts(2, 3)
		prune(false, 0)
	})
}

// TestPruneOneSide has one side fail: the other is pruned all the same, and both are told of.
func TestPruneOneSide(t *testing.T) {
	for _, c := range []struct {
		peer, call  string
		here, there int // left of four
	}{
		{"", "destroy", 4, 2}, {"site", "destroy", 1, 4}, {"site", "snapshots", 1, 4}, {"site", "volume", 1, 4}, {"", "snapshots", 4, 4},
	} {
		synctest.Test(t, func(t *testing.T) {
			r := newRig(t)
			r.add("", "tank/vm1")
			runner := r.start(vm1())
			pass(4*time.Hour + time.Minute)
			j := vm1()
			j.Keep, j.KeepThere = retain.Rule{Last: 1}, retain.Rule{Last: 2}
			if err := runner.Set(t.Context(), j); err != nil {
				t.Fatal(err)
			}
			r.setFault(func(peer, call string, _ bool) error {
				if peer == c.peer && call == c.call {
					return errors.New("bad disk")
				}
				return nil
			})
			out, err := runner.Prune(t.Context(), "offsite", false)
			r.setFault(nil)
			here, there := len(r.names("", "tank/vm1", "offsite")), len(r.names("site", "backup/vm1", "offsite"))
			if here != c.here || there != c.there {
				t.Errorf("%+v: %d and %d are left", c, here, there)
			}
			if err != nil || len(out) != 1 || out[0].Problem == nil || !strings.Contains(out[0].Problem.Says, "bad disk") || len(out[0].Pruned) != 4-here+4-there {
				t.Errorf("%+v: %+v, %v", c, out, err)
			}
		})
	}
}

func TestCheckAndVerify(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		j := vm1()
		j.RPO = retain.Span(30 * time.Minute)
		runner := r.start(j)
		wrong := func(want ...string) {
			t.Helper()
			found, err := runner.Check(t.Context(), "offsite")
			if err != nil {
				t.Fatal(err)
			}
			var says []string
			for _, f := range found {
				if f.Problem != nil {
					says = append(says, f.What+": "+f.Problem.Says)
				}
			}
			if len(says) != len(want) {
				t.Errorf("%q, want %q", says, want)
				return
			}
			for i := range want {
				if !strings.Contains(says[i], want[i]) {
					t.Errorf("%q, want %q", says[i], want[i])
				}
			}
		}
		late := "the schedule: a replica is to be no older than 30m, and there is none for up to 1h"
		wrong(late, "volume tank/vm1: there is no such volume", "the next run of tank/vm1: there is no such volume")
		r.add("", "tank/vm1")
		pass(2*time.Hour + time.Minute)
		wrong(late)
		if v, err := runner.Verify(t.Context(), "offsite"); err != nil || len(v) != 1 || v[0].Verdict == nil || !v[0].Verdict.Same() {
			t.Errorf("%+v, %v", v, err)
		}
		r.setDown("site", errors.New("no route"))
		wrong(late, "the destination, peer site: peer site: no route")
		r.setDown("", errors.New("odd"))
		wrong(late, "the source: peer : odd")
	})
}

// TestTwoInASecond asks for runs at a time, one of them of another process: their snapshots have
// names of their own.
func TestTwoInASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.add("", "tank/vm1")
		runner := r.start(vm1())
		for range 3 {
			if _, err := runner.Run(t.Context(), "offsite", Ask{}); err != nil {
				t.Fatal(err)
			}
		}
		pass(time.Minute)
		if _, err := runner.Run(t.Context(), "offsite", Ask{}); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		runner.Close()
		runner = r.start(vm1())
		if _, err := runner.Run(t.Context(), "offsite", Ask{}); err != nil {
			t.Fatal(err)
		}
		pass(time.Minute)
		if n := len(r.names("site", "backup/vm1", "offsite")); n != 5 || len(r.failed()) > 0 {
			t.Errorf("%d snapshots, %q", n, r.failed())
		}
	})
}

// TestVerifyUncommon says what there is to do where there is nothing to compare.
func TestVerifyUncommon(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		v := r.add("", "tank/vm1")
		runner := r.start(vm1())
		wants := func(says, way, flag string) {
			t.Helper()
			out, err := runner.Verify(t.Context(), "offsite")
			if err != nil || len(out) != 1 || out[0].Problem == nil {
				t.Fatalf("%+v, %v", out, err)
			}
			if p := out[0].Problem; !strings.Contains(p.Says, says) || !strings.Contains(p.Way, way) || p.Flag != flag {
				t.Errorf("%+v", p)
			}
		}
		if all, err := runner.Explain(t.Context(), "offsite"); err != nil || len(all) != 1 || all[0].Problem != nil {
			t.Errorf("%+v, %v", all, err)
		}
		wants("backup/vm1 has nothing of tank/vm1 yet", "lunar job run offsite", "")
		if _, err := v.Take(t.Context(), "mine"); err != nil {
			t.Fatal(err)
		}
		wants("backup/vm1 has nothing of tank/vm1 yet", "lunar job run offsite", "")
		if _, err := r.add("site", "backup/vm1").Take(t.Context(), "theirs"); err != nil {
			t.Fatal(err)
		}
		wants("have no snapshot in common: the newest are mine (GUID ", "--reseed", "--reseed")
	})
}

// TestExplainCut tells of a stream that was cut, and of a first run.
func TestExplainCut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		v := r.add("", "tank/vm1")
		if _, err := v.Take(t.Context(), "mine"); err != nil {
			t.Fatal(err)
		}
		reads := 0
		r.setFault(func(_, call string, _ bool) error {
			if call == "read" {
				if reads++; reads == 2 {
					return errors.New("cut")
				}
			}
			return nil
		})
		j := vm1()
		j.Retry = Retry{Times: -1}
		runner := r.start(j)
		explain := func() Explanation {
			t.Helper()
			all, err := runner.Explain(t.Context(), "offsite")
			if err != nil || len(all) != 1 || all[0].Common != nil || all[0].Steps != 1 {
				t.Fatalf("%+v, %v", all, err)
			}
			return all[0]
		}
		if x := explain(); x.Partial != nil {
			t.Errorf("%+v", x.Partial)
		}
		if _, err := runner.Run(t.Context(), "offsite", Ask{NoTake: true}); err != nil {
			t.Fatal(err)
		}
		pass(time.Minute)
		if x := explain(); x.Partial == nil || x.Partial.GUID != x.Here[0].GUID {
			t.Errorf("%+v", x)
		}
	})
}
