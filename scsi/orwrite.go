package scsi

func orWrite(t *Task) error { return InvalidOpcode }
