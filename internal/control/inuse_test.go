package control

import (
	"context"
	"os"
	"strings"
	"testing"

	"github.com/lunarsan/lunar/scsi"
	"github.com/lunarsan/lunar/target/iscsi/initiator"
)

// touch reads a block, which is I/O.
func touch(t *testing.T, c *initiator.Conn, lun int) {
	t.Helper()
	cmd := initiator.Command{CDB: []byte{0x28, 8: 1, 9: 0}, LUN: scsi.LUNOf(lun), In: make([]byte, 512)}
	if err := c.Do(&cmd); err != nil {
		t.Fatal(err)
	}
}

// TestInUse: what would pull a unit away under a session that does I/O needs force, names the
// session, and counts no other unit's I/O.
func TestInUse(t *testing.T) {
	ctx := context.Background()
	r := start(t, nil)
	r.createUnit(UnitCreate{Path: r.path("busy"), GUID: guidA})
	r.createUnit(UnitCreate{Path: r.path("idle"), GUID: guidB})
	must(r.CreateTarget(ctx, TargetCreate{Name: iqnA}))(t)
	c := r.host(1)
	ready(t, c, 0)
	ready(t, c, 1)
	touch(t, c, 0)
	yes := true
	changes := map[string]func(guid string, force, try bool) error{
		"offline": func(guid string, force, try bool) error {
			_, err := r.OfflineUnit(ctx, guid, UnitTakeOffline{Force: force, Try: try})
			return err
		},
		"retire": func(guid string, force, try bool) error {
			_, err := r.RetireUnit(ctx, guid, UnitRetire{Force: force, Try: try})
			return err
		},
		"delete": func(guid string, force, try bool) error {
			_, err := r.DeleteUnit(ctx, guid, UnitDelete{Force: force, Try: try})
			return err
		},
		"read-only": func(guid string, force, try bool) error {
			if try {
				return nil // it destroys nothing
			}
			_, err := r.ModifyUnit(ctx, guid, UnitModify{ReadOnly: &yes, Force: force})
			return err
		},
	}
	for name, change := range changes {
		wantProblem(t, change(guidA, false, false), "in use by session 1 of iqn.2026-11.org.example:host (I/O", "--force")
		if err := change(guidA, true, true); err != nil {
			t.Errorf("trying to %s with force: %v", name, err)
		}
		if err := change(guidB, false, true); err != nil {
			t.Errorf("trying to %s what lies idle: %v", name, err)
		}
		for _, guid := range []string{guidA, guidB} {
			if u := must(r.Unit(ctx, guid))(t); u.State != UnitOnline || u.ReadOnly {
				t.Errorf("%s, refused and tried, has made %s %+v", name, guid, u)
			}
		}
	}
	_, err := r.ResizeUnit(ctx, guidA, UnitResize{Size: 512 << 10, Force: true, Try: true})
	if u := must(r.Unit(ctx, guidA))(t); err != nil || u.Size != 1<<20 {
		t.Errorf("trying to shrink: %v, %d bytes", err, u.Size)
	}
	must(r.DeleteUnit(ctx, guidB, UnitDelete{}))(t)
	must(r.OfflineUnit(ctx, guidA, UnitTakeOffline{Force: true}))(t)
	c.Close()
}

// TestRetire: initiators are told that the unit is gone for good, and it can come back.
func TestRetire(t *testing.T) {
	t.Parallel()
	r := start(t, nil)
	r.createUnit(UnitCreate{Path: r.path("a"), GUID: guidA})
	r.createUnit(UnitCreate{Path: r.path("b"), GUID: guidB})
	must(r.CreateTarget(t.Context(), TargetCreate{Name: iqnA}))(t)
	c := r.host(1)
	ready(t, c, 0)
	ready(t, c, 1)
	if u := must(r.RetireUnit(t.Context(), guidA, UnitRetire{}))(t); u.State != UnitRetired || u.lowestLUN() != 0 {
		t.Errorf("retired: %+v", u)
	}
	wantSaid(t, "the retired unit", ready(t, c, 0), scsi.LogicalUnitNotSupported)
	wantSaid(t, "the other one", ready(t, c, 1), scsi.ReportedLUNsHasChanged)
	if s := must(r.Status(t.Context()))(t); len(s.Alarms) > 0 {
		t.Errorf("alarms %q for what an operator wanted", s.Alarms)
	}
	_, err := r.OfflineUnit(t.Context(), guidA, UnitTakeOffline{})
	wantProblem(t, err, "retired", "lunar lu online")
	if u := r.createUnit(UnitCreate{Path: r.path("c")}); u.lowestLUN() != 2 {
		t.Errorf("a new unit has LUN %d: the retired one has lost its own", u.lowestLUN())
	}
	r.restart()
	c = r.host(1)
	if u := must(r.Unit(t.Context(), guidA))(t); u.State != UnitRetired || !strings.Contains(u.Reason, "retired") {
		t.Errorf("after a restart: %s, %q", u.State, u.Reason)
	}
	wantSaid(t, "the retired unit after a restart", ready(t, c, 0), scsi.LogicalUnitNotSupported)
	ready(t, c, 1)
	if u := must(r.OnlineUnit(t.Context(), guidA))(t); u.State != UnitOnline {
		t.Errorf("back: %s, %s", u.State, u.Reason)
	}
	wantSaid(t, "the unit that is back", ready(t, c, 0), scsi.PowerOnOccurred, scsi.ReportedLUNsHasChanged)
	wantSaid(t, "the other one", ready(t, c, 1), scsi.ReportedLUNsHasChanged)
	must(r.RetireUnit(t.Context(), guidA, UnitRetire{}))(t)
	must(r.DeleteUnit(t.Context(), guidA, UnitDelete{}))(t)
}

// TestOfflineSense: initiators learn whether to wait.
func TestOfflineSense(t *testing.T) {
	t.Parallel()
	r := start(t, nil)
	r.createUnit(UnitCreate{Path: r.path("a"), GUID: guidA})
	must(r.CreateTarget(t.Context(), TargetCreate{Name: iqnA}))(t)
	c := r.host(1)
	ready(t, c, 0)
	must(r.OfflineUnit(t.Context(), guidA, UnitTakeOffline{}))(t)
	wantSaid(t, "offline", ready(t, c, 0), scsi.ManualInterventionRequired)
	must(r.OfflineUnit(t.Context(), guidA, UnitTakeOffline{Purpose: ForMaintenance}))(t)
	wantSaid(t, "offline for maintenance", ready(t, c, 0), scsi.BecomingReady)
	_, err := r.OfflineUnit(t.Context(), guidA, UnitTakeOffline{Purpose: "tea"})
	wantProblem(t, err, "tea", ForMaintenance)
	r.restart()
	c = r.host(1)
	wantSaid(t, "after a restart", ready(t, c, 0), scsi.NexusLossOccurred, scsi.BecomingReady)
	if err := os.Rename(r.path("a"), r.path("away")); err != nil {
		t.Fatal(err)
	}
	_, err = r.OnlineUnit(t.Context(), guidA)
	wantProblem(t, err, "not online yet")
	wantSaid(t, "its store is tried again", ready(t, c, 0), scsi.BecomingReady)
}
