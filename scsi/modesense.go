package scsi

func modeSense6(t *Task) error { return InvalidOpcode }

func modeSense10(t *Task) error { return InvalidOpcode }
