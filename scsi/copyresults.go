package scsi

import (
	"encoding/binary"
	"math"
	"math/bits"
)

// What became of an EXTENDED COPY(LID1), and what one may ask for (SPC-5, receive copy
// commands).

// The copy operation status codes.
const (
	copyDone       = 0x01
	copyFailed     = 0x02
	copyForeground = 0x11 // of the commands with long list identifiers; 0 of those with short ones
	copyTerminated = 0x60
)

// Transfer count units.
const (
	countBytes     = 0x00
	countMebibytes = 0x02
	countBlocks    = 0xF1
)

// copyStatus is RECEIVE COPY STATUS(LID1):
//
//	0..3  AVAILABLE DATA
//	4     HDD, COPY COMMAND STATUS
//	5, 6  SEGMENTS PROCESSED
//	7     TRANSFER COUNT UNITS
//	8..11 TRANSFER COUNT
func copyStatus(t *Task) error {
	r := t.path.copies.get(listKey{lid1, uint32(t.CDB[2])})
	if r == nil {
		return InvalidFieldInCDB.At(2)
	}
	s := r.state()
	var p [12]byte
	binary.BigEndian.PutUint32(p[0:], uint32(len(p)-4))
	switch {
	case s.ended && s.status == Good:
		p[4] = copyDone
	case s.ended:
		p[4] = copyFailed
	}
	binary.BigEndian.PutUint16(p[5:], uint16(s.segments))
	p[7] = countBytes
	if s.moved > math.MaxUint32 {
		p[7], s.moved = countMebibytes, s.moved>>20
	}
	binary.BigEndian.PutUint32(p[8:], uint32(s.moved))
	return t.reply(p[:])
}

// copyFailureDetails is RECEIVE COPY FAILURE DETAILS(LID1), which are told once:
//
//	0..3   AVAILABLE DATA: 0, and nothing else, where the copy has not failed
//	56     COPY COMMAND STATUS
//	58, 59 SENSE DATA LENGTH
//	60..   sense data
func copyFailureDetails(t *Task) error {
	r := t.path.copies.get(listKey{lid1, uint32(t.CDB[2])})
	if r == nil {
		return InvalidFieldInCDB.At(2)
	}
	s := r.state()
	if !s.ended {
		return InvalidFieldInCDB.At(2)
	}
	if s.status == Good {
		return t.reply(make([]byte, 4))
	}
	t.path.copies.forget(r)
	p := make([]byte, 60, 60+len(s.sense.b))
	p[56] = byte(s.status)
	binary.BigEndian.PutUint16(p[58:], uint16(len(s.sense.Bytes())))
	p = append(p, s.sense.Bytes()...)
	binary.BigEndian.PutUint32(p, uint32(len(p)-4))
	return t.reply(p)
}

// copyDescriptors are the type codes of the segment and CSCD descriptors that are served.
var copyDescriptors = [...]byte{blockSegment, offsetSegment, identificationCSCD}

// copyOperatingParameters is RECEIVE COPY OPERATING PARAMETERS. Zeros are limits of what is not
// served: inline data, held data, streams.
//
//	0..3   AVAILABLE DATA
//	4      SNLID: EXTENDED COPY needs no list identifier
//	8, 9   MAXIMUM CSCD DESCRIPTOR COUNT
//	10, 11 MAXIMUM SEGMENT DESCRIPTOR COUNT
//	12..15 MAXIMUM DESCRIPTOR LIST LENGTH
//	16..19 MAXIMUM SEGMENT LENGTH
//	34, 35 TOTAL CONCURRENT COPIES
//	36     MAXIMUM CONCURRENT COPIES
//	37     DATA SEGMENT GRANULARITY, a power of two
//	43..   IMPLEMENTED DESCRIPTOR LIST LENGTH, and the list
func copyOperatingParameters(t *Task) error {
	p := make([]byte, 44, 44+len(copyDescriptors))
	p[4] = 0x01
	binary.BigEndian.PutUint16(p[8:], maxCSCDs)
	binary.BigEndian.PutUint16(p[10:], maxSegments)
	binary.BigEndian.PutUint32(p[12:], maxCopyList)
	binary.BigEndian.PutUint32(p[16:], maxSegmentBytes)
	binary.BigEndian.PutUint16(p[34:], slowWorkers)
	p[36] = slowWorkers
	p[37] = copyGranularity(t)
	p[43] = byte(len(copyDescriptors))
	p = append(p, copyDescriptors[:]...)
	binary.BigEndian.PutUint32(p, uint32(len(p)-4))
	return t.reply(p)
}

// copyGranularity is the binary logarithm of the block length.
func copyGranularity(t *Task) byte { return byte(bits.TrailingZeros64(uint64(t.blockSize()))) }
