package scsi

import "github.com/lunarsan/lunar/sbd"

// WRITE SAME of 10 and 16 bytes (SBC-4), byte 1.
const (
	sameAnchor   = 0x10
	sameUnmap    = 0x08
	sameObsolete = 0x06 // PBDATA and LBDATA asked for other data than what was sent
	sameNoData   = 0x01 // NDOB, in the 16-byte CDB
)

// noData reports whether the CDB is a WRITE SAME that comes without its block.
func (c *CDB) noData() bool { return c.Opcode() == opWriteSame16 && c[1]&sameNoData != 0 }

func writeSameLengths(t *Task) (out, in int64, err error) {
	c := &t.CDB
	switch {
	case c.protect() != 0:
		return 0, 0, InvalidFieldInCDB.AtBit(1, 7)
	case c[1]&sameAnchor != 0: // no unit anchors blocks
		return 0, 0, InvalidFieldInCDB.AtBit(1, 4)
	case c[1]&sameObsolete != 0:
		return 0, 0, InvalidFieldInCDB.AtBit(1, 2)
	case c.noData():
		return 0, 0, nil
	}
	return t.blockSize(), 0, nil
}

// writeSame writes one block to many places. Zeros are left to the store, which has better
// means: it gives the space back if UNMAP says so, and keeps it otherwise.
func writeSame(t *Task) error {
	blocks := t.CDB.length()
	off, n, err := t.extent(t.CDB.lba(), uint64(blocks))
	give := t.CDB[1]&sameUnmap != 0
	switch {
	case err != nil:
		return err
	case blocks == 0, n > t.lu().maxWriteSame(): // WSNZ: 0 does not mean up to the end
		return InvalidFieldInCDB.At(t.CDB.lengthAt())
	case give && !t.lu().thin:
		return InvalidFieldInCDB.AtBit(1, 3)
	}
	var block []byte
	if !t.CDB.noData() {
		if block, err = t.exactOut(); err != nil {
			return err
		}
	}
	if !t.mayBlock {
		return sbd.ErrWouldBlock
	}
	t.op.Stop = t.cancelled
	switch {
	case !zeros(block):
		return t.fill(block, off, n)
	case give:
		return t.unwritten(t.unit().Unmap(&t.op, off, n, false), off)
	}
	return t.unwritten(t.unit().Zero(&t.op, off, n, false), off)
}

// fill writes block over the n bytes at off.
func (t *Task) fill(block []byte, off, n int64) error {
	b, err := t.scratch(int(min(n, pieceLen)))
	if err != nil {
		return err
	}
	defer b.Put()
	pattern := b.Bytes()
	for i := 0; i < len(pattern); i += copy(pattern[i:], block) {
	}
	return t.unwritten(t.unit().Fill(&t.op, pattern, off, n, false), off)
}

// zeros reports whether p holds nothing else.
func zeros(p []byte) bool {
	for _, b := range p {
		if b != 0 {
			return false
		}
	}
	return true
}
