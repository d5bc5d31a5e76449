package scsi

import "github.com/lunarsan/lunar/sbd"

// orWrite is ORWRITE(16) (SBC-4): the blocks become the OR of what they hold and Data-Out.
// No other command touches them meanwhile.
func orWrite(t *Task) error {
	off, _, err := t.extent(t.CDB.lba(), uint64(t.CDB.blocks()))
	if err != nil {
		return err
	}
	mask, err := t.wholeBlocks()
	if err != nil || len(mask) == 0 {
		return err
	}
	if !t.mayBlock {
		return sbd.ErrWouldBlock
	}
	n := int64(len(mask))
	return t.unit().Update(&t.op, off, n, t.CDB.fua(), func(x sbd.Exclusive) error {
		return t.inspect(off, n, x.ReadAt, func(p []byte, at int64) error {
			for i, m := range mask[at : at+int64(len(p))] {
				p[i] |= m
			}
			return t.unwritten(x.WriteAt(p, off+at), off+at)
		})
	})
}
