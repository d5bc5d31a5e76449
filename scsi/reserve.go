package scsi

import (
	"fmt"
	"slices"
	"time"

	"github.com/lunarsan/lunar/sbd"
)

// RESERVE and RELEASE of 6 and 10 bytes, as SPC-2 had them: the whole unit, for the nexus
// that asks. VMFS locks with them where it cannot compare and write. A nexus that ends, and a
// reset, drop the reservation. Where somebody is registered for persistent reservations they
// conflict, but for those to whom the persistent reservation gives what they ask for: they
// get GOOD, and nothing changes (SPC-5, exceptions to SPC-2 RESERVE and RELEASE behavior).

// reserveOptions are third parties, extents and long identifiers, in byte 1: none is served.
const reserveOptions = 0x1F

// returnTime is how long a reservation that was restored waits for its holder to log in.
const returnTime = time.Minute

// reserve takes the reservation, or keeps it. It ends when no command of another nexus runs
// that was let in before.
func reserve(t *Task) error {
	if t.CDB[1]&reserveOptions != 0 {
		return InvalidFieldInCDB.AtBit(1, 4)
	}
	if !t.mayBlock {
		return sbd.ErrWouldBlock
	}
	lu := t.lu()
	lu.reserving.Lock() // no persistent reservation comes in between
	r, err := t.takeReservation()
	if err != nil {
		lu.reserving.Unlock()
		return err
	}
	alone := lu.exclude(r, nil, nil)
	lu.reserving.Unlock()
	<-alone
	return nil
}

// takeReservation reserves the unit and returns what is in force then.
func (t *Task) takeReservation() (*registry, error) {
	lu, who := t.lu(), t.nexus.registrant()
	lu.mu.Lock()
	defer lu.mu.Unlock()
	r := lu.registry
	switch {
	case r.shares(r.find(who)):
		return r, nil
	case len(r.Registered) > 0, t.path.at == detached: // or its nexus has ended
		return nil, ReservationConflict
	case r.Reserved == nil:
		next := *r
		next.Reserved = &who
		lu.publish(&next)
	case *r.Reserved != who:
		return nil, ReservationConflict
	}
	return lu.registry, nil
}

// release gives the reservation up. It is GOOD for those that do not have it, and does
// nothing then.
func release(t *Task) error {
	if t.CDB[1]&reserveOptions != 0 {
		return InvalidFieldInCDB.AtBit(1, 4)
	}
	lu := t.lu()
	lu.mu.Lock()
	defer lu.mu.Unlock()
	r, who := lu.registry, t.nexus.registrant()
	if len(r.Registered) > 0 && !r.shares(r.find(who)) {
		return ReservationConflict
	}
	lu.releaseFor(who)
	return nil
}

// releaseFor ends the reservation if who has it. The caller holds lu.mu.
func (lu *LogicalUnit) releaseFor(who Registrant) {
	if held := lu.registry.Reserved; held != nil && *held == who {
		lu.releaseAny()
	}
}

// releaseAny ends the reservation, whoever has it. The caller holds lu.mu.
func (lu *LogicalUnit) releaseAny() {
	if lu.registry.Reserved != nil {
		next := *lu.registry
		next.Reserved = nil
		lu.publish(&next)
	}
}

// releaseAbsent ends the reservation if who has it and does not see the unit. The caller holds
// lu.mu.
func (lu *LogicalUnit) releaseAbsent(who Registrant) {
	held := lu.registry.Reserved
	if held == nil || *held != who { // as nearly always, and there may be a thousand paths
		return
	}
	if !slices.ContainsFunc(lu.paths, func(p *path) bool { return p.nexus.registrant() == who }) {
		lu.releaseAny()
	}
}

// RetainReservation keeps the reservation of a nexus that ends from now on, for
// Reservations: the unit is about to go on in another process.
func (lu *LogicalUnit) RetainReservation() {
	lu.mu.Lock()
	defer lu.mu.Unlock()
	lu.retain = true
}

// RestoreReservations puts back what Reservations returned in an earlier process, before any
// nexus sees the unit. A holder of an SPC-2 reservation that does not come back within a
// minute loses it.
func (lu *LogicalUnit) RestoreReservations(r Reservations) error {
	lu.mu.Lock()
	defer lu.mu.Unlock()
	return lu.restoreLocked(r)
}

func (lu *LogicalUnit) restoreLocked(r Reservations) error {
	if err := r.check(); err != nil {
		return fmt.Errorf("reservations that cannot be: %w", err)
	}
	lu.publish(newRegistry(r))
	if r.Reserved != nil {
		lu.returning = time.AfterFunc(returnTime, func() {
			lu.mu.Lock()
			defer lu.mu.Unlock()
			lu.releaseAbsent(*r.Reserved)
		})
	}
	return nil
}
