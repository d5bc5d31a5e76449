package scsi

func requestSense(t *Task) error { return InvalidOpcode }
