package scsi

func reserve(t *Task) error { return InvalidOpcode }

func release(t *Task) error { return InvalidOpcode }
