package scsi

import "encoding/binary"

// A CDB is a command descriptor block (SPC-5). Commands of one length share one layout,
// which the group code, the opcode's three high bits, selects:
//
//	       6 bytes         10 bytes    12 bytes    16 bytes
//	LBA    1..3 (21 bits)  2..5        2..5        2..9
//	length 4               7..8        6..9        10..13
//	control 5              9           11          15
//
// The length is a transfer length in blocks, or the bytes of an allocation or of a parameter
// list. Commands that differ (INQUIRY, COMPARE AND WRITE, WRITE ATOMIC) read their own fields.
type CDB [MaxCDB]byte

// Opcode returns the operation code.
func (c *CDB) Opcode() Opcode { return Opcode(c[0]) }

// service returns the service action of an opcode that has them.
func (c *CDB) service() byte { return c[1] & 0x1f }

// size returns the CDB's length in bytes, 0 for a group of vendor's or variable length.
func (c *CDB) size() int {
	switch c[0] >> 5 {
	case 0:
		return 6
	case 1, 2:
		return 10
	case 4:
		return 16
	case 5:
		return 12
	}
	return 0
}

// Len returns the CDB's length in bytes as the opcode's group has it; all of it where none is said.
func (c *CDB) Len() int {
	if n := c.size(); n > 0 {
		return n
	}
	return len(c)
}

// lba returns LOGICAL BLOCK ADDRESS.
func (c *CDB) lba() uint64 {
	switch c.size() {
	case 6:
		return uint64(c[1]&0x1f)<<16 | uint64(c[2])<<8 | uint64(c[3])
	case 16:
		return binary.BigEndian.Uint64(c[2:10])
	}
	return uint64(binary.BigEndian.Uint32(c[2:6]))
}

// length returns TRANSFER LENGTH, ALLOCATION LENGTH or PARAMETER LIST LENGTH as it stands:
// 0 is 0 here, although READ(6) and WRITE(6) mean 256 blocks by it.
func (c *CDB) length() uint32 {
	switch c.size() {
	case 6:
		return uint32(c[4])
	case 10:
		return uint32(binary.BigEndian.Uint16(c[7:9]))
	case 12:
		return binary.BigEndian.Uint32(c[6:10])
	}
	return binary.BigEndian.Uint32(c[10:14])
}

// lengthAt returns the first byte of the length field, for field pointers.
func (c *CDB) lengthAt() int {
	switch c.size() {
	case 6:
		return 4
	case 10:
		return 7
	case 12:
		return 6
	}
	return 10
}

// blocks returns TRANSFER LENGTH in blocks, with 256 for the 0 of a 6-byte CDB (SBC-4).
func (c *CDB) blocks() uint32 {
	if n := c.length(); n != 0 || c.size() != 6 {
		return n
	}
	return 256
}

// protect returns RDPROTECT, WRPROTECT or VRPROTECT; a 6-byte CDB has none.
func (c *CDB) protect() byte {
	if c.size() == 6 {
		return 0
	}
	return c[1] >> 5
}

// fua and dpo return FORCE UNIT ACCESS and DISABLE PAGE OUT; a 6-byte CDB has neither.
func (c *CDB) fua() bool { return c.size() != 6 && c[1]&0x08 != 0 }
func (c *CDB) dpo() bool { return c.size() != 6 && c[1]&0x10 != 0 }

// naca returns NACA of the CONTROL byte (SAM-5).
func (c *CDB) naca() bool {
	n := c.size()
	return n != 0 && c[n-1]&0x04 != 0
}

// allocLengths is the lengths function of commands with an ALLOCATION LENGTH.
func allocLengths(t *Task) (out, in int64, err error) { return 0, int64(t.CDB.length()), nil }

// paramLengths is the lengths function of commands with a PARAMETER LIST LENGTH.
func paramLengths(t *Task) (out, in int64, err error) { return int64(t.CDB.length()), 0, nil }
