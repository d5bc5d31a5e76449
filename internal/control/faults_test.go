package control

import (
	"errors"
	"os"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/lunarsan/lunar/sbd"
)

// TestFaultSurvivesRestart: a unit whose sync failed stays failed, over restarts too, until
// an operator brings it online.
func TestFaultSurvivesRestart(t *testing.T) {
	tests := []struct {
		name string
		fail func(t *testing.T, r *rig, u *sbd.Unit)
	}{
		{"in service", func(t *testing.T, r *rig, u *sbd.Unit) {
			if err := u.Sync(&sbd.Op{MayBlock: true}); !errors.Is(err, sbd.ErrSyncFailed) {
				t.Fatalf("the sync gave %v", err)
			}
			eventually(t, "the fault in the state", func() bool {
				list, err := unitKind.list(r.d.state)
				return err == nil && list[0].Fault != ""
			})
		}},
		{"at the last sync", func(*testing.T, *rig, *sbd.Unit) {}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			lying := new(atomic.Bool)
			r := start(t, func(o *Options) {
				o.openStore = func(path string, how sbd.OpenOptions) (sbd.Store, error) {
					s, err := sbd.Open(path, how)
					if err == nil && lying.Load() {
						s = sbd.NewFaulty(s, sbd.Rule{Calls: sbd.CallSync, Err: errBroken})
					}
					return s, err
				}
			})
			lying.Store(true)
			r.createUnit(UnitCreate{Path: r.path("a"), GUID: guidA, WriteCache: true})
			test.fail(t, r, r.d.units[mustGUID(t, guidA)].unit)
			lying.Store(false)
			for range 2 {
				r.restart()
				u := must(r.Unit(t.Context(), guidA))(t)
				if u.State != UnitFailed {
					t.Fatalf("after a restart the unit is %s: %s", u.State, u.Reason)
				}
				wantProblem(t, &Problem{Title: u.Reason, Hint: "-"}, "sync failed", errBroken.Error(), "lunar lu online")
			}
			if u := must(r.OnlineUnit(t.Context(), guidA))(t); u.State != UnitOnline {
				t.Errorf("brought online it is %s: %s", u.State, u.Reason)
			}
			r.restart()
			if u := must(r.Unit(t.Context(), guidA))(t); u.State != UnitOnline {
				t.Errorf("after another restart it is %s: %s", u.State, u.Reason)
			}
		})
	}
}

// TestGoneStoreIsAnAlarm: the first command that finds the store gone makes it an alarm and a line
// in the log, without any sync.
func TestGoneStoreIsAnAlarm(t *testing.T) {
	r := start(t, nil)
	r.createUnit(UnitCreate{Path: r.path("a"), GUID: guidA, WriteCache: true})
	u := r.d.units[mustGUID(t, guidA)].unit
	if err := os.Remove(r.path("a")); err != nil {
		t.Fatal(err)
	}
	if status := must(r.Status(t.Context()))(t); len(status.Alarms) != 0 {
		t.Errorf("alarms before anybody noticed: %q", status.Alarms)
	}
	for range 3 {
		if err := u.WriteAt(&sbd.Op{MayBlock: true}, make([]byte, 512), 0, false); !errors.Is(err, sbd.ErrGone) {
			t.Fatalf("the write gave %v", err)
		}
	}
	status := must(r.Status(t.Context()))(t)
	if len(status.Alarms) != 1 || !strings.Contains(status.Alarms[0], "deleted") || status.Units[0].State != UnitFailed {
		t.Errorf("the unit is %s, alarms %q", status.Units[0].State, status.Alarms)
	}
	eventually(t, "the line in the log", func() bool { return strings.Contains(r.log.String(), "the store has gone") })
	if n := strings.Count(r.log.String(), "the store has gone: commands"); n != 1 {
		t.Errorf("it is logged %d times", n)
	}
	if err := os.WriteFile(r.path("a"), make([]byte, status.Units[0].Size), 0o600); err != nil {
		t.Fatal(err)
	}
	if u := must(r.OnlineUnit(t.Context(), guidA))(t); u.State != UnitOnline {
		t.Errorf("brought online it is %s: %s", u.State, u.Reason)
	}
}
