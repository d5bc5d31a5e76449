package scsi

func reportLUNs(t *Task) error { return InvalidOpcode }
