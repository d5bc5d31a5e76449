package scsi

import "bytes"

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

// inspect reads the n bytes at off by readAt, in pieces, and shows each to look with its
// offset from off. The first error of either ends it.
func (t *Task) inspect(off, n int64, readAt func(p []byte, off int64) error, look func(p []byte, at int64) error) error {
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
			return err
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
	for i := range a {
		if a[i] != b[i] {
			return i
		}
	}
	return -1
}

// restExtent is extent for the commands whose length of 0 means all that follows the LBA.
func (t *Task) restExtent() (off, n int64, err error) {
	lba, blocks := t.CDB.lba(), uint64(t.CDB.length())
	if off, n, err = t.extent(lba, blocks); err == nil && blocks == 0 {
		off, n, err = t.extent(lba, t.capacity()-lba)
	}
	return off, n, err
}
