package scsi

import (
	"bytes"
	"errors"

	"github.com/lunarsan/lunar/sbd"
)

// What the commands that move blocks share.

// pieceLen is how much of the medium a command looks at in one go where the data do not
// leave the device server, in bytes: it bounds the memory of a task on a worker.
const pieceLen = 1 << 20

// transferLen returns the bytes of blocks, the field that begins at byte at of the CDB. It
// refuses protection information, which no unit has, and more than MAXIMUM TRANSFER LENGTH
// (SBC-4).
func (t *Task) transferLen(blocks uint32, at int) (int64, error) {
	if t.CDB.protect() != 0 {
		return 0, InvalidFieldInCDB.AtBit(1, 7)
	}
	n := int64(blocks) * t.blockSize()
	if n > MaxTransfer {
		return 0, InvalidFieldInCDB.At(at)
	}
	return n, nil
}

// wholeBlocks returns the Data-Out that came. Where the initiator announced less than the
// CDB asks for, the command acts on that much and the port reports the residual; with a
// block that came in part it does nothing.
func (t *Task) wholeBlocks() ([]byte, error) {
	if int64(len(t.Out))%t.blockSize() != 0 {
		return nil, InvalidFieldInCIU
	}
	return t.Out, nil
}

// exactOut returns the Data-Out of a command that means nothing in part: the initiator must
// announce what the CDB asks for, no less and no more.
func (t *Task) exactOut() ([]byte, error) {
	if t.Expected != t.outLen || int64(len(t.Out)) != t.outLen {
		return nil, InvalidFieldInCIU
	}
	return t.Out, nil
}

// A reader fills p from off: ReadAt of a unit, or of a range locked for an update.
type reader func(p []byte, off int64) error

// unitReader reads the task's unit.
func (t *Task) unitReader() reader {
	return func(p []byte, off int64) error { return t.unit().ReadAt(&t.op, p, off) }
}

// unread turns err, which reading p from off has ended with, into the result. A medium error
// names the first block that cannot be read (SBC-4): they are tried one by one, and if all
// can be read now, p is filled and nothing is wrong.
func (t *Task) unread(err error, readAt reader, p []byte, off int64) error {
	if !errors.Is(err, sbd.ErrMedium) {
		return err
	}
	if !t.mayBlock {
		return sbd.ErrWouldBlock
	}
	for size := t.blockSize(); len(p) > 0; off += size {
		part := p[:min(size, int64(len(p)))]
		if err := readAt(part, off); errors.Is(err, sbd.ErrMedium) {
			return UnrecoveredReadError.Info(uint64(off / size)).Because(err)
		} else if err != nil {
			return err
		}
		p = p[len(part):]
	}
	return nil
}

// unwritten turns err, which writing at off has ended with, into the result. A medium error
// names the first of the blocks: which ones were written is not known. A failed sync names
// none, since it may have been others that were lost.
func (t *Task) unwritten(err error, off int64) error {
	if errors.Is(err, sbd.ErrMedium) && !errors.Is(err, sbd.ErrSyncFailed) {
		return WriteError.Info(uint64(off / t.blockSize())).Because(err)
	}
	return err
}

// inspect reads the n bytes at off by readAt, in pieces, and shows each to look with its
// offset from off. The first error of either ends it.
func (t *Task) inspect(off, n int64, readAt reader, look func(p []byte, at int64) error) error {
	if n == 0 {
		return nil
	}
	b, err := t.scratch(int(min(n, pieceLen)))
	if err != nil {
		return err
	}
	defer b.Put()
	for at := int64(0); at < n; at += pieceLen {
		p := b.Bytes()[:min(n-at, pieceLen)]
		if err := readAt(p, off+at); err != nil {
			if err = t.unread(err, readAt, p, off+at); err != nil {
				return err
			}
		}
		if err := look(p, at); err != nil {
			return err
		}
	}
	return nil
}

// mismatch returns the index of the first byte in which a and b, of one length, differ, or
// -1.
func mismatch(a, b []byte) int {
	if bytes.Equal(a, b) {
		return -1
	}
	i := 0
	for a[i] == b[i] {
		i++
	}
	return i
}

// restExtent is extent for the commands whose length of 0 means all that follows the LBA.
func (t *Task) restExtent() (off, n int64, err error) {
	lba, blocks := t.CDB.lba(), uint64(t.CDB.length())
	if off, n, err = t.extent(lba, blocks); err == nil && blocks == 0 {
		off, n, err = t.extent(lba, t.capacity()-lba)
	}
	return off, n, err
}
