package scsi

func writeVerify(t *Task) error { return InvalidOpcode }

func verify(t *Task) error { return InvalidOpcode }

func verifyLengths(t *Task) (out, in int64, err error) { return 0, 0, InvalidOpcode }
