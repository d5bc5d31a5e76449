package scsi

import (
	"slices"

	"github.com/lunarsan/lunar/sbd"
)

// PERSISTENT RESERVE OUT (SPC-5). Each service action is a method of change, which makes of
// what is registered and reserved what comes after it. One at a time: the change is saved if
// it has to persist, then put in force, then the unit attentions are established; the command
// ends when no task runs any more that the change is in the way of. Whatever fails, nothing
// has changed.

// maxRegistrations bounds the registrations of a unit.
const maxRegistrations = 1024

// A change is a PERSISTENT RESERVE OUT under way. Reservations is what will be: the
// registrations of old first, in their order, until some are removed.
type change struct {
	Reservations
	t    *Task
	list outList
	old  *registry
	own  int // the asker's registration in old; -1: it has none
	made bool

	told    map[int]Sense // the unit attentions of who has a registration in old
	removed map[int]bool  // the registrations in old that others have lost
	aborts  bool          // the tasks of those too
}

// persistentOut makes a handler of a service action.
func persistentOut(act func(*change) error) func(*Task) error {
	return func(t *Task) error {
		if !t.mayBlock {
			return sbd.ErrWouldBlock
		}
		c := &change{t: t, told: make(map[int]Sense), removed: make(map[int]bool)}
		enforced, err := c.perform(act)
		if err == nil {
			<-enforced
		}
		return err
	}
}

// perform does act. The channel is closed when no task is in the way of it any more.
func (c *change) perform(act func(*change) error) (enforced <-chan struct{}, err error) {
	lu := c.t.lu()
	lu.reserving.Lock()
	defer lu.reserving.Unlock()
	c.old = lu.reservations()
	if c.old.Reserved != nil { // by the asker or another: they exclude each other (SPC-2)
		return nil, ReservationConflict
	}
	if c.list, err = parseOutList(c.t.CDB.service(), c.t.Out, c.t.outLen); err != nil {
		return nil, err
	}
	c.own = c.old.find(c.t.nexus.registrant())
	c.Reservations = c.old.Reservations
	c.Registered = slices.Clone(c.Registered)
	if err := act(c); err != nil {
		return nil, err
	}
	next := c.old
	if c.made {
		if err := c.keep(); err != nil {
			return nil, err
		}
		next = newRegistry(c.Reservations)
		c.publish(next)
	}
	return c.enforce(next), nil
}

// keep saves what has to persist.
func (c *change) keep() error {
	keep := c.t.lu().Keep
	if keep == nil || !c.APTPL && !c.old.APTPL {
		return nil
	}
	if err := keep(c.lasting()); err != nil {
		return (&Fault{Sense: InsufficientRegistrations}).Because(err)
	}
	return nil
}

// publish puts next in force and tells those who have to know, here or not.
func (c *change) publish(next *registry) {
	lu := c.t.lu()
	lu.mu.Lock()
	defer lu.mu.Unlock()
	lu.publish(next)
	for _, p := range lu.paths {
		if p.nexus == c.t.nexus {
			continue
		}
		if s := c.told[c.old.find(p.nexus.registrant())]; s != NoSense {
			p.raiseLocked(s)
		}
	}
	for i := range lu.lost {
		l := &lu.lost[i]
		if s := c.told[c.old.find(Registrant{l.initiatorPort, l.targetPort})]; s != NoSense {
			l.attentions.raise(s)
		}
	}
}

// enforce aborts what is to be aborted. The channel is closed when that does not run any more,
// nor what next refuses.
func (c *change) enforce(next *registry) <-chan struct{} {
	var match func(*Task) bool
	if c.aborts {
		match = func(t *Task) bool { return t != c.t && c.removed[c.old.find(t.nexus.registrant())] }
	}
	tell := c.t.lu().modes.tas.Load()
	return c.t.lu().exclude(next, match, func(t *Task) bool { return tell && t.nexus != c.t.nexus })
}

// authorised reports whether the asker is registered and knows its key.
func (c *change) authorised() bool {
	return c.own >= 0 && c.old.Registered[c.own].Key == c.list.key
}

// reservationType checks SCOPE and TYPE, where they count: the whole unit, a type that there
// is.
func (c *change) reservationType() (ReservationType, error) {
	typ := ReservationType(c.t.CDB[2] & 0x0F)
	switch {
	case c.t.CDB[2]>>4 != 0:
		return 0, InvalidFieldInCDB.AtBit(2, 7)
	case !typ.known():
		return 0, InvalidFieldInCDB.AtBit(2, 3)
	}
	return typ, nil
}

// reserve is RESERVE: the reservation, for the asker or, by its type, for all registrants. It
// may be asked for again, with the same type.
func (c *change) reserve() error {
	if !c.authorised() {
		return ReservationConflict
	}
	typ, err := c.reservationType()
	switch {
	case err != nil:
		return err
	case c.old.holds(c.own) && typ == c.Type:
		return nil
	case c.Type != 0:
		return ReservationConflict
	}
	c.made = true
	c.grant(c.own, typ)
	return nil
}

// grant makes the registration i the holder of a reservation.
func (c *change) grant(i int, typ ReservationType) {
	c.Type = typ
	for j := range c.Registered {
		c.Registered[j].Holder = j == i && !reservationTypes[typ].all
	}
}

// release is RELEASE. It is GOOD, and changes nothing, for those who do not hold the
// reservation.
func (c *change) release() error {
	if !c.authorised() {
		return ReservationConflict
	}
	if !c.old.holds(c.own) {
		return nil
	}
	if c.t.CDB[2] != byte(c.Type) {
		return InvalidRelease
	}
	c.made = true
	c.vacate()
	return nil
}

// vacate ends the reservation, and tells those who shared it.
func (c *change) vacate() {
	if reservationTypes[c.Type].registrants {
		c.tell(ReservationsReleased)
	}
	c.grant(-1, 0)
}

// tell establishes a unit attention for all who stay registered, but the asker.
func (c *change) tell(s Sense) {
	for i := range c.old.Registered {
		if !c.removed[i] {
			c.told[i] = s
		}
	}
}

// clear is CLEAR: no reservation and no registration stays.
func (c *change) clear() error {
	if !c.authorised() {
		return ReservationConflict
	}
	c.made = true
	c.Generation++
	c.tell(ReservationsPreempted)
	c.Type, c.Registered = 0, nil
	return nil
}
