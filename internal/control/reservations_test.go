package control

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lunarsan/lunar/scsi"
	"github.com/lunarsan/lunar/target/iscsi/initiator"
)

// The service actions of PERSISTENT RESERVE OUT that these tests use, and APTPL.
const (
	outRegister = 0x06 // AND IGNORE EXISTING KEY
	outReserve  = 0x01
	outClear    = 0x03
	aptpl       = 0x01
)

// persistentOut sends a PERSISTENT RESERVE OUT of type write exclusive, registrants only.
func persistentOut(t *testing.T, c *initiator.Conn, service, key, serviceKey, flags byte) scsi.Status {
	t.Helper()
	cmd := initiator.Command{
		CDB: []byte{0x5F, service, 0x05, 0, 0, 0, 0, 0, 24, 0},
		Out: []byte{7: key, 15: serviceKey, 20: flags, 23: 0},
	}
	if err := c.Do(&cmd); !cmd.Done {
		t.Fatal(err)
	}
	return cmd.Status
}

func wantGood(t *testing.T, statuses ...scsi.Status) {
	t.Helper()
	for i, s := range statuses {
		if s != scsi.Good {
			t.Fatalf("command %d ends with %v", i, s)
		}
	}
}

// reserved is a rig with a unit, and two initiators that are logged in.
func reserved(t *testing.T) (r *rig, a, b *initiator.Conn) {
	r = start(t, nil)
	r.createUnit(UnitCreate{Path: r.path("a"), GUID: guidA})
	must(r.CreateTarget(t.Context(), TargetCreate{Name: iqnA}))(t)
	a, b = r.host(1), r.host(2)
	ready(t, a, 0)
	ready(t, b, 0)
	return r, a, b
}

// TestReservationsPersist: what was reserved with APTPL is there after a crash, for the same
// initiator ports, and what was not is gone.
func TestReservationsPersist(t *testing.T) {
	t.Parallel()
	r, a, b := reserved(t)
	wantGood(t,
		persistentOut(t, b, outRegister, 0, 0xB1, aptpl),
		persistentOut(t, a, outRegister, 0, 0xA1, aptpl),
		persistentOut(t, a, outReserve, 0xA1, 0, 0))
	before := must(r.Unit(t.Context(), guidA))(t)
	want := &ReservationInfo{
		Type: "write exclusive, registrants only", Holder: hostPort(1), Persists: true,
		Registered: []RegistrationInfo{
			{"0x00000000000000b1", hostPort(2), iqnA + ",t,0x0001"},
			{"0x00000000000000a1", hostPort(1), iqnA + ",t,0x0001"},
		},
	}
	if diff := cmp.Diff(want, before.Reservations); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	r.crash()
	after := must(r.Unit(t.Context(), guidA))(t)
	if diff := cmp.Diff(want, after.Reservations); diff != "" {
		t.Errorf("after a crash (-want +got):\n%s", diff)
	}
	wantSaid(t, "the registered", ready(t, r.host(2), 0), scsi.PowerOnOccurred)
	a, c := r.host(1), r.host(3)
	ready(t, a, 0)
	ready(t, c, 0)
	if s := write(t, c); s != scsi.ReservationConflict {
		t.Errorf("a stranger's WRITE ends with %v", s)
	}
	wantGood(t, write(t, a), persistentOut(t, a, outRegister, 0, 0xA1, 0))
	r.crash()
	if after := must(r.Unit(t.Context(), guidA))(t); after.Reservations != nil {
		t.Errorf("without APTPL, after a crash: %+v", after.Reservations)
	}
}

// TestReservationsRestart: an orderly restart keeps reservations of both kinds, once.
func TestReservationsRestart(t *testing.T) {
	t.Parallel()
	r, a, _ := reserved(t)
	wantGood(t, persistentOut(t, a, outRegister, 0, 0xA1, 0), persistentOut(t, a, outReserve, 0xA1, 0, 0))
	before := must(r.Unit(t.Context(), guidA))(t)
	r.restart()
	after := must(r.Unit(t.Context(), guidA))(t)
	if diff := cmp.Diff(before.Reservations, after.Reservations); diff != "" || after.Reservations == nil {
		t.Errorf("(-before +after):\n%s", diff)
	}
	a, b := r.host(1), r.host(2)
	ready(t, a, 0)
	ready(t, b, 0)
	wantGood(t, persistentOut(t, a, outClear, 0xA1, 0, 0))

	reserve := initiator.Command{CDB: []byte{0x16, 0, 0, 0, 0, 0}}
	if err := errors.Join(a.Do(&reserve), reserve.Check()); err != nil {
		t.Fatal(err)
	}
	r.restart()
	a, b = r.host(1), r.host(2)
	ready(t, a, 0)
	ready(t, b, 0)
	if s := write(t, b); s != scsi.ReservationConflict {
		t.Errorf("after the restart another's WRITE ends with %v", s)
	}
	wantGood(t, write(t, a))
	r.crash()
	if after := must(r.Unit(t.Context(), guidA))(t); after.Reservations != nil {
		t.Errorf("after a crash: %+v", after.Reservations)
	}
}

// TestReservationsEnd: a unit takes what is saved of it along.
func TestReservationsEnd(t *testing.T) {
	r, a, _ := reserved(t)
	wantGood(t, persistentOut(t, a, outRegister, 0, 0xA1, aptpl))
	unit := must(r.d.find(guidA))(t)
	if _, err := r.DeleteUnit(t.Context(), guidA, UnitDelete{Force: true}); err != nil {
		t.Fatal(err)
	}
	if err := unit.lu.Keep(scsi.Reservations{APTPL: true, Reserved: &scsi.Registrant{}}); err == nil {
		t.Error("what a deleted unit wants to keep is saved")
	}
	if records := must(reservationKind.list(r.d.state))(t); len(records) > 0 {
		t.Errorf("left behind: %+v", records)
	}
}

// TestReservationsMove: a unit that gets another GUID keeps what is saved of it.
func TestReservationsMove(t *testing.T) {
	t.Parallel()
	r, a, _ := reserved(t)
	wantGood(t, persistentOut(t, a, outRegister, 0, 0xA1, aptpl))
	other := guidA[:len(guidA)-1] + "f"
	must(r.ModifyUnit(t.Context(), guidA, UnitModify{GUID: &other, Force: true}))(t)
	r.crash()
	if u := must(r.Unit(t.Context(), other))(t); u.Reservations == nil {
		t.Error("the registration is lost")
	}
	a = r.host(1)
	ready(t, a, 0)
	wantGood(t, persistentOut(t, a, outRegister, 0, 0, 0))
	if records := must(reservationKind.list(r.d.state))(t); len(records) > 0 {
		t.Errorf("left behind: %+v", records)
	}
}

// TestReservationsDamaged: a daemon does not start without the reservations that it had
// promised to keep.
func TestReservationsDamaged(t *testing.T) {
	t.Parallel()
	r, _, _ := reserved(t)
	if err := r.d.state.Update(func(tx Tx) error {
		return tx.Put(string(reservationKind)+guidA, []byte(
			`{"format":1,"record":{"guid":"`+guidA+`","reservations":{"type":"write exclusive"}}}`))
	}); err != nil {
		t.Fatal(err)
	}
	r.end()
	_, err := Open(r.opts)
	wantProblem(t, err, "reservation/"+guidA, "damaged")
	if err == nil || !strings.Contains(err.Error(), "0 registered") {
		t.Errorf("error %v", err)
	}
}

// hostPort is the initiator port of r.host(isid).
func hostPort(isid byte) string {
	return "iqn.2026-11.org.example:host,i,0x80000000000" + string('0'+rune(isid))
}

// write writes a block.
func write(t *testing.T, c *initiator.Conn) scsi.Status {
	t.Helper()
	cmd := initiator.Command{CDB: []byte{0x2A, 0, 0, 0, 0, 0, 0, 0, 1, 0}, Out: make([]byte, 512)}
	if err := c.Do(&cmd); !cmd.Done {
		t.Fatal(err)
	}
	return cmd.Status
}
