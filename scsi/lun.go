package scsi

import (
	"encoding/binary"
	"fmt"
	"strconv"
)

// A LUN is a logical unit number as SAM-5 writes it: eight bytes, here big-endian.
type LUN uint64

// MaxLUN is the largest number that flat addressing can carry.
const MaxLUN = 0x3fff

// LUNOf encodes the number n, 0 to MaxLUN: peripheral addressing up to 255, flat above
// (SAM-5).
func LUNOf(n int) LUN {
	if n < 256 {
		return LUN(n) << 48
	}
	return LUN(0x4000|n) << 48
}

// Number decodes single-level peripheral and flat addressing; ok is false for all else.
func (l LUN) Number() (n int, ok bool) {
	if l&(1<<48-1) != 0 {
		return 0, false
	}
	top := int(l >> 48)
	switch top >> 14 {
	case 0: // peripheral: bus identifier 0 only
		return top, top < 256
	case 1: // flat
		return top & MaxLUN, true
	}
	return 0, false
}

// LUNFrom reads the eight bytes of p.
func LUNFrom(p [8]byte) LUN { return LUN(binary.BigEndian.Uint64(p[:])) }

// String returns the number, or all eight bytes of what is no single-level LUN.
func (l LUN) String() string {
	if n, ok := l.Number(); ok {
		return strconv.Itoa(n)
	}
	return fmt.Sprintf("%016x", uint64(l))
}

// Bytes returns the eight bytes on the wire.
func (l LUN) Bytes() (p [8]byte) {
	binary.BigEndian.PutUint64(p[:], uint64(l))
	return p
}
