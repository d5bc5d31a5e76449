package scsi

func reportOpcodes(t *Task) error { return InvalidOpcode }

func reportTaskManagement(t *Task) error { return InvalidOpcode }
