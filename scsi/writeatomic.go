package scsi

func writeAtomic(t *Task) error { return InvalidOpcode }

func writeAtomicLengths(t *Task) (out, in int64, err error) { return 0, 0, InvalidOpcode }
