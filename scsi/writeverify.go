package scsi

import "github.com/lunarsan/lunar/sbd"

// WRITE AND VERIFY of 10, 12 and 16 bytes (SBC-4).

func writeVerifyLengths(t *Task) (out, in int64, err error) {
	switch t.CDB.byteCheck() {
	case checkMedium, checkData:
		return writeLengths(t)
	}
	return 0, 0, InvalidFieldInCDB.AtBit(1, 2)
}

// writeVerify writes the blocks, reads them back and, with BYTCHK, compares them. Nobody
// else touches them in between, so that a miscompare is the medium's doing. They are durable
// afterwards whatever the write cache: one who asks for verification asks about the medium.
func writeVerify(t *Task) error {
	off, _, err := t.extent(t.CDB.lba(), uint64(t.CDB.blocks()))
	if err != nil {
		return err
	}
	p, err := t.wholeBlocks()
	if err != nil || len(p) == 0 {
		return err
	}
	look := func([]byte, int64) error { return nil }
	if t.CDB.byteCheck() == checkData {
		look = equalTo(p)
	}
	return t.unit().Update(&t.op, off, int64(len(p)), true, func(x sbd.Exclusive) error {
		if err := x.WriteAt(p, off); err != nil {
			return t.unwritten(err, off)
		}
		return t.inspect(off, int64(len(p)), x.ReadAt, look)
	})
}
