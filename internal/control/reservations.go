package control

import (
	"errors"
	"fmt"

	"github.com/lunarsan/lunar/sbd"
	"github.com/lunarsan/lunar/scsi"
)

// Persistent reservations that an initiator wants to persist through a loss of power (APTPL)
// are saved before it is told so, and are there before anybody sees the unit again. The others
// go over an orderly restart alone: see carry.go.

// A reservationRecord is what has to persist of a unit's reservations. Registrants are known
// by the names of their ports, which outlive what numbers them.
type reservationRecord struct {
	GUID         sbd.GUID          `json:"guid"`
	Reservations scsi.Reservations `json:"reservations"`
}

const reservationKind kind[reservationRecord] = "reservation/"

// keepReservations saves r in place of what was saved for u.
func (d *Daemon) keepReservations(u *unit, r scsi.Reservations) error {
	d.mu.RLock()
	guid := u.record.GUID
	d.mu.RUnlock()
	return d.state.Update(func(tx Tx) error {
		if tx.Get(string(unitKind)+guid.String()) == nil {
			return fmt.Errorf("unit %s: its reservations were not saved: there is no such unit any more", guid)
		}
		if r.Empty() {
			return reservationKind.delete(tx, guid.String())
		}
		return reservationKind.put(tx, guid.String(), reservationRecord{guid, r})
	})
}

// moveReservations takes what was saved for a unit along to its new GUID.
func moveReservations(tx Tx, was, is sbd.GUID) error {
	r, there, err := reservationKind.get(tx, was.String())
	if err != nil || !there {
		return err
	}
	r.GUID = is
	return errors.Join(reservationKind.delete(tx, was.String()), reservationKind.put(tx, is.String(), r))
}

// loadReservations gives the units what was saved for them.
func (d *Daemon) loadReservations() error {
	records, err := reservationKind.list(d.state)
	if err != nil {
		return err
	}
	for _, r := range records {
		u := d.units[r.GUID]
		if u == nil {
			continue
		}
		if err := u.lu.RestoreReservations(r.Reservations); err != nil {
			return damagedRecord(fmt.Sprint(reservationKind, r.GUID), err)
		}
	}
	return nil
}

// reservationInfo describes r; nil: there is nothing to tell.
func reservationInfo(r scsi.Reservations) *ReservationInfo {
	if r.Empty() {
		return nil
	}
	info := &ReservationInfo{Persists: r.APTPL}
	switch {
	case r.Reserved != nil:
		info.Type, info.Holder = "RESERVE", r.Reserved.InitiatorPort
	case r.Type != 0:
		info.Type = r.Type.String()
	}
	for _, g := range r.Registered {
		info.Registered = append(info.Registered, RegistrationInfo{g.Key.String(), g.InitiatorPort, g.TargetPort})
		if g.Holder {
			info.Holder = g.InitiatorPort
		}
	}
	return info
}

// retainReservations makes the units keep the reservations of sessions that end from now on,
// for the next daemon.
func (d *Daemon) retainReservations() {
	d.mu.RLock()
	defer d.mu.RUnlock()
	for _, u := range d.units {
		u.lu.RetainReservation()
	}
}
