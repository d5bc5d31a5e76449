package initiator

import "encoding/binary"

// A CDB is room for the commands that follow, each of which fills it and returns as much of it
// as the command has. Blocks are logical blocks.
type CDB [16]byte

// Read10 is READ(10) (SBC-4).
func (c *CDB) Read10(lba uint32, blocks uint16) []byte { return c.ten(0x28, lba, blocks) }

// Write10 is WRITE(10) (SBC-4).
func (c *CDB) Write10(lba uint32, blocks uint16) []byte { return c.ten(0x2a, lba, blocks) }

// WriteSame16 is WRITE SAME(16) (SBC-4) of one block of Data-Out.
func (c *CDB) WriteSame16(lba uint64, blocks uint32) []byte {
	*c = CDB{0: 0x93}
	binary.BigEndian.PutUint64(c[2:], lba)
	binary.BigEndian.PutUint32(c[10:], blocks)
	return c[:]
}

// CompareAndWrite is COMPARE AND WRITE (SBC-4). Data-Out is what to expect, then what to write.
func (c *CDB) CompareAndWrite(lba uint64, blocks byte) []byte {
	*c = CDB{0: 0x89, 13: blocks}
	binary.BigEndian.PutUint64(c[2:], lba)
	return c[:]
}

// Unmap is UNMAP (SBC-4) with the length of its parameter list.
func (c *CDB) Unmap(length uint16) []byte {
	*c = CDB{0: 0x42}
	binary.BigEndian.PutUint16(c[7:], length)
	return c[:10]
}

// Inquiry is INQUIRY (SPC-5) for a page of the vital product data.
func (c *CDB) Inquiry(page byte, length uint16) []byte {
	*c = CDB{0: 0x12, 1: 0x01, 2: page}
	binary.BigEndian.PutUint16(c[3:], length)
	return c[:6]
}

// ExtendedCopy is EXTENDED COPY of list identifiers of one byte (SPC-5), with the length of
// its parameter list.
func (c *CDB) ExtendedCopy(length uint32) []byte {
	*c = CDB{0: 0x83}
	binary.BigEndian.PutUint32(c[10:], length)
	return c[:]
}

func (c *CDB) ten(opcode byte, lba uint32, blocks uint16) []byte {
	*c = CDB{0: opcode}
	binary.BigEndian.PutUint32(c[2:], lba)
	binary.BigEndian.PutUint16(c[7:], blocks)
	return c[:10]
}
