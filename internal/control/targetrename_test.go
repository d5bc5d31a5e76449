package control

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lunarsan/lunar/scsi"
)

// TestTargetRename: all stays but the name, over a restart too: the views, the ports' numbers, what
// is registered.
func TestTargetRename(t *testing.T) {
	r, a, b := reserved(t)
	ctx := t.Context()
	must(r.CreateMemberGroup(ctx, TargetGroups, MemberGroupCreate{"g"}))(t)
	must(r.AddMembers(ctx, TargetGroups, "g", MembersChange{[]string{iqnA}}))(t)
	must(r.RemoveView(ctx, guidA+":0"))(t)
	must(r.AddView(ctx, ViewAdd{Unit: guidA, TargetGroup: "g", LUN: new(5)}))(t)
	ready(t, a, 5)
	ready(t, b, 5)
	must(r.CreateTarget(ctx, TargetCreate{Name: iqnB}))(t) // a target of the new name was here before, with ports
	must(r.DeleteTarget(ctx, iqnB, TargetDelete{}))(t)
	ports := r.d.device.Ports()

	_, err := r.ModifyTarget(ctx, iqnA, TargetModify{Name: new(iqnB)})
	wantProblem(t, err, "2 sessions", "--force")
	_, err = r.ModifyTarget(ctx, iqnA, TargetModify{Name: new("disks"), Force: true})
	wantProblem(t, err, "iqn.")
	got := must(r.ModifyTarget(ctx, iqnA, TargetModify{Name: new(iqnB), Force: true}))(t)
	if got.Name != iqnB || got.State != TargetOnline {
		t.Errorf("it becomes %+v", got)
	}
	a.Close()
	b.Close()
	if _, status := login(t, r.portal(), iqnA); status != 0x0204 {
		t.Errorf("login status %04xh under the old name, want 0204h", status)
	}
	check := func(when string) {
		t.Helper()
		numbers := make(map[string]uint16)
		for _, p := range r.d.device.Ports() {
			numbers[p.Target] = p.Number
		}
		if numbers[iqnB] != ports[0].Number || numbers[iqnA] == ports[0].Number {
			t.Errorf("%s: ports %+v, and were %+v", when, numbers, ports)
		}
		if got := must(r.MemberGroup(ctx, TargetGroups, "g"))(t).Members; !cmp.Equal(got, []string{iqnB}) {
			t.Errorf("%s: the target group has %q", when, got)
		}
		c := must(r.dial(friend, iqnB, 1, nil))(t)
		ready(t, c, 5)
		c.Close()
	}
	check("at once")
	r.restart()
	check("after a restart")

	_, err = r.ModifyTarget(ctx, iqnA, TargetModify{Name: new(iqnB)})
	wantProblem(t, err, "no target")
	must(r.CreateTarget(ctx, TargetCreate{Name: iqnA}))(t)
	_, err = r.ModifyTarget(ctx, iqnA, TargetModify{Name: new(iqnB), Force: true})
	wantProblem(t, err, "exists already")
	must(r.CreateMemberGroup(ctx, TargetGroups, MemberGroupCreate{"h"}))(t)
	must(r.AddMembers(ctx, TargetGroups, "h", MembersChange{[]string{iqnA + ":later"}}))(t)
	_, err = r.ModifyTarget(ctx, iqnB, TargetModify{Name: new(iqnA + ":later"), Force: true})
	wantProblem(t, err, `member of target group "h"`)
	check("after a refusal")
}

// TestTargetRenameKeepsReservations: an initiator that is registered is so at the new name, after a
// crash too; where the state cannot be saved nothing has changed.
func TestTargetRenameKeepsReservations(t *testing.T) {
	r, a, b := reserved(t)
	ctx := t.Context()
	wantGood(t,
		persistentOut(t, a, outRegister, 0, 0xA1, aptpl),
		persistentOut(t, a, outReserve, 0xA1, 0, 0),
		persistentOut(t, b, outRegister, 0, 0xB1, aptpl))
	a.Close()
	b.Close()
	saved := r.d.state
	r.d.state = brokenState{saved}
	if _, err := r.ModifyTarget(ctx, iqnA, TargetModify{Name: new(iqnB), Force: true}); err == nil {
		t.Fatal("renamed, and not saved")
	}
	r.d.state = saved
	registered := func() (ports []string) {
		for _, g := range must(r.Unit(ctx, guidA))(t).Reservations.Registered {
			ports = append(ports, g.TargetPort)
		}
		return ports
	}
	old := []string{iqnA + ",t,0x0001", iqnA + ",t,0x0001"}
	if diff := cmp.Diff(old, registered()); diff != "" {
		t.Errorf("after a failure (-want +got):\n%s", diff)
	}
	must(r.ModifyTarget(ctx, iqnA, TargetModify{Name: new(iqnB), Force: true}))(t)
	for range 2 {
		if diff := cmp.Diff([]string{iqnB + ",t,0x0001", iqnB + ",t,0x0001"}, registered()); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		for n, want := range []scsi.Status{scsi.Good, scsi.Good, scsi.ReservationConflict} {
			c := must(r.dial("iqn.2026-11.org.example:host", iqnB, byte(n+1), nil))(t)
			ready(t, c, 0)
			if got := write(t, c); got != want {
				t.Errorf("host %d writes: %v, want %v", n+1, got, want)
			}
			c.Close()
		}
		r.crash()
	}
}
