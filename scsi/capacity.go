package scsi

func readCapacity10(t *Task) error { return InvalidOpcode }

func readCapacity16(t *Task) error { return InvalidOpcode }
