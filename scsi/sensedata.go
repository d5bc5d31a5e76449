package scsi

import (
	"encoding/binary"
	"math"
)

// fixedLen is the length of fixed format sense data without what is forwarded, in bytes.
const fixedLen = 18

// SenseData is sense data as it goes to the initiator.
type SenseData struct {
	b [64]byte
	n uint8
}

// Bytes returns the encoded sense data: empty when there is none.
func (d *SenseData) Bytes() []byte { return d.b[:d.n] }

// Sense returns what the data say; NoSense when there are none.
func (d *SenseData) Sense() Sense {
	switch {
	case d.n == 0:
		return NoSense
	case d.b[0] == 0x72:
		return Sense(d.b[1])<<16 | Sense(d.b[2])<<8 | Sense(d.b[3])
	}
	return Sense(d.b[2])<<16 | Sense(d.b[12])<<8 | Sense(d.b[13])
}

// encode writes f as current information, in the format that D_SENSE of the control mode
// page asks for.
func (d *SenseData) encode(f *Fault, descriptors bool) {
	if descriptors {
		d.encodeDescriptors(f)
	} else {
		d.encodeFixed(f)
	}
}

// encodeFixed writes fixed format sense data (SPC-5):
//
//	0      VALID, response code 70h
//	2      sense key
//	3..6   INFORMATION
//	7      additional length
//	8, 9   where the status and sense data of a copy's source begin, and of its destination
//	10, 11 the number of the copy's segment
//	12, 13 ASC, ASCQ
//	15..17 sense key specific
//	18..   the status and sense data of the one side of a copy that failed
//
// An INFORMATION value that needs more than 32 bits is left out.
func (d *SenseData) encodeFixed(f *Fault) {
	*d = SenseData{n: fixedLen}
	d.b[0] = 0x70
	d.b[2] = f.Key()
	if f.hasInfo && f.info <= math.MaxUint32 {
		d.b[0] |= 0x80
		binary.BigEndian.PutUint32(d.b[3:], uint32(f.info))
	}
	d.b[12], d.b[13] = f.ASC(), f.ASCQ()
	f.putSpecific(d.b[15:18])
	if c := f.copy; c != nil {
		binary.BigEndian.PutUint16(d.b[10:], c.segment)
		if c.status != Good {
			d.b[8+c.side] = d.n
			d.n += uint8(copy(d.b[d.n:], append([]byte{byte(c.status)}, c.sense.Bytes()...)))
		}
	}
	d.b[7] = d.n - 8
}

// encodeDescriptors writes descriptor format sense data (SPC-5):
//
//	0       response code 72h
//	1, 2, 3 sense key, ASC, ASCQ
//	7       additional length
//	8..     information descriptor (12 bytes), command specific information descriptor (12
//	        bytes), sense key specific descriptor (8 bytes), forwarded sense data descriptor
func (d *SenseData) encodeDescriptors(f *Fault) {
	*d = SenseData{n: 8}
	d.b[0], d.b[1], d.b[2], d.b[3] = 0x72, f.Key(), f.ASC(), f.ASCQ()
	if f.hasInfo {
		p := d.b[d.n:]
		p[0], p[1], p[2] = 0x00, 0x0A, 0x80
		binary.BigEndian.PutUint64(p[4:], f.info)
		d.n += 12
	}
	if c := f.copy; c != nil {
		p := d.b[d.n:]
		p[0], p[1] = 0x01, 0x0A
		binary.BigEndian.PutUint16(p[10:], c.segment)
		d.n += 12
	}
	if f.pointer.known || f.hasDone {
		p := d.b[d.n:]
		p[0], p[1] = 0x02, 0x06
		f.putSpecific(p[4:7])
		d.n += 8
	}
	if c := f.copy; c != nil && c.status != Good {
		p := d.b[d.n:]
		n := copy(p[4:], c.sense.Bytes())
		p[0], p[1], p[2], p[3] = 0x0C, byte(2+n), 1+c.side, byte(c.status)
		d.n += uint8(4 + n)
	}
	d.b[7] = d.n - 8
}

// putSpecific writes what there is into the three sense key specific bytes (SPC-5): with a field
// pointer SKSV, C/D or SD, BPV and BIT POINTER, then FIELD POINTER; with a progress indication SKSV, then
// PROGRESS INDICATION.
func (f *Fault) putSpecific(p []byte) {
	switch {
	case f.hasDone:
		p[0] = 0x80
		binary.BigEndian.PutUint16(p[1:], f.done)
		return
	case !f.pointer.known:
		return
	}
	p[0] = 0x80
	if f.Sense == InvalidFieldInCDB {
		p[0] |= 0x40
	}
	if f.copy != nil && f.copy.within {
		p[0] |= 0x20
	}
	if f.pointer.hasBit {
		p[0] |= 0x08 | f.pointer.bit
	}
	binary.BigEndian.PutUint16(p[1:], f.pointer.field)
}
