package scsi

import "encoding/binary"

// PERSISTENT RESERVE IN (SPC-5): what is registered and reserved. It begins with PRGENERATION
// and ADDITIONAL LENGTH, but for REPORT CAPABILITIES.

// persistentIn makes a handler of what appends the service action's data to the eight bytes
// of the header. A reservation of SPC-2 is in everybody's way, its holder's too (SPC-2).
func persistentIn(answer func(t *Task, r *registry, p []byte) []byte) func(*Task) error {
	return func(t *Task) error {
		r := t.lu().reservations()
		if r.Reserved != nil {
			return ReservationConflict
		}
		p := answer(t, r, binary.BigEndian.AppendUint32(nil, r.Generation)[:8:8])
		binary.BigEndian.PutUint32(p[4:], uint32(len(p)-8))
		return t.reply(p)
	}
}

// readKeys appends the keys, one for each registration.
func readKeys(_ *Task, r *registry, p []byte) []byte {
	for _, g := range r.Registered {
		p = binary.BigEndian.AppendUint64(p, uint64(g.Key))
	}
	return p
}

// readReservation appends a reservation descriptor, if there is a reservation: the holder's
// key, 0 where all registrants hold it; 4 obsolete bytes, a reserved one, SCOPE and TYPE, 2
// obsolete bytes.
func readReservation(_ *Task, r *registry, p []byte) []byte {
	if r.Type == 0 {
		return p
	}
	var key Key
	for _, g := range r.Registered {
		if g.Holder {
			key = g.Key
		}
	}
	p = binary.BigEndian.AppendUint64(p, uint64(key))
	return append(p, 0, 0, 0, 0, 0, byte(r.Type), 0, 0)
}

// readFullStatus appends a full status descriptor for each registration:
//
//	0..7   RESERVATION KEY
//	12     ALL_TG_PT, R_HOLDER
//	13     SCOPE, TYPE, of a holder
//	18, 19 RELATIVE TARGET PORT IDENTIFIER
//	20..23 ADDITIONAL DESCRIPTOR LENGTH
//	24..   TransportID
//
// A registration is for one target port each: ALL_TG_PT is 0. A target port that is not there
// any more has the identifier 0.
func readFullStatus(t *Task, r *registry, p []byte) []byte {
	relative := make(map[string]uint16)
	for _, port := range t.targetPorts() {
		relative[port.Name] = port.Relative
	}
	for i, g := range r.Registered {
		var d [24]byte
		binary.BigEndian.PutUint64(d[0:], uint64(g.Key))
		if r.holds(i) {
			d[12], d[13] = 0x01, byte(r.Type)
		}
		binary.BigEndian.PutUint16(d[18:], relative[g.TargetPort])
		id := appendTransportID(nil, g.InitiatorPort)
		binary.BigEndian.PutUint32(d[20:], uint32(len(id)))
		p = append(append(p, d[:]...), id...)
	}
	return p
}

// REPORT CAPABILITIES, bytes 2 to 5.
const (
	capableCRH   = 0x10 // exceptions to SPC-2 RESERVE and RELEASE behavior
	capableSIP   = 0x08 // SPEC_I_PT
	capableATP   = 0x04 // ALL_TG_PT
	capablePTPL  = 0x01 // APTPL
	capableTMV   = 0x80 // the type mask is valid
	capableAllow = 0x10 // ALLOW COMMANDS 001b: TEST UNIT READY, whatever the reservation
	activePTPL   = 0x01 // APTPL is in force
	capableTypes = 0xEA // all types but one, by their numbers: 7, 6, 5, 3, 1
	capableEAAR  = 0x01 // and exclusive access, all registrants
)

// reportCapabilities answers with 8 bytes: LENGTH (2), then the above.
func reportCapabilities(t *Task) error {
	lu := t.lu()
	r := lu.reservations()
	if r.Reserved != nil {
		return ReservationConflict
	}
	p := [8]byte{0, 8, capableCRH | capableSIP | capableATP, capableTMV | capableAllow, capableTypes, capableEAAR}
	if lu.Keep != nil {
		p[2] |= capablePTPL
	}
	if r.APTPL {
		p[3] |= activePTPL
	}
	return t.reply(p[:])
}
