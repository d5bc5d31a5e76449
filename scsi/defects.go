package scsi

// READ DEFECT DATA, the byte with what is asked for: byte 2 of the CDB of ten, byte 1 of twelve.
const (
	defectLists  = 0x18 // REQ_PLIST, REQ_GLIST; PLISTV, GLISTV in the answer
	defectFormat = 0x07 // DEFECT LIST FORMAT
	lastFormat   = 0x05 // beyond it: vendor specific, reserved
)

// readDefects returns the handler of READ DEFECT DATA (SBC-4) whose CDB says at byte at which lists
// are wanted in which format, and whose answer has a header of n bytes:
//
//	1     PLISTV, GLISTV; DEFECT LIST FORMAT
//	2, 3  GENERATION CODE, of twelve: not kept
//	n-2.. DEFECT LIST LENGTH, or n-4
//
// Both lists are there and empty in every format: what becomes of bad sectors is the store's
// business.
func readDefects(at, n int) func(*Task) error {
	return func(t *Task) error {
		wanted := t.CDB[at]
		if wanted&defectFormat > lastFormat {
			return InvalidFieldInCDB.AtBit(at, 2)
		}
		p := [8]byte{1: wanted & (defectLists | defectFormat)}
		return t.reply(p[:n])
	}
}
