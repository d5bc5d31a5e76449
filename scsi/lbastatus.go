package scsi

func getLBAStatus(t *Task) error { return InvalidOpcode }
