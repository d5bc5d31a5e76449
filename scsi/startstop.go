package scsi

// START STOP UNIT (SBC-4), byte 4.
const (
	startPower   = 0xF0 // POWER CONDITION
	startNoFlush = 0x04
	startLOEJ    = 0x02
	startSTART   = 0x01
)

// startStopUnit is START STOP UNIT. There is nothing to spin down, and hosts that share a unit
// must not stop it for each other: a stop writes the cache and is done. IMMED waits all the
// same.
func startStopUnit(t *Task) error {
	how := t.CDB[4]
	switch {
	case how&(startPower|startSTART) != startSTART && t.path.conflicts(0): // all may start it (SBC-4)
		return ReservationConflict
	case how&startPower != 0:
		return InvalidFieldInCDB.AtBit(4, 7)
	case how&startLOEJ != 0: // the medium cannot be removed
		return InvalidFieldInCDB.AtBit(4, 1)
	case how&(startSTART|startNoFlush) != 0:
		return nil
	}
	return t.unit().Sync(&t.op)
}
