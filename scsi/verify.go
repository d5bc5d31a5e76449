package scsi

// VERIFY of 10, 12 and 16 bytes (SBC-4). BYTCHK says what the blocks on the medium are
// compared with, and so how much Data-Out there is.
type byteCheck byte

const (
	checkMedium byteCheck = 0 // nothing: they must be readable
	checkData   byteCheck = 1 // as many blocks of Data-Out
	checkBlock  byteCheck = 3 // one block of Data-Out, each with it
)

// byteCheck returns BYTCHK.
func (c *CDB) byteCheck() byteCheck { return byteCheck(c[1] >> 1 & 3) }

func verifyLengths(t *Task) (out, in int64, err error) {
	out, err = t.transferLen(t.CDB.blocks(), t.CDB.lengthAt())
	switch t.CDB.byteCheck() {
	case checkMedium:
		out = 0
	case checkData:
	case checkBlock:
		out = min(out, t.blockSize())
	default:
		err = InvalidFieldInCDB.AtBit(1, 2)
	}
	return out, 0, err
}

func verify(t *Task) error {
	off, n, err := t.extent(t.CDB.lba(), uint64(t.CDB.blocks()))
	if err != nil {
		return err
	}
	want, err := t.wholeBlocks()
	if err != nil {
		return err
	}
	switch t.CDB.byteCheck() {
	case checkData:
		return t.inspect(off, int64(len(want)), t.unitReader(), equalTo(want))
	case checkBlock:
		if len(want) == 0 {
			return nil
		}
		return t.inspect(off, n, t.unitReader(), eachEqualTo(want))
	}
	return t.inspect(off, n, t.unitReader(), func([]byte, int64) error { return nil })
}

// equalTo compares pieces with want, which is as long as all of them. The miscompare says
// which byte of Data-Out it was, from 0.
func equalTo(want []byte) func(p []byte, at int64) error {
	return func(p []byte, at int64) error {
		if i := mismatch(p, want[at:at+int64(len(p))]); i >= 0 {
			return MiscompareDuringVerify.Info(uint64(at) + uint64(i))
		}
		return nil
	}
}

// eachEqualTo compares every block of the pieces with block.
func eachEqualTo(block []byte) func(p []byte, at int64) error {
	return func(p []byte, at int64) error {
		for ; len(p) > 0; p = p[len(block):] {
			if i := mismatch(p[:len(block)], block); i >= 0 {
				return MiscompareDuringVerify.Info(uint64(i))
			}
		}
		return nil
	}
}
