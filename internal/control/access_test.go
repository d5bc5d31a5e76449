package control

import (
	"errors"
	"net"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lunarsan/lunar/scsi"
	"github.com/lunarsan/lunar/target"
	"github.com/lunarsan/lunar/target/iscsi/initiator"
)

// connect logs in to a target for commands.
func connect(t *testing.T, portal, name string, isid byte) *initiator.Conn {
	t.Helper()
	nc := must(net.Dial("tcp", portal))(t)
	t.Cleanup(func() { nc.Close() })
	return must(initiator.Dial(nc, initiator.Options{Name: "iqn.2026-11.org.example:host", Target: name, ISID: [6]byte{0x80, 0, 0, 1, 0, isid}}))(t)
}

// perform runs a command and returns its data, or its sense.
func perform(t *testing.T, c *initiator.Conn, lun int, out []byte, cdb ...byte) ([]byte, scsi.Sense) {
	t.Helper()
	cmd := &initiator.Command{LUN: scsi.LUNOf(lun), CDB: cdb, Out: out}
	if out == nil {
		cmd.In = make([]byte, 255)
	}
	if err := c.Do(cmd); err != nil && cmd.Status != scsi.CheckCondition {
		t.Fatal(err)
	}
	return cmd.In[:cmd.Received], cmd.SenseCode()
}

// hears asserts which unit attentions an initiator has.
func hears(t *testing.T, what string, c *initiator.Conn, lun int, want ...scsi.Sense) {
	t.Helper()
	var got []scsi.Sense
	for {
		_, sense := perform(t, c, lun, nil, 0, 0, 0, 0, 0, 0)
		if sense.Key() != 6 {
			break
		}
		got = append(got, sense)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s: unit attentions (-want +got):\n%s", what, diff)
	}
}

// states returns what REPORT TARGET PORT GROUPS says of each group: state, number, cause.
func states(t *testing.T, c *initiator.Conn) (s [][3]byte) {
	t.Helper()
	p, sense := perform(t, c, 0, nil, 0xA3, 0x0A, 0, 0, 0, 0, 0, 0, 0, 255, 0, 0)
	if sense != scsi.NoSense {
		t.Fatalf("REPORT TARGET PORT GROUPS: %v", sense)
	}
	for p = p[4:]; len(p) > 0; p = p[8+4*int(p[7]):] {
		s = append(s, [3]byte{p[0], p[3], p[5]})
	}
	return s
}

// States of target port groups are an operator's, are saved before they are answered, and reach
// live initiators; they outlive the daemon.
func TestAccessStates(t *testing.T) {
	t.Parallel()
	r := start(t, nil)
	ctx := t.Context()
	at := freePort(t)
	g := must(r.CreateGroup(ctx, GroupCreate{Name: "b", Portals: []string{at}, PathChange: PathChange{Group: ptr(uint16(2)), State: ptr("non-optimized")}}))(t)
	if g.ALUAGroup != 2 || g.ALUAState != "non-optimized" || g.Preferred || g.ALUA != "implicit" {
		t.Errorf("created %+v", g)
	}
	r.createUnit(UnitCreate{Path: r.path("a"), GUID: guidA})
	must(r.CreateTarget(ctx, TargetCreate{Name: iqnA}))(t)
	a, b := connect(t, r.portal(), iqnA, 1), connect(t, at, iqnA, 2)
	hears(t, "a", a, 0, scsi.PowerOnOccurred)
	hears(t, "b", b, 0, scsi.PowerOnOccurred)
	want := [][3]byte{{0, 1, 0}, {1, 2, 2}}
	if diff := cmp.Diff(want, states(t, b)); diff != "" {
		t.Errorf("at first (-want +got):\n%s", diff)
	}

	must(r.ModifyGroup(ctx, DefaultGroup, GroupModify{PathChange: PathChange{Preferred: ptr(true)}}))(t)
	g = must(r.ModifyGroup(ctx, "b", GroupModify{PathChange: PathChange{State: ptr("standby")}}))(t)
	if g.ALUAState != "standby" {
		t.Errorf("modified to %+v", g)
	}
	hears(t, "a", a, 0, scsi.AccessStateChanged)
	hears(t, "b", b, 0, scsi.AccessStateChanged)
	if _, sense := perform(t, b, 0, nil, 0x28, 0, 0, 0, 0, 0, 0, 0, 0, 0); sense != scsi.PortInStandby {
		t.Errorf("READ by a standby path: %v", sense)
	}
	want = [][3]byte{{0x80, 1, 0}, {2, 2, 2}}
	before := must(r.Groups(ctx))(t)

	r.restart()
	after := must(r.Groups(ctx))(t)
	before[0].Portals, after[0].Portals = nil, nil // the port is another
	if diff := cmp.Diff(before, after); diff != "" {
		t.Errorf("after a restart (-before +after):\n%s", diff)
	}
	a = connect(t, r.portal(), iqnA, 1)
	hears(t, "a", a, 0, scsi.NexusLossOccurred)
	if diff := cmp.Diff(want, states(t, a)); diff != "" {
		t.Errorf("after a restart (-want +got):\n%s", diff)
	}

	// A portal group that goes takes its target port group's state with it.
	must(r.DeleteGroup(ctx, "b", GroupDelete{Force: true}))(t)
	g = must(r.CreateGroup(ctx, GroupCreate{Name: "c", Portals: []string{at}, PathChange: PathChange{Group: ptr(uint16(2))}}))(t)
	if g.ALUAState != "optimized" {
		t.Errorf("made anew: %+v", g)
	}
	must(r.ModifyGroup(ctx, "c", GroupModify{PathChange: PathChange{Group: ptr(uint16(3))}}))(t)
	var saved []uint16
	for _, record := range must(accessKind.list(r.d.state))(t) {
		saved = append(saved, record.Number)
	}
	if diff := cmp.Diff([]uint16{1, 3}, saved); diff != "" {
		t.Errorf("saved are (-want +got):\n%s", diff)
	}

	for word, p := range map[string]PathChange{
		"group 0":    {Group: ptr(uint16(0))},
		`"offline"`:  {State: ptr("offline")},
		`"whatever"`: {Mode: ptr("whatever")},
	} {
		_, err := r.ModifyGroup(ctx, "c", GroupModify{PathChange: p})
		wantProblem(t, err, word)
		_, err = r.CreateGroup(ctx, GroupCreate{Name: "d", Portals: []string{freePort(t)}, PathChange: p})
		wantProblem(t, err, word)
	}
}

// An initiator that may changes a state; it outlives the daemon too.
func TestExplicitAccess(t *testing.T) {
	t.Parallel()
	r := start(t, nil)
	ctx := t.Context()
	r.createUnit(UnitCreate{Path: r.path("a"), GUID: guidA})
	must(r.CreateTarget(ctx, TargetCreate{Name: iqnA}))(t)
	g := must(r.ModifyGroup(ctx, DefaultGroup, GroupModify{PathChange: PathChange{Mode: ptr("explicit")}}))(t)
	if g.ALUA != "explicit" {
		t.Errorf("modified to %+v", g)
	}
	a, b := connect(t, r.portal(), iqnA, 1), connect(t, r.portal(), iqnA, 2)
	hears(t, "a", a, 0, scsi.PowerOnOccurred)
	hears(t, "b", b, 0, scsi.PowerOnOccurred)
	set := func(state byte) scsi.Sense {
		_, sense := perform(t, a, 0, []byte{0, 0, 0, 0, state, 0, 0, 1}, 0xA4, 0x0A, 0, 0, 0, 0, 0, 0, 0, 8, 0, 0)
		return sense
	}
	if sense := set(1); sense != scsi.NoSense {
		t.Fatalf("SET TARGET PORT GROUPS: %v", sense)
	}
	hears(t, "a, which asked", a, 0)
	hears(t, "b", b, 0, scsi.AccessStateChanged)
	if !strings.Contains(r.log.String(), "an initiator set target port groups") {
		t.Error("nothing is logged")
	}
	r.restart()
	a = connect(t, r.portal(), iqnA, 1)
	hears(t, "a", a, 0, scsi.NexusLossOccurred)
	if diff := cmp.Diff([][3]byte{{1, 1, 1}}, states(t, a)); diff != "" {
		t.Errorf("after a restart (-want +got):\n%s", diff)
	}
	// While an operator's change is under way a command does not wait for it.
	r.d.change.Lock()
	sense := set(0)
	r.d.change.Unlock()
	if sense != scsi.NoSense {
		t.Errorf("during another change: %v", sense)
	}
}

// Target ports keep their relative identifiers over restarts, and when others go; a target that
// comes back has its own again.
func TestPortsStay(t *testing.T) {
	r := start(t, nil)
	ctx := t.Context()
	for _, name := range []string{iqnA, iqnB} {
		must(r.CreateTarget(ctx, TargetCreate{Name: name}))(t)
	}
	must(r.CreateGroup(ctx, GroupCreate{Name: "b", Portals: []string{freePort(t)}}))(t)
	before := r.d.device.Ports()
	if len(before) != 4 {
		t.Fatalf("ports %v", before)
	}
	must(r.DeleteTarget(ctx, iqnA, TargetDelete{}))(t)
	must(r.DeleteGroup(ctx, "b", GroupDelete{}))(t)
	r.restart()
	const third = "iqn.2026-11.org.example:third"
	must(r.CreateTarget(ctx, TargetCreate{Name: third}))(t)
	must(r.CreateTarget(ctx, TargetCreate{Name: iqnA}))(t)
	r.restart()
	want := append(before, target.Port{Target: third, Tag: 1, Number: 5})
	if diff := cmp.Diff(want, r.d.device.Ports()); diff != "" {
		t.Errorf("ports (-want +got):\n%s", diff)
	}

	// A number is saved before the target is answered.
	const fourth, fifth = "iqn.2026-11.org.example:fourth", "iqn.2026-11.org.example:fifth"
	must(r.CreateTarget(ctx, TargetCreate{Name: fourth}))(t)
	must(r.CreateTarget(ctx, TargetCreate{Name: fifth}))(t)
	must(r.DeleteTarget(ctx, fourth, TargetDelete{}))(t)
	r.restart()
	want = append(want, target.Port{Target: fourth, Tag: 1, Number: 6}, target.Port{Target: fifth, Tag: 1, Number: 7})
	if diff := cmp.Diff(want, r.d.device.Ports()); diff != "" {
		t.Errorf("ports after two more (-want +got):\n%s", diff)
	}

	// What an older program saved has no ports: they are numbered once, at the start.
	if err := r.d.state.Update(func(tx Tx) error {
		return errors.Join(portKind.delete(tx, numberKey(1)), portKind.delete(tx, numberKey(5)))
	}); err != nil {
		t.Fatal(err)
	}
	r.restart()
	if saved := must(portKind.list(r.d.state))(t); len(saved) != len(r.d.device.Ports()) {
		t.Errorf("saved are %v", saved)
	}
}
