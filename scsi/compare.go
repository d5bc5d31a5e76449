package scsi

func compareAndWrite(t *Task) error { return InvalidOpcode }

func compareLengths(t *Task) (out, in int64, err error) { return 0, 0, InvalidOpcode }
