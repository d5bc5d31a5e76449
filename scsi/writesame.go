package scsi

func writeSame(t *Task) error { return InvalidOpcode }

func writeSameLengths(t *Task) (out, in int64, err error) { return 0, 0, InvalidOpcode }
