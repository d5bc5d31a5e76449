package scsi

func modeSelect6(t *Task) error { return InvalidOpcode }

func modeSelect10(t *Task) error { return InvalidOpcode }
