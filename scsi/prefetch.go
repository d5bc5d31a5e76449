package scsi

func prefetch(t *Task) error { return InvalidOpcode }
