package iscsi

import "encoding/binary"

// AHSType tells what an additional header segment carries (RFC 7143 §11.2.2.1).
type AHSType uint8

const (
	ExtendedCDB  AHSType = 1 // bytes 16 and on of a long CDB, after a reserved byte
	BidiReadEDTL AHSType = 2 // Expected Bidirectional Read Data Transfer Length
)

// NextAHS splits the first additional header segment off p, the bytes that TotalAHSLen
// counts: its type, its AHSLength bytes, and what follows after padding. ok is false when p
// does not hold what it announces.
//
//	0  AHSLength(2), in bytes, without the first three and without padding
//	2  .. AHSType(6)
//	3  of the type
func NextAHS(p []byte) (kind AHSType, value, rest []byte, ok bool) {
	if len(p) < 4 {
		return 0, nil, nil, false
	}
	n := int(binary.BigEndian.Uint16(p))
	if 3+n > len(p) {
		return 0, nil, nil, false
	}
	end := min(Padded(3+n), len(p))
	return AHSType(p[2] & 0x3f), p[3 : 3+n], p[end:], true
}
