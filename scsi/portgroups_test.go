package scsi

import (
	"encoding/binary"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/lunarsan/lunar/internal/buffer"
	"github.com/lunarsan/lunar/sbd"
)

// setGroups makes the target port groups of a script.
func (s *script) setGroups(words []string) {
	s.groups = nil
	for _, w := range words {
		number, rest, _ := strings.Cut(w, "=")
		n := uint16(s.number(number))
		g := PortGroup{Number: n, Ports: []uint16{n, n + 3}}
		for word := range strings.SplitSeq(rest, ",") {
			switch word {
			case "preferred":
				g.Preferred = true
			case "explicit":
				g.Explicit = true
			default:
				if err := g.State.UnmarshalText([]byte(word)); err != nil {
					s.t.Fatal(err)
				}
			}
		}
		s.groups = append(s.groups, g)
	}
	s.tellGroups(nil)
}

// tellGroups does what a device does when a group has changed.
func (s *script) tellGroups(asked *Task) {
	groups := slices.Clone(s.groups)
	for name, n := range s.nexuses {
		n.ChangeStates = s.changeStates
		n.SetAccess(Access{groups, uint16(name[0]-'a') + 1}, asked)
	}
}

func (s *script) changeStates(asked *Task, wanted []StateChange) error {
	if s.unsaved != nil {
		return s.unsaved
	}
	for _, w := range wanted {
		i := slices.IndexFunc(s.groups, func(g PortGroup) bool { return g.Number == w.Group })
		s.groups[i].State, s.groups[i].Cause = w.State, ChangedByCommand
	}
	s.tellGroups(asked)
	return nil
}

// portGroups annotates REPORT TARGET PORT GROUPS.
func (a *annotator) portGroups(format byte) {
	a.take(4, "RETURN DATA LENGTH")
	if format == extendedHeader {
		a.take(1, "format type")
		a.take(1, "IMPLICIT TRANSITION TIME")
		a.zeros(2)
	}
	a.each(len(a.p), func() {
		a.take(1, "PREF, asymmetric access state")
		a.take(1, "T_SUP, U_SUP, S_SUP, AN_SUP, AO_SUP")
		a.take(2, "TARGET PORT GROUP")
		a.zeros(1)
		a.take(1, "STATUS CODE")
		a.zeros(1)
		if n := a.take(1, "TARGET PORT COUNT"); n != nil {
			for range n[0] {
				a.take(4, "relative target port identifier")
			}
		}
	})
}

// Each row executes in the states that its flags say, and in no others.
func TestAccessStates(t *testing.T) {
	active := func(s AccessState) bool { return s == Optimized || s == NonOptimized }
	for state, a := range accessStates {
		state := AccessState(state)
		if a.word == "" {
			continue
		}
		n := NewNexus(Names{RelativePort: 1}, buffer.NewPool(1<<20))
		n.SetAccess(Access{[]PortGroup{{Number: 1}, {Number: 7, State: state}}, 7}, nil)
		for flags, want := range map[commandFlags]bool{
			0:                        active(state),
			writes | express:         active(state),
			inactive:                 state != Transitioning,
			anyAccess:                true,
			offline | inactive:       state != Transitioning,
			noAttention | anyAccess:  true,
			anyHolder | offline:      active(state),
			inactive | anyAccess:     true,
			unmapped | thin | writes: active(state),
		} {
			s := n.access.Load().refuses(flags)
			if got := s == NoSense; got != want {
				t.Errorf("%v: flags %#x: %v", state, flags, s)
			}
			if s != NoSense && s != a.refusal {
				t.Errorf("%v: %v, want %v", state, s, a.refusal)
			}
		}
		var back AccessState
		if err := back.UnmarshalText([]byte(state.String())); err != nil || back != state {
			t.Errorf("%v is read as %v, %v", state, back, err)
		}
	}
	var s AccessState
	for _, word := range []string{"", "offline", "Optimized"} {
		if s.UnmarshalText([]byte(word)) == nil {
			t.Errorf("%q is read as %v", word, s)
		}
	}
}

// What ESXi and the standard want of a path that is not active (SPC-5): its identity, the
// groups, and for ESXi also TEST UNIT READY, READ CAPACITY and reservations.
func TestInactiveCommands(t *testing.T) {
	want := []string{
		"TEST UNIT READY", "REQUEST SENSE", "INQUIRY", "REPORT LUNS", "MODE SENSE(6)", "MODE SENSE(10)",
		"READ CAPACITY(10)", "READ CAPACITY(16)", "RESERVE(6)", "RELEASE(6)", "RESERVE(10)", "RELEASE(10)",
		"REPORT TARGET PORT GROUPS", "SET TARGET PORT GROUPS", "LOG SENSE",
	}
	var rows []*command
	for i := range commands {
		rows = append(rows, &commands[i])
		if s := commands[i].services; s != nil {
			for j := range s {
				rows = append(rows, &s[j])
			}
		}
	}
	found := 0
	for _, row := range rows {
		if slices.Contains(want, row.name) {
			found++
			if row.flags&(inactive|anyAccess) == 0 {
				t.Errorf("%s does not execute on a standby port", row.name)
			}
		}
		if row.flags&(inactive|anyAccess) != 0 && row.flags&writes != 0 {
			t.Errorf("%s writes through a standby port", row.name)
		}
	}
	if found != len(want) {
		t.Errorf("the table has %d of %d commands", found, len(want))
	}
}

// A group may have more ports than its descriptor counts. The asking nexus's own is among
// those that are there.
func TestManyPorts(t *testing.T) {
	g := PortGroup{Number: 1}
	for port := range uint16(300) {
		g.Ports = append(g.Ports, port+1)
	}
	for own, last := range map[uint16]uint32{0: 255, 1: 255, 255: 255, 256: 256, 300: 300} {
		p := g.appendTo(nil, own)
		if len(p) != 8+4*maxGroupPorts || p[7] != maxGroupPorts {
			t.Fatalf("%d bytes, %d ports", len(p), p[7])
		}
		if got := binary.BigEndian.Uint32(p[len(p)-4:]); got != last {
			t.Errorf("for port %d the last is %d, want %d", own, got, last)
		}
	}
	if len(g.Ports) != 300 || g.Ports[254] != 255 {
		t.Error("the shared list has changed")
	}
}

// States change under I/O: every command has its data or the sense of a state that was.
func TestAccessStorm(t *testing.T) {
	pool := buffer.NewPool(8 << 20)
	u := sbd.NewUnit(testIdentity, sbd.Config{})
	if err := u.Attach(sbd.NewMem(1 << 20)); err != nil {
		t.Fatal(err)
	}
	lu := NewLogicalUnit(u, pool)
	n := NewNexus(Names{RelativePort: 1}, pool)
	n.SetInventory(map[int]*LogicalUnit{0: lu})
	allowed := []Sense{PowerOnOccurred, AccessStateChanged, PortInStandby, PortUnavailable, PortInTransition}
	var running sync.WaitGroup
	for range 4 {
		running.Go(func() {
			for range 500 {
				done := make(chan struct{})
				task := &Task{CDB: cdb(opRead10, 0, 0, 1), Expected: 512, Done: func(*Task) { close(done) }}
				n.Prepare(task)
				if !n.Submit(task) {
					<-done
				}
				s := senseOf(task)
				if task.Status != Good && !slices.Contains(allowed, s) {
					t.Errorf("status %v, %v", task.Status, s)
				}
				task.Release()
			}
		})
	}
	for i := range 500 {
		state := []AccessState{Standby, Optimized, Unavailable, NonOptimized, Transitioning}[i%5]
		n.SetAccess(Access{[]PortGroup{{Number: 1, State: state, Ports: []uint16{1}}}, 1}, nil)
	}
	running.Wait()
	n.Close(func() {})
	lu.Close()
}

func senseOf(t *Task) Sense {
	if t.Status != CheckCondition {
		return NoSense
	}
	p := t.Sense.Bytes()
	return Sense(uint32(p[2])<<16 | uint32(p[12])<<8 | uint32(p[13]))
}

// FuzzSetPortGroups sends any parameter list and wants all of it to count, or nothing.
func FuzzSetPortGroups(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte{0, 0, 0, 0})
	f.Add([]byte{0, 0, 0, 0, 2, 0, 0, 1})
	f.Add([]byte{0, 0, 0, 0, 1, 0, 0, 1, 0, 0, 0, 2})
	f.Add([]byte{0, 0, 0, 0, 15, 0, 0, 1})
	f.Add([]byte{0, 0, 0, 0, 0, 0, 0, 3})
	f.Add([]byte{0, 0, 0, 0, 0})
	f.Fuzz(func(t *testing.T, list []byte) {
		groups := []PortGroup{{Number: 1, Explicit: true}, {Number: 2, Explicit: true}, {Number: 3}}
		var made []StateChange
		n := NewNexus(Names{RelativePort: 1}, buffer.NewPool(1<<20))
		n.SetAccess(Access{groups, 1}, nil)
		n.ChangeStates = func(_ *Task, wanted []StateChange) error {
			made = wanted
			return nil
		}
		task := &Task{nexus: n, Out: list, outLen: int64(len(list)), Expected: int64(len(list)), mayBlock: true}
		err := setPortGroups(task)
		if (err != nil || len(list) == 0) && made != nil || err == nil && len(made) != max(0, len(list)-4)/4 {
			t.Fatalf("% x makes the changes %v and returns %v", list, made, err)
		}
		for _, c := range made {
			if c.State > Unavailable || c.Group < 1 || c.Group > 2 {
				t.Fatalf("% x makes the change %v", list, c)
			}
		}
		var s Sense
		if err != nil && !errors.As(err, &s) {
			t.Fatalf("% x returns %v", list, err)
		}
	})
}
