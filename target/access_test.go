package target

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lunarsan/lunar/internal/buffer"
	"github.com/lunarsan/lunar/scsi"
)

// ask executes a CDB on LUN 0 and returns the sense as "06/2A/06", or the data.
func ask(t *testing.T, n *Nexus, out []byte, cdb ...byte) (sense string, in []byte) {
	t.Helper()
	done := make(chan struct{})
	task := &scsi.Task{Expected: int64(len(out)), Out: out, Done: func(*scsi.Task) { close(done) }}
	if len(out) == 0 {
		task.Expected = 255
	}
	copy(task.CDB[:], cdb)
	n.Prepare(task)
	if !n.Submit(task) {
		<-done
	}
	defer task.Release()
	if task.Status == scsi.CheckCondition {
		p := task.Sense.Bytes()
		return scsi.Sense(uint32(p[2])<<16 | uint32(p[12])<<8 | uint32(p[13])).String()[:8], nil
	}
	if task.Status != scsi.Good {
		t.Fatalf("% x: status %02xh", cdb, task.Status)
	}
	return "", append([]byte(nil), task.In...)
}

// hears asserts which unit attentions a nexus has, and that there are no others.
func hears(t *testing.T, what string, n *Nexus, want ...string) {
	t.Helper()
	var got []string
	for {
		sense, _ := ask(t, n, nil, 0x00, 0, 0, 0, 0, 0)
		if sense == "" || len(sense) > 1 && sense[:2] != "06" {
			break
		}
		got = append(got, sense)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s: unit attentions (-want +got):\n%s", what, diff)
	}
}

func save([]AccessGroup) error { return nil }

// set is a change of one group.
func set(number uint16, f func(*AccessGroup)) func(map[uint16]AccessGroup) error {
	return func(groups map[uint16]AccessGroup) error {
		g, there := groups[number]
		if !there {
			return errors.New("no such group")
		}
		f(&g)
		groups[number] = g
		return nil
	}
}

func standby(g *AccessGroup) { g.State, g.Cause = scsi.Standby, scsi.ChangedImplicitly }

// twoPaths returns a device of one target, reached through portal group 1 in target port group 1
// and portal group 2 in target port group 2, with a nexus through each.
func twoPaths(t *testing.T) (d *Device, a, b *Nexus) {
	d = newDevice(t)
	must(t, d.SetPortalGroup(PortalGroup{Tag: 2, Access: 2}))
	must(t, d.AddTarget(Target{Name: disks}))
	must(t, show(d, 0, newUnit()))
	a, err := d.Connect(host, isid, disks, 1)
	must(t, err)
	b, err = d.Connect(host, isid, disks, 2)
	must(t, err)
	hears(t, "a at first", a, "06/29/00")
	hears(t, "b at first", b, "06/29/00")
	return d, a, b
}

// reported is REPORT TARGET PORT GROUPS without its header.
func reported(t *testing.T, n *Nexus) []byte {
	t.Helper()
	sense, p := ask(t, n, nil, 0xA3, 0x0A, 0, 0, 0, 0, 0, 0, 0, 255, 0, 0)
	if sense != "" {
		t.Fatalf("REPORT TARGET PORT GROUPS: %s", sense)
	}
	return p[4:]
}

func TestAccessGroups(t *testing.T) {
	d, a, b := twoPaths(t)
	const supported = 0x8F
	want := []byte{
		0, supported, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1,
		0, supported, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2,
	}
	for _, n := range []*Nexus{a, b} {
		if diff := cmp.Diff(want, reported(t, n)); diff != "" {
			t.Errorf("at first (-want +got):\n%s", diff)
		}
	}

	must(t, d.ChangeAccess(set(2, standby), save))
	hears(t, "a after b's group changed", a, "06/2A/06")
	hears(t, "b after its group changed", b, "06/2A/06")
	want[12], want[17] = 2, 2
	if diff := cmp.Diff(want, reported(t, a)); diff != "" {
		t.Errorf("with a group in standby (-want +got):\n%s", diff)
	}

	// A new target's ports are there without a word.
	must(t, d.AddTarget(Target{Name: tapes, Groups: []uint16{1}}))
	hears(t, "a after a new target", a)
	want[7] = 2
	want = append(want[:12:12], append([]byte{0, 0, 0, 3}, want[12:]...)...)
	if diff := cmp.Diff(want, reported(t, b)); diff != "" {
		t.Errorf("with one more target (-want +got):\n%s", diff)
	}
	must(t, d.RemoveTarget(tapes))
	hears(t, "a after a target went", a)

	// A portal group that changes sides changes what its nexuses are told of themselves. The
	// group that nobody is in any more is gone, and what it was like forgotten.
	must(t, d.SetPortalGroup(PortalGroup{Tag: 2}))
	hears(t, "a after the move", a, "06/2A/06")
	hears(t, "b after the move", b, "06/2A/06", "06/3F/03")
	must(t, d.ChangeAccess(set(1, func(*AccessGroup) {}), save))
	mustFail(t, d.ChangeAccess(set(2, standby), save), "no such group")
	must(t, d.SetPortalGroup(PortalGroup{Tag: 2, Access: 2}))
	if diff := cmp.Diff([]AccessGroup{{Number: 1}, {Number: 2}}, d.AccessGroups()); diff != "" {
		t.Errorf("after it came back (-want +got):\n%s", diff)
	}
}

// What cannot be saved does not happen.
func TestAccessUnsaved(t *testing.T) {
	d, a, _ := twoPaths(t)
	mustFail(t, d.ChangeAccess(set(2, standby), func([]AccessGroup) error { return errors.New("disk full") }), "disk full")
	hears(t, "a", a)
	if d.AccessGroups()[1].State != scsi.Optimized {
		t.Error("it happened")
	}
}

// An initiator changes a group that it may change: saved before it is answered.
func TestSetTargetPortGroups(t *testing.T) {
	d, a, b := twoPaths(t)
	set2 := func(n *Nexus, state byte) string {
		sense, _ := ask(t, n, []byte{0, 0, 0, 0, state, 0, 0, 2}, 0xA4, 0x0A, 0, 0, 0, 0, 0, 0, 0, 8, 0, 0)
		return sense
	}
	if sense := set2(a, 2); sense != "05/20/00" {
		t.Errorf("without leave: %s", sense)
	}
	must(t, d.ChangeAccess(set(2, func(g *AccessGroup) { g.Explicit = true }), save))
	hears(t, "a after it got leave", a, "06/3F/03")
	hears(t, "b after it got leave", b, "06/3F/03")

	var saved []AccessGroup
	var by string
	d.SaveAccess = func(groups []AccessGroup, initiator string) error {
		saved, by = groups, initiator
		return nil
	}
	if sense := set2(a, 2); sense != "" {
		t.Fatalf("with leave: %s", sense)
	}
	want := []AccessGroup{{Number: 1}, {Number: 2, State: scsi.Standby, Explicit: true, Cause: scsi.ChangedByCommand}}
	if diff := cmp.Diff(want, saved); diff != "" || by != host {
		t.Errorf("saved by %s (-want +got):\n%s", by, diff)
	}
	if diff := cmp.Diff(want, d.AccessGroups()); diff != "" {
		t.Errorf("in force (-want +got):\n%s", diff)
	}
	hears(t, "a, which asked", a)
	hears(t, "b", b, "06/2A/06")

	d.SaveAccess = func([]AccessGroup, string) error { return errors.New("disk full") }
	if sense := set2(a, 0); sense != "04/67/0A" {
		t.Errorf("when it cannot be saved: %s", sense)
	}
	hears(t, "b after that", b)

	// To ask for the state that is there changes nothing.
	d.SaveAccess = func([]AccessGroup, string) error { return nil }
	must(t, d.ChangeAccess(set(2, func(g *AccessGroup) { g.Cause = scsi.ChangedImplicitly }), save))
	if sense := set2(a, 2); sense != "" || d.AccessGroups()[1].Cause != scsi.ChangedImplicitly {
		t.Errorf("the same again: %s, %+v", sense, d.AccessGroups()[1])
	}
	hears(t, "b after the same again", b)
}

// Ports keep the numbers that they are restored with, and the last number is not the end.
func TestRestorePorts(t *testing.T) {
	d := NewDevice(buffer.NewPool(1 << 20))
	must(t, d.RestorePorts([]Port{{disks, 1, 7}, {tapes, 1, 1<<16 - 1}, {"iqn.2026-01.org.example:old", 1, 3}}))
	must(t, d.SetPortalGroup(PortalGroup{Tag: 1}))
	must(t, d.AddTarget(Target{Name: tapes}))
	must(t, d.AddTarget(Target{Name: disks}))
	must(t, d.AddTarget(Target{Name: "iqn.2026-01.org.example:new"}))
	want := []Port{{"iqn.2026-01.org.example:new", 1, 3}, {disks, 1, 7}, {tapes, 1, 1<<16 - 1}}
	if diff := cmp.Diff(want, d.Ports()); diff != "" {
		t.Errorf("ports (-want +got):\n%s", diff)
	}
	mustFail(t, d.AddTarget(Target{Name: "iqn.2026-01.org.example:more"}), "65535")

	// The ports of one target do not take each other's.
	d = NewDevice(buffer.NewPool(1 << 20))
	must(t, d.RestorePorts([]Port{{"iqn.2026-01.org.example:old", 1, 3}, {disks, 1, 1<<16 - 1}}))
	must(t, d.SetPortalGroup(PortalGroup{Tag: 1}))
	must(t, d.SetPortalGroup(PortalGroup{Tag: 2}))
	must(t, d.AddTarget(Target{Name: disks, Groups: []uint16{1}}))
	mustFail(t, d.AddTarget(Target{Name: tapes}), "65535")

	for want, ports := range map[string][]Port{
		"7 belongs to":   {{disks, 1, 7}, {tapes, 1, 7}},
		"identifier 0":   {{disks, 1, 0}},
		"two relative":   {{disks, 1, 7}, {disks, 1, 8}},
		disks + ",1 and": {{disks, 1, 7}, {tapes, 1, 7}},
	} {
		mustFail(t, NewDevice(buffer.NewPool(1<<20)).RestorePorts(ports), want)
	}
}
