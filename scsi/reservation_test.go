package scsi

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lunarsan/lunar/internal/buffer"
	"github.com/lunarsan/lunar/sbd"
)

// TestBeside holds each row of the table of commands to SPC-5 and SBC-4 (commands allowed in
// the presence of various persistent reservations) and SPC-2, for those who do not share the
// reservation. What is not named here conflicts.
func TestBeside(t *testing.T) {
	always := "INQUIRY, REPORT LUNS, REQUEST SENSE, REPORT TARGET PORT GROUPS, RELEASE(6), RELEASE(10)"
	persistent := always + ", TEST UNIT READY, READ CAPACITY(10), READ CAPACITY(16)" +
		", LOG SENSE, START STOP UNIT" + // which looks itself whether it stops
		", RESERVE(6), RESERVE(10)" // which have their own rules
	reading := persistent + ", READ(6), READ(10), READ(12), READ(16), VERIFY(10), VERIFY(12), VERIFY(16)" +
		", PRE-FETCH(10), PRE-FETCH(16), GET LBA STATUS, POPULATE TOKEN, MODE SENSE(6), MODE SENSE(10)" +
		", READ DEFECT DATA(10), READ DEFECT DATA(12)" +
		", REPORT SUPPORTED OPERATION CODES, REPORT SUPPORTED TASK MANAGEMENT FUNCTIONS"
	const holder, registered, stranger = "holder", "registered", "stranger"
	for _, tt := range []struct {
		typ     ReservationType
		who     string
		allowed string // "": everything
	}{
		{0, stranger, always}, // RESERVE
		{WriteExclusive, holder, ""},
		{WriteExclusive, registered, reading},
		{WriteExclusive, stranger, reading},
		{ExclusiveAccess, holder, ""},
		{ExclusiveAccess, registered, persistent},
		{ExclusiveAccess, stranger, persistent},
		{WriteExclusiveRegistrantsOnly, holder, ""},
		{WriteExclusiveRegistrantsOnly, registered, ""},
		{WriteExclusiveRegistrantsOnly, stranger, reading},
		{ExclusiveAccessRegistrantsOnly, registered, ""},
		{ExclusiveAccessRegistrantsOnly, stranger, persistent},
		{WriteExclusiveAllRegistrants, registered, ""},
		{WriteExclusiveAllRegistrants, stranger, reading},
		{ExclusiveAccessAllRegistrants, registered, ""},
		{ExclusiveAccessAllRegistrants, stranger, persistent},
	} {
		r := Reservations{Reserved: &Registrant{holder, "port"}}
		if tt.typ != 0 {
			r = Reservations{Type: tt.typ, Registered: []Registration{
				{Registrant{holder, "port"}, 1, !reservationTypes[tt.typ].all},
				{Registrant{registered, "port"}, 2, false},
			}}
		}
		if err := r.check(); err != nil {
			t.Fatal(err)
		}
		lu := NewLogicalUnit(sbd.NewUnit(testIdentity, sbd.Config{}), buffer.NewPool(1<<20))
		if err := lu.RestoreReservations(r); err != nil {
			t.Fatal(err)
		}
		p := lu.attach(&Nexus{Names: Names{InitiatorPort: tt.who, TargetPort: "port"}})
		allowed := strings.Split(tt.allowed, ", ")
		eachCommand(func(row *command) {
			want := tt.allowed == "" || slices.Contains(allowed, row.name) ||
				tt.typ != 0 && strings.HasPrefix(row.name, "PERSISTENT RESERVE")
			if got := !p.conflicts(row.flags); got != want {
				t.Errorf("%v, %s: %s is allowed: %v, want %v", tt.typ, tt.who, row.name, got, want)
			}
		})
		lu.detach(p)
		lu.Close()
	}
}

// eachCommand calls f for each row of the table.
func eachCommand(f func(row *command)) {
	for i := range commands {
		if commands[i].run != nil {
			f(&commands[i])
		}
		if s := commands[i].services; s != nil {
			for j := range s {
				if s[j].run != nil {
					f(&s[j])
				}
			}
		}
	}
}

// TestRestoredHolder has a holder come back in time, and one too late.
func TestRestoredHolder(t *testing.T) {
	for _, comes := range []time.Duration{returnTime - 1, returnTime + 1} {
		synctest.Test(t, func(t *testing.T) {
			pool := buffer.NewPool(1 << 20)
			lu := NewLogicalUnit(sbd.NewUnit(testIdentity, sbd.Config{}), pool)
			names := Names{InitiatorPort: "a", TargetPort: "port"}
			if err := lu.RestoreReservations(Reservations{Reserved: &Registrant{"a", "port"}}); err != nil {
				t.Fatal(err)
			}
			time.Sleep(comes)
			n := NewNexus(names, pool)
			n.SetInventory(map[int]*LogicalUnit{0: lu})
			time.Sleep(returnTime)
			if r := lu.Reservations(); (r.Reserved != nil) != (comes < returnTime) {
				t.Errorf("back after %v, the reservation is %v", comes, r.Reserved)
			}
			n.Close(func() {})
			if r := lu.Reservations(); !r.Empty() {
				t.Errorf("after its end: %+v", r)
			}
			lu.Close()
		})
	}
}

// TestClosedHolder has a RESERVE come to run when its nexus has ended: nobody could release it.
func TestClosedHolder(t *testing.T) {
	pool := buffer.NewPool(1 << 20)
	lu := NewLogicalUnit(sbd.NewUnit(testIdentity, sbd.Config{}), pool)
	n := NewNexus(Names{InitiatorPort: "a"}, pool)
	n.SetInventory(map[int]*LogicalUnit{0: lu})
	task := &Task{nexus: n, path: n.luns.Load().paths[0]}
	n.Close(func() {})
	if _, err := task.takeReservation(); err != ReservationConflict {
		t.Errorf("RESERVE ends with %v", err)
	}
	if r := lu.Reservations(); !r.Empty() {
		t.Errorf("and leaves %+v", r)
	}
	lu.Close()
}

// TestTwoLUNs has a nexus see its unit twice: the reservation lasts as long as one of them.
func TestTwoLUNs(t *testing.T) {
	pool := buffer.NewPool(1 << 20)
	lu := NewLogicalUnit(sbd.NewUnit(testIdentity, sbd.Config{}), pool)
	n := NewNexus(Names{InitiatorPort: "a"}, pool)
	n.SetInventory(map[int]*LogicalUnit{0: lu, 1: lu})
	task := &Task{nexus: n, path: n.luns.Load().paths[0]}
	if _, err := task.takeReservation(); err != nil {
		t.Fatal(err)
	}
	n.SetInventory(map[int]*LogicalUnit{1: lu})
	if lu.Reservations().Reserved == nil {
		t.Error("the reservation went with one of two LUNs")
	}
	n.SetInventory(nil)
	if lu.Reservations().Reserved != nil {
		t.Error("the reservation stays although nobody sees the unit")
	}
	n.Close(func() {})
	lu.Close()
}

func TestReservationsAsText(t *testing.T) {
	r := Reservations{
		Generation: 7, APTPL: true, Type: WriteExclusiveRegistrantsOnly,
		Registered: []Registration{{Registrant{"iqn.a,i,0x01", "iqn.t,t,0x0001"}, 0xA1, true}, {Registrant{"iqn.b", "iqn.t,t,0x0001"}, 1<<64 - 1, false}},
	}
	text, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"generation":7,"aptpl":true,"type":"write exclusive, registrants only","registered":[` +
		`{"initiator_port":"iqn.a,i,0x01","target_port":"iqn.t,t,0x0001","key":"0x00000000000000a1","holder":true},` +
		`{"initiator_port":"iqn.b","target_port":"iqn.t,t,0x0001","key":"0xffffffffffffffff"}]}`
	if diff := cmp.Diff(want, string(text)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	var back Reservations
	if err := json.Unmarshal(text, &back); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(r, back); diff != "" {
		t.Errorf("read back (-want +got):\n%s", diff)
	}
	for _, bad := range []string{`{"type":"mine"}`, `{"type":""}`, `{"registered":[{"key":"a1"}]}`, `{"registered":[{"key":"0x1ffffffffffffffff"}]}`} {
		if err := json.Unmarshal([]byte(bad), &back); err == nil {
			t.Errorf("%s is read", bad)
		}
	}
}

func TestImpossibleReservations(t *testing.T) {
	a := Registration{Registrant{"a", "t"}, 1, false}
	b := Registration{Registrant{"b", "t"}, 1, false}
	held := Registration{Registrant{"c", "t"}, 1, true}
	for name, r := range map[string]Reservations{
		"twice":               {Registered: []Registration{a, a}},
		"key 0":               {Registered: []Registration{{Registrant: a.Registrant}}},
		"unknown type":        {Type: 2, Registered: []Registration{held}},
		"far type":            {Type: 200, Registered: []Registration{held}},
		"nobody":              {Type: WriteExclusiveAllRegistrants},
		"no holder":           {Type: WriteExclusive, Registered: []Registration{a, b}},
		"two holders":         {Type: WriteExclusive, Registered: []Registration{held, {Registrant{"d", "t"}, 1, true}}},
		"a holder among all":  {Type: ExclusiveAccessAllRegistrants, Registered: []Registration{held}},
		"a holder of nothing": {Registered: []Registration{held}},
		"both kinds":          {Registered: []Registration{a}, Reserved: &Registrant{"b", "t"}},
	} {
		lu := NewLogicalUnit(sbd.NewUnit(testIdentity, sbd.Config{}), buffer.NewPool(1<<20))
		if err := lu.RestoreReservations(r); err == nil {
			t.Errorf("%s: restored", name)
		}
		if r := lu.Reservations(); !r.Empty() {
			t.Errorf("%s: leaves %+v", name, r)
		}
	}
}

// TestRegistrationsEnd fills the place for registrations.
func TestRegistrationsEnd(t *testing.T) {
	var full Reservations
	for i := range maxRegistrations {
		full.Registered = append(full.Registered, Registration{Registrant{fmt.Sprint(i), "t"}, 1, false})
	}
	n := NewNexus(Names{Initiator: "a", InitiatorPort: "a,i,0x1", TargetPort: "t"}, buffer.NewPool(1<<20))
	lu := NewLogicalUnit(sbd.NewUnit(testIdentity, sbd.Config{}), n.pool)
	if err := lu.RestoreReservations(full); err != nil {
		t.Fatal(err)
	}
	task := &Task{nexus: n, path: lu.attach(n), Out: []byte{15: 1, 23: 0}, outLen: 24, CDB: CDB{byte(opPersistentOut)}}
	c := &change{t: task, told: map[int]Sense{}, removed: map[int]bool{}}
	if _, err := c.perform((*change).register); err != InsufficientRegistrations {
		t.Errorf("one more ends with %v", err)
	}
	if diff := cmp.Diff(full, lu.Reservations()); diff != "" {
		t.Errorf("(-before +after):\n%s", diff)
	}
}

// TestReservedAllocations holds the path of READ and WRITE to no allocation while the unit is
// reserved, for the holder, those who share it, and those whom it refuses.
func TestReservedAllocations(t *testing.T) {
	if race {
		t.Skip("under the race detector the pool forgets, at random, what it was given back")
	}
	pool := buffer.NewPool(1 << 20)
	lu := NewLogicalUnit(sbd.NewUnit(testIdentity, sbd.Config{}), pool)
	if err := lu.RestoreReservations(Reservations{Type: WriteExclusiveRegistrantsOnly, Registered: []Registration{
		{Registrant{"iqn.a,i,0x1", "t"}, 1, true}, {Registrant{"iqn.b", "t"}, 1, false},
	}}); err != nil {
		t.Fatal(err)
	}
	for who, want := range map[string]bool{"iqn.a,i,0x1": false, "iqn.b,i,0x1": false, "iqn.c,i,0x1": true} {
		p := lu.attach(&Nexus{Names: Names{InitiatorPort: who, TargetPort: "t"}})
		if n := testing.AllocsPerRun(100, func() {
			if p.conflicts(writes) != want {
				t.Errorf("%s: conflicts: %v", who, !want)
			}
		}); n != 0 {
			t.Errorf("%s: %v allocations", who, n)
		}
		lu.detach(p)
	}
}

// TestConflictsAreCounted counts what a reservation refuses, and nothing else.
func TestConflictsAreCounted(t *testing.T) {
	p := newPlay(t, 1<<20)
	for _, words := range [][]string{{"a", "1", "reserve"}, {"b", "2", "reserve"}, {"b", "3", "read"}, {"b", "4", "read"}} {
		done := make(chan struct{})
		n := p.nexuses[words[0]]
		task := &Task{CDB: CDB{byte(opReserve6)}, Done: func(*Task) { close(done) }}
		if words[2] == "read" {
			task.CDB = cdb(opRead10, 0, 0, 1)
		}
		n.Prepare(task)
		if !n.Submit(task) {
			<-done
		}
		task.Release()
	}
	want := map[Opcode]uint64{opReserve6: 1, opRead10: 2}
	for _, m := range p.lu.Metrics() {
		if m.Conflicts != want[m.Opcode] {
			t.Errorf("%s: %d conflicts, want %d", m.Name, m.Conflicts, want[m.Opcode])
		}
		delete(want, m.Opcode)
	}
	if len(want) > 0 {
		t.Errorf("not counted: %v", want)
	}
	p.end()
}
