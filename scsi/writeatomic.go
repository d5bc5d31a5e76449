package scsi

import (
	"encoding/binary"

	"github.com/lunarsan/lunar/sbd"
)

// atomicBoundary and atomicBlocks return ATOMIC BOUNDARY and TRANSFER LENGTH of WRITE
// ATOMIC(16) (SBC-4).
func (c *CDB) atomicBoundary() uint16 { return binary.BigEndian.Uint16(c[10:12]) }
func (c *CDB) atomicBlocks() uint32   { return uint32(binary.BigEndian.Uint16(c[12:14])) }

func writeAtomicLengths(t *Task) (out, in int64, err error) {
	out, err = t.transferLen(t.CDB.atomicBlocks(), 12)
	return out, 0, err
}

// writeAtomic writes all of its blocks or none: no other command sees or overwrites a part
// of them. It holds against other commands, not against a loss of power, which a store may
// survive with a part written, like any other write.
func writeAtomic(t *Task) error {
	off, n, err := t.extent(t.CDB.lba(), uint64(t.CDB.atomicBlocks()))
	switch {
	case err != nil:
		return err
	case t.CDB.atomicBlocks() > maxAtomicBlocks:
		return InvalidFieldInCDB.At(12)
	case t.CDB.atomicBoundary() != 0: // MAXIMUM ATOMIC BOUNDARY SIZE is 0
		return InvalidFieldInCDB.At(10)
	}
	p, err := t.exactOut()
	if err != nil || n == 0 {
		return err
	}
	return t.unit().Update(&t.op, off, n, t.CDB.fua(), func(x sbd.Exclusive) error {
		return t.unwritten(x.WriteAt(p, off), off)
	})
}
