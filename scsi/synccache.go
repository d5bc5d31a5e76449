package scsi

func synchronizeCache(t *Task) error { return InvalidOpcode }
