package scsi

func unmap(t *Task) error { return InvalidOpcode }

func unmapLengths(t *Task) (out, in int64, err error) { return 0, 0, InvalidOpcode }
