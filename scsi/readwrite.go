package scsi

// READ and WRITE of 6, 10, 12 and 16 bytes (SBC-4). DPO is a hint about retention that
// nothing here could follow better than the store does on its own: accepted and ignored.

func readLengths(t *Task) (out, in int64, err error) {
	in, err = t.transferLen(t.CDB.blocks(), t.CDB.lengthAt())
	return 0, in, err
}

func writeLengths(t *Task) (out, in int64, err error) {
	out, err = t.transferLen(t.CDB.blocks(), t.CDB.lengthAt())
	return out, 0, err
}

// read reads no more than the initiator expects. With FUA the answer must be what the medium
// holds: a volatile cache that is ahead of it is written first (SBC-4, READ (10)). A unit
// without a write cache never is.
func read(t *Task) error {
	off, n, err := t.extent(t.CDB.lba(), uint64(t.CDB.blocks()))
	if err != nil {
		return err
	}
	if t.CDB.fua() && !t.unit().Durable() {
		if err := t.unit().Sync(&t.op); err != nil {
			return err
		}
	}
	p, err := t.reserveIn(n)
	if err != nil || len(p) == 0 {
		return err
	}
	if err := t.unit().ReadAt(&t.op, p, off); err != nil {
		return t.unread(err, t.unitReader(), p, off)
	}
	return nil
}

func write(t *Task) error {
	off, _, err := t.extent(t.CDB.lba(), uint64(t.CDB.blocks()))
	if err != nil {
		return err
	}
	p, err := t.wholeBlocks()
	if err != nil || len(p) == 0 {
		return err
	}
	return t.unwritten(t.unit().WriteAt(&t.op, p, off, t.CDB.fua()), off)
}
