package scsi

func startStopUnit(t *Task) error { return InvalidOpcode }
