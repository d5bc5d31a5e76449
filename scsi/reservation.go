package scsi

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// What is registered and reserved on a unit: as a value that is saved, carried to another
// process and shown, and as the table that the checks in front of a handler read.

// Reservations is what is registered and reserved on a unit. The two kinds of reservation
// exclude each other.
type Reservations struct {
	Generation uint32          `json:"generation,omitempty"` // PRGENERATION
	APTPL      bool            `json:"aptpl,omitempty"`      // is to persist through a loss of power
	Type       ReservationType `json:"type,omitempty"`       // of the persistent reservation; 0: there is none
	Registered []Registration  `json:"registered,omitempty"`
	Reserved   *Registrant     `json:"reserved,omitempty"` // by RESERVE of SPC-2
}

// A Registration is a reservation key and whose it is.
type Registration struct {
	Registrant
	Key    Key  `json:"key"`
	Holder bool `json:"holder,omitempty"` // of a persistent reservation that only one holds
}

// A Registrant is an I_T nexus by the names of its ports: it need not be logged in, and is
// the same one when it comes back.
type Registrant struct {
	InitiatorPort string `json:"initiator_port"` // "iqn.…,i,0x00023d000001", or "iqn.…" for every port of the initiator
	TargetPort    string `json:"target_port"`    // "iqn.…,t,0x0001"
}

func (n *Names) registrant() Registrant { return Registrant{n.InitiatorPort, n.TargetPort} }

// A Key is a reservation key (SPC-5). As text it is 16 hexadecimal digits after "0x".
type Key uint64

func (k Key) String() string               { return fmt.Sprintf("0x%016x", uint64(k)) }
func (k Key) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// UnmarshalText reads what MarshalText writes.
func (k *Key) UnmarshalText(p []byte) error {
	digits, ok := strings.CutPrefix(string(p), "0x")
	n, err := strconv.ParseUint(digits, 16, 64)
	if !ok || err != nil {
		return fmt.Errorf("%q is not a reservation key: write 0x and up to 16 hexadecimal digits", p)
	}
	*k = Key(n)
	return nil
}

// A ReservationType is the TYPE of a persistent reservation (SPC-5).
type ReservationType uint8

const (
	WriteExclusive                 ReservationType = 1
	ExclusiveAccess                ReservationType = 3
	WriteExclusiveRegistrantsOnly  ReservationType = 5
	ExclusiveAccessRegistrantsOnly ReservationType = 6
	WriteExclusiveAllRegistrants   ReservationType = 7
	ExclusiveAccessAllRegistrants  ReservationType = 8
)

// reservationTypes says what each type means.
var reservationTypes = [...]struct {
	name        string
	exclusive   bool // nobody else may read either
	registrants bool // those who are registered may do all that the holder may
	all         bool // and hold the reservation too
}{
	WriteExclusive:                 {name: "write exclusive"},
	ExclusiveAccess:                {name: "exclusive access", exclusive: true},
	WriteExclusiveRegistrantsOnly:  {name: "write exclusive, registrants only", registrants: true},
	ExclusiveAccessRegistrantsOnly: {name: "exclusive access, registrants only", exclusive: true, registrants: true},
	WriteExclusiveAllRegistrants:   {name: "write exclusive, all registrants", registrants: true, all: true},
	ExclusiveAccessAllRegistrants:  {name: "exclusive access, all registrants", exclusive: true, registrants: true, all: true},
}

// known reports whether the standard has the type.
func (r ReservationType) known() bool {
	return int(r) < len(reservationTypes) && reservationTypes[r].name != ""
}

func (r ReservationType) String() string {
	if !r.known() {
		return fmt.Sprintf("reservation type %d", uint8(r))
	}
	return reservationTypes[r].name
}

func (r ReservationType) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// UnmarshalText reads what MarshalText writes.
func (r *ReservationType) UnmarshalText(p []byte) error {
	for i, t := range reservationTypes {
		if t.name != "" && t.name == string(p) {
			*r = ReservationType(i)
			return nil
		}
	}
	return fmt.Errorf("%q is not a type of reservation", p)
}

// Empty reports whether nothing is registered or reserved.
func (r *Reservations) Empty() bool { return len(r.Registered) == 0 && r.Reserved == nil }

// lasting is what persists through a loss of power, which sets PRGENERATION to 0 (SPC-5).
func (r *Reservations) lasting() Reservations {
	if !r.APTPL {
		return Reservations{}
	}
	return Reservations{APTPL: true, Type: r.Type, Registered: r.Registered}
}

// check refuses what no sequence of commands leads to.
func (r *Reservations) check() error {
	seen := make(map[Registrant]bool)
	holders := 0
	for _, g := range r.Registered {
		if g.Key == 0 || seen[g.Registrant] {
			return fmt.Errorf("%s with %s has the key %v, or is there twice", g.InitiatorPort, g.TargetPort, g.Key)
		}
		seen[g.Registrant] = true
		if g.Holder {
			holders++
		}
	}
	want := 0
	switch {
	case r.Reserved != nil && len(r.Registered) > 0:
		return errors.New("both kinds of reservation")
	case r.Type == 0:
	case !r.Type.known(), len(r.Registered) == 0:
		return fmt.Errorf("%v, and %d registered", r.Type, len(r.Registered))
	case !reservationTypes[r.Type].all:
		want = 1
	}
	if holders != want {
		return fmt.Errorf("%d holders", holders)
	}
	return nil
}

// A registry is Reservations made ready to look things up in. It is replaced, never changed.
type registry struct {
	Reservations
	index map[Registrant]int // in Registered
}

func newRegistry(r Reservations) *registry {
	g := &registry{r, make(map[Registrant]int, len(r.Registered))}
	for i, o := range r.Registered {
		g.index[o.Registrant] = i
	}
	return g
}

// find returns the index of who's registration: that of its initiator port, else that of all
// ports of its initiator; -1: it is not registered.
func (r *registry) find(who Registrant) int {
	if i, ok := r.index[who]; ok {
		return i
	}
	who.InitiatorPort, _, _ = strings.Cut(who.InitiatorPort, isidSeparator)
	if i, ok := r.index[who]; ok {
		return i
	}
	return -1
}

// holds reports whether the registration i, which may be -1, holds the persistent reservation.
func (r *registry) holds(i int) bool {
	return i >= 0 && r.Type != 0 && (reservationTypes[r.Type].all || r.Registered[i].Holder)
}

// shares reports whether the registration i, which may be -1, may do what a holder may.
func (r *registry) shares(i int) bool {
	return i >= 0 && r.Type != 0 && (reservationTypes[r.Type].registrants || r.Registered[i].Holder)
}

// refuses reports whether a command with flags from who conflicts with what is reserved (SPC-5
// and SBC-4, commands allowed in the presence of various persistent reservations; SPC-2).
func (r *registry) refuses(who Registrant, flags commandFlags) bool {
	switch {
	case r.Reserved != nil:
		return flags&anyHolder == 0 && *r.Reserved != who
	case r.Type == 0, flags&(anyHolder|anyPersist) != 0:
		return false
	case flags&anyReader != 0 && !reservationTypes[r.Type].exclusive:
		return false
	}
	return !r.shares(r.find(who))
}

// conflicts reports whether a reservation keeps a command with flags from coming by p.
func (p *path) conflicts(flags commandFlags) bool {
	r := p.unit.inForce.Load()
	return r != nil && r.refuses(p.nexus.registrant(), flags)
}

// Reservations returns what is registered and reserved.
func (lu *LogicalUnit) Reservations() Reservations {
	r := lu.reservations().Reservations
	r.Registered = slices.Clone(r.Registered)
	return r
}

func (lu *LogicalUnit) reservations() *registry {
	lu.mu.Lock()
	defer lu.mu.Unlock()
	return lu.registry
}

// publish puts r in force. The caller holds lu.mu.
func (lu *LogicalUnit) publish(r *registry) {
	lu.registry = r
	if r.Reserved == nil && r.Type == 0 {
		r = nil
	}
	lu.inForce.Store(r)
}

// exclude aborts the tasks that match, if match is not nil. The channel is closed when they do
// not run any more, nor any task that r, which is in force, refuses; those that begin to run
// later meet the checks in front of them. lu.reserving is held, and given back before anybody
// waits: of two that wait for each other's tasks, the second is no registrant any more.
func (lu *LogicalUnit) exclude(r *registry, match func(*Task) bool, tell func(*Task) bool) <-chan struct{} {
	gone := make(chan struct{})
	b := newBarrier(func() { close(gone) })
	if match != nil {
		lu.tasks.abort(b, match, tell)
	}
	lu.tasks.await(b, func(t *Task) bool { return t.row != nil && r.refuses(t.nexus.registrant(), t.row.flags) })
	b.settle(false)
	return gone
}
