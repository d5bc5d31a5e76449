package scsi

import "github.com/lunarsan/lunar/sbd"

// compareBlocks returns NUMBER OF LOGICAL BLOCKS of COMPARE AND WRITE (SBC-4). It has one
// byte, and maxCompareBlocks is the most that this can say.
func (c *CDB) compareBlocks() uint32 { return uint32(c[13]) }

// compareLengths asks for twice the blocks: what to compare with, then what to write.
func compareLengths(t *Task) (out, in int64, err error) {
	out, err = t.transferLen(2*t.CDB.compareBlocks(), 13)
	return out, 0, err
}

// compareAndWrite writes the second half of Data-Out where the medium holds the first. No
// other command touches the blocks meanwhile. Data that do not fit NUMBER OF LOGICAL BLOCKS
// are its fault: 256 blocks come with 0 in it.
func compareAndWrite(t *Task) error {
	off, n, err := t.extent(t.CDB.lba(), uint64(t.CDB.compareBlocks()))
	if err != nil {
		return err
	}
	p, err := t.exactOut()
	switch {
	case err != nil:
		return InvalidFieldInCDB.At(13)
	case n == 0:
		return nil
	case !t.mayBlock:
		return sbd.ErrWouldBlock
	}
	is, err := t.scratch(int(n))
	if err != nil {
		return err
	}
	defer is.Put()
	differ := -1
	err = t.unit().Update(&t.op, off, n, t.CDB.fua(), func(x sbd.Exclusive) error {
		if err := x.ReadAt(is.Bytes(), off); err != nil {
			if err = t.unread(err, x.ReadAt, is.Bytes(), off); err != nil {
				return err
			}
		}
		if differ = mismatch(is.Bytes(), p[:n]); differ >= 0 {
			return sbd.ErrMismatch
		}
		return t.unwritten(x.WriteAt(p[n:], off), off)
	})
	if differ >= 0 {
		return MiscompareDuringVerify.Info(uint64(differ))
	}
	return err
}
