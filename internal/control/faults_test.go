package control

import (
	"errors"
	"sync/atomic"
	"testing"

	"github.com/lunarsan/lunar/sbd"
)

// TestFaultSurvivesRestart: a unit whose sync failed stays failed, over restarts too, until
// an operator brings it online.
func TestFaultSurvivesRestart(t *testing.T) {
	tests := []struct {
		name string
		fail func(t *testing.T, r *rig, c *clock, u *sbd.Unit)
	}{
		{"in service", func(t *testing.T, r *rig, c *clock, u *sbd.Unit) {
			if err := u.Sync(&sbd.Op{MayBlock: true}); !errors.Is(err, sbd.ErrSyncFailed) {
				t.Fatalf("the sync gave %v", err)
			}
			c.until(t, "the fault in the state", func() bool {
				list, err := unitKind.list(r.d.state)
				return err == nil && list[0].Fault != ""
			})
		}},
		{"at the last sync", func(*testing.T, *rig, *clock, *sbd.Unit) {}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			c := new(clock)
			lying := new(atomic.Bool)
			r := start(t, func(o *Options) {
				o.wait = c.wait
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
			test.fail(t, r, c, r.d.units[mustGUID(t, guidA)].unit)
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
