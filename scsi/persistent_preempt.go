package scsi

// PREEMPT and PREEMPT AND ABORT (SPC-5, preempting).

// preemptAndAbort is PREEMPT AND ABORT: the tasks of those that lose their registration are
// aborted.
func (c *change) preemptAndAbort() error {
	c.aborts = true
	return c.preempt()
}

// preempt is PREEMPT: it takes the registrations with the service action reservation key away
// and, where that is the holder's, the reservation.
//
//	reservation          key 0               the holder's key   another one
//	none                 refused                                registrations
//	all registrants      the reservation,                       registrations
//	                     all registrations
//	others               refused             both               registrations
//
// Of a key that nobody has it is a conflict.
func (c *change) preempt() error {
	if !c.authorised() {
		return ReservationConflict
	}
	key := c.list.serviceKey
	everybody := key == 0 && reservationTypes[c.Type].all
	if key == 0 && !everybody {
		return InvalidFieldInParameters.At(8)
	}
	takes, matches := everybody, everybody
	for _, g := range c.old.Registered {
		matches = matches || g.Key == key
		takes = takes || g.Holder && g.Key == key
	}
	if !matches {
		return ReservationConflict
	}
	typ := c.Type
	if takes {
		var err error
		if typ, err = c.reservationType(); err != nil {
			return err
		}
	}
	c.Generation++
	c.made = true
	for i, g := range c.old.Registered {
		if (everybody || g.Key == key) && !(takes && i == c.own) {
			c.lose(i)
			c.told[i] = RegistrationsPreempted
		}
	}
	if !takes {
		c.expel()
		return nil
	}
	if typ != c.Type {
		c.tell(ReservationsReleased)
	}
	c.grant(c.own, typ)
	c.expel()
	return nil
}
