package scsi

// testUnitReady is TEST UNIT READY (SPC-5). The checks in front of it have said all there is
// to say.
func testUnitReady(*Task) error { return nil }
