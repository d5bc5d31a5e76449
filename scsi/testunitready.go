package scsi

func testUnitReady(t *Task) error { return InvalidOpcode }
