package scsi

import (
	"encoding/binary"

	"github.com/lunarsan/lunar/sbd"
)

func unmapLengths(t *Task) (out, in int64, err error) {
	if t.CDB[1]&0x01 != 0 { // ANCHOR: no unit anchors blocks
		return 0, 0, InvalidFieldInCDB.AtBit(1, 0)
	}
	return paramLengths(t)
}

// unmap is UNMAP (SBC-4). Blocks that lie in part of what the store can give back read as
// zeros all the same: LBPRZ says that of each.
func unmap(t *Task) error {
	list, err := parseUnmapList(t.Out)
	if err != nil {
		return err
	}
	if err := list.check(t.capacity()); err != nil {
		return err
	}
	if len(list) > 0 && !t.mayBlock {
		return sbd.ErrWouldBlock
	}
	t.op.Stop = t.cancelled
	for len(list) > 0 {
		var lba, blocks uint64
		lba, blocks, list = list.next()
		off, n, err := t.extent(lba, blocks)
		if err != nil {
			return err
		}
		if n == 0 {
			continue
		}
		if err := t.unit().Unmap(&t.op, off, n, false); err != nil {
			return t.unwritten(err, off)
		}
	}
	return nil
}

// An unmapList is the block descriptors of UNMAP (SBC-4), 16 bytes each:
//
//	0..7  UNMAP LOGICAL BLOCK ADDRESS
//	8..11 NUMBER OF LOGICAL BLOCKS
//
// They may overlap, be empty, and come in any order.
type unmapList []byte

const unmapDescriptorLen = 16

// parseUnmapList checks the parameter list of UNMAP and returns its descriptors. No data at
// all are no descriptors; an incomplete last one is ignored (SBC-4).
//
//	0, 1 UNMAP DATA LENGTH
//	2, 3 UNMAP BLOCK DESCRIPTOR DATA LENGTH
//	8..  descriptors
func parseUnmapList(p []byte) (unmapList, error) {
	if len(p) == 0 {
		return nil, nil
	}
	if len(p) < 8 {
		return nil, ParameterListLength
	}
	n := int(binary.BigEndian.Uint16(p[2:4])) / unmapDescriptorLen * unmapDescriptorLen
	if n > len(p)-8 {
		return nil, ParameterListLength
	}
	return unmapList(p[8 : 8+n]), nil
}

// check refuses what reaches past capacity, in blocks, or is more than the Block Limits VPD
// page allows: before anything is unmapped.
func (l unmapList) check(capacity uint64) error {
	if len(l)/unmapDescriptorLen > maxUnmapDescriptors {
		return InvalidFieldInParameters.At(2)
	}
	total := uint64(0)
	for i := 0; i < len(l); i += unmapDescriptorLen {
		lba, blocks := l[i:].first()
		if lba > capacity || blocks > capacity-lba {
			return LBAOutOfRange
		}
		if total += blocks; total > maxUnmapBlocks {
			return InvalidFieldInParameters.At(8 + i + 8)
		}
	}
	return nil
}

func (l unmapList) first() (lba, blocks uint64) {
	return binary.BigEndian.Uint64(l), uint64(binary.BigEndian.Uint32(l[8:]))
}

// next takes the first descriptor off the list, and those that continue where it ends with
// it: the store is asked once for what an initiator had to cut up.
func (l unmapList) next() (lba, blocks uint64, rest unmapList) {
	lba, blocks = l.first()
	for l = l[unmapDescriptorLen:]; len(l) > 0; l = l[unmapDescriptorLen:] {
		at, more := l.first()
		if at != lba+blocks {
			break
		}
		blocks += more
	}
	return lba, blocks, l
}
