package scsi

// Sense is a sense key, additional sense code and qualifier, as 0x00KKAAQQ. It is the error
// that handlers return; CHECK CONDITION status is implied.
type Sense uint32

const (
	NoSense                  Sense = 0x000000
	InvalidOpcode            Sense = 0x052000 // INVALID COMMAND OPERATION CODE
	LBAOutOfRange            Sense = 0x052100 // LOGICAL BLOCK ADDRESS OUT OF RANGE
	InvalidFieldInCDB        Sense = 0x052400 // INVALID FIELD IN CDB
	LogicalUnitNotSupported  Sense = 0x052500 // LOGICAL UNIT NOT SUPPORTED
	InvalidFieldInParameters Sense = 0x052600 // INVALID FIELD IN PARAMETER LIST
)

func (s Sense) Error() string { panic("unwritten") }

// SenseData is sense data as it goes to the initiator.
type SenseData struct {
	b [32]byte
	n uint8
}

// Bytes returns the encoded sense data: empty when there is none.
func (d *SenseData) Bytes() []byte { return d.b[:d.n] }
