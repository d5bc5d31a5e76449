package control

import (
	"net"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lunarsan/lunar/scsi"
	"github.com/lunarsan/lunar/target/iscsi/initiator"
)

// host logs in with an initiator that can do more than log in.
func (r *rig) host(isid byte) *initiator.Conn {
	r.t.Helper()
	nc, err := net.Dial("tcp", r.portal())
	if err != nil {
		r.t.Fatal(err)
	}
	c, err := initiator.Dial(nc, initiator.Options{Name: "iqn.2026-11.org.example:host", Target: iqnA, ISID: [6]byte{0x80, 5: isid}})
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { c.Close() })
	return c
}

// ready asks a LUN whether it is, until it is, and returns what it said before.
func ready(t *testing.T, c *initiator.Conn, lun int) (said []scsi.Sense) {
	t.Helper()
	for range 9 {
		cmd := initiator.Command{CDB: make([]byte, 6), LUN: scsi.LUNOf(lun)}
		if err := c.Do(&cmd); !cmd.Done {
			t.Fatal(err)
		}
		if cmd.Status == scsi.Good {
			return said
		}
		said = append(said, cmd.SenseCode())
		if cmd.SenseCode().Key() != scsi.PowerOnOccurred.Key() {
			return said
		}
	}
	t.Fatalf("it goes on and on: %v", said)
	return nil
}

func wantSaid(t *testing.T, what string, got []scsi.Sense, want ...scsi.Sense) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

// TestCarriedOver: an initiator hears after a restart what it had not heard before, and not of a
// power on.
func TestCarriedOver(t *testing.T) {
	t.Parallel()
	r := start(t, nil)
	r.createUnit(UnitCreate{Path: r.path("a"), GUID: guidA})
	must(r.CreateTarget(t.Context(), TargetCreate{Name: iqnA}))(t)
	known, early := r.host(1), r.host(2)
	wantSaid(t, "a new one", ready(t, known, 0), scsi.PowerOnOccurred)
	must(r.ResizeUnit(t.Context(), guidA, UnitResize{Size: 4 << 20}))(t)
	off := true
	must(r.ModifyUnit(t.Context(), guidA, UnitModify{ReadOnly: &off}))(t)
	_ = early // which has asked nothing yet
	r.restart()
	wantSaid(t, "one that was known", ready(t, r.host(1), 0),
		scsi.NexusLossOccurred, scsi.CapacityHasChanged, scsi.ModeParametersChanged)
	wantSaid(t, "one that had not heard of the power on", ready(t, r.host(2), 0),
		scsi.PowerOnOccurred, scsi.CapacityHasChanged, scsi.ModeParametersChanged)
	wantSaid(t, "one that nobody knew", ready(t, r.host(3), 0), scsi.PowerOnOccurred)
	r.restart()
	wantSaid(t, "after one more restart", ready(t, r.host(1), 0), scsi.NexusLossOccurred)
}

// TestCarriedOverOnce: what was left is used up, and what cannot be read is no reason not to
// start.
func TestCarriedOverOnce(t *testing.T) {
	r := start(t, nil)
	r.createUnit(UnitCreate{Path: r.path("a"), GUID: guidA})
	left := func() (keys []string) {
		_ = r.d.state.View(func(tx Tx) error {
			for key := range tx.Scan(string(carryKind)) {
				keys = append(keys, key)
			}
			return nil
		})
		return keys
	}
	r.restart()
	if keys := left(); len(keys) > 0 {
		t.Errorf("left behind: %v", keys)
	}
	r.end()
	s := must(openBolt(r.opts.StateDir))(t)
	if err := s.Update(func(tx Tx) error { return tx.Put(string(carryKind)+guidA, []byte(`{"format":99}`)) }); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	r.run()
	if keys := left(); len(keys) > 0 || !strings.Contains(r.log.String(), "cannot be read") {
		t.Errorf("left behind: %v\n%s", keys, r.log)
	}
}
