package scsi

import (
	"encoding/binary"
	"math"

	"github.com/lunarsan/lunar/sbd"
)

// Provisioning status of a block (SBC-4). None is ever anchored.
const (
	statusMapped      = 0
	statusDeallocated = 1
)

const (
	lbaStatusHeaderLen     = 8
	lbaStatusDescriptorLen = 16
	// maxStatusDescriptors bounds what one GET LBA STATUS tells, and so how long it looks. An
	// initiator that wants more asks again from where the last descriptor ends.
	maxStatusDescriptors = 255
)

// getLBAStatus answers GET LBA STATUS(16) (SBC-4). The first descriptor starts at the LBA
// asked for, each further one where the last ends; neighbours differ in status, but for one
// that is too long for its length field.
//
//	0..3 PARAMETER DATA LENGTH: of what follows
//	8..  descriptors: LOGICAL BLOCK ADDRESS (8), NUMBER OF LOGICAL BLOCKS (4), status (low 4 bits)
func getLBAStatus(t *Task) error {
	lba, capacity := t.CDB.lba(), t.capacity()
	if lba >= capacity {
		return LBAOutOfRange
	}
	if t.CDB[14] != 0 { // REPORT TYPE: all LBAs is the one there is
		return InvalidFieldInCDB.At(14)
	}
	if !t.mayBlock {
		return sbd.ErrWouldBlock
	}
	fit := (t.inLen - lbaStatusHeaderLen) / lbaStatusDescriptorLen
	descriptors := int(min(max(fit, 1), maxStatusDescriptors))

	b, err := t.scratch(lbaStatusHeaderLen + descriptors*lbaStatusDescriptorLen)
	if err != nil {
		return err
	}
	defer b.Put()
	p := b.Bytes()
	clear(p)
	end := lbaStatusHeaderLen
	for ; end < len(p) && lba < capacity; end += lbaStatusDescriptorLen {
		blocks, status, err := t.provisioning(lba, capacity)
		if err != nil {
			return err
		}
		d := p[end:]
		binary.BigEndian.PutUint64(d, lba)
		binary.BigEndian.PutUint32(d[8:], uint32(blocks))
		d[12] = status
		lba += blocks
	}
	binary.BigEndian.PutUint32(p, uint32(end-4))
	return t.reply(p[:end])
}

// provisioning returns the status of the block at lba and how many blocks have it, as far as
// a descriptor can say. A block that has space in part is mapped.
func (t *Task) provisioning(lba, capacity uint64) (blocks uint64, status byte, err error) {
	size := uint64(t.blockSize())
	limit := min(capacity-lba, math.MaxUint32)
	if !t.lu().thin { // fully provisioned, whatever the store makes of it
		return limit, statusMapped, nil
	}
	for blocks < limit {
		mapped, n, err := t.unit().Mapped(&t.op, int64((lba+blocks)*size))
		if err != nil {
			return 0, 0, err
		}
		is, run := byte(statusDeallocated), uint64(n)/size
		if mapped || run == 0 {
			is, run = statusMapped, max((uint64(n)+size-1)/size, 1)
		}
		if blocks > 0 && is != status {
			break
		}
		blocks, status = blocks+run, is
	}
	return min(blocks, limit), status, nil
}
