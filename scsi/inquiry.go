package scsi

func inquiry(t *Task) error { return InvalidOpcode }

func inquiryLengths(t *Task) (out, in int64, err error) { return 0, 0, InvalidOpcode }
