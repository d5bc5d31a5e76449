package scsi

// prefetch is PRE-FETCH of 10 and 16 bytes (SBC-4). The store reads ahead on its own time,
// with IMMED or without. CONDITION MET says that all of the blocks are on their way; GOOD,
// that there were more than fit.
func prefetch(t *Task) error {
	off, n, err := t.restExtent()
	if err != nil || n == 0 {
		return err
	}
	if err := t.unit().Prefetch(&t.op, off, min(n, maxPrefetchBytes)); err != nil {
		return err
	}
	if n > maxPrefetchBytes {
		return nil
	}
	return ConditionMet
}
