package scsi

import (
	"fmt"
	"math"
)

// Sense is a sense key, additional sense code and qualifier, as 0x00KKAAQQ. It is the error
// that handlers return; CHECK CONDITION status is implied. At, AtBit and Info add detail.
type Sense uint32

// The sense that this package and its ports report, by key (SPC-5, sense data). senseNames has the
// standard's words for each.
const (
	NoSense Sense = 0x000000

	BecomingReady              Sense = 0x020401
	ManualInterventionRequired Sense = 0x020403
	SanitizeInProgress         Sense = 0x02041B
	PortInTransition           Sense = 0x02040A
	PortInStandby              Sense = 0x02040B
	PortUnavailable            Sense = 0x02040C

	WriteError           Sense = 0x030C00
	UnrecoveredReadError Sense = 0x031100
	SanitizeFailed       Sense = 0x033103

	InternalTargetFailure Sense = 0x044400
	SetPortGroupsFailed   Sense = 0x04670A

	InvalidFieldInCIU        Sense = 0x050E03
	ParameterListLength      Sense = 0x051A00
	InvalidOpcode            Sense = 0x052000
	LBAOutOfRange            Sense = 0x052100
	InvalidFieldInCDB        Sense = 0x052400
	UnsupportedTokenType     Sense = 0x052301
	TokenUnknown             Sense = 0x052304
	TokenRevoked             Sense = 0x052306
	LogicalUnitNotSupported  Sense = 0x052500
	InvalidFieldInParameters Sense = 0x052600
	InvalidRelease           Sense = 0x052604
	TooManyCSCDs             Sense = 0x052606
	UnsupportedCSCD          Sense = 0x052607
	TooManySegments          Sense = 0x052608
	UnsupportedSegment       Sense = 0x052609
	InlineDataTooLong        Sense = 0x05260B
	SavingNotSupported       Sense = 0x053900

	InsufficientRegistrations Sense = 0x055504

	PowerOnOccurred        Sense = 0x062900
	ResetOccurred          Sense = 0x062903
	NexusLossOccurred      Sense = 0x062907
	ModeParametersChanged  Sense = 0x062A01
	ReservationsPreempted  Sense = 0x062A03
	ReservationsReleased   Sense = 0x062A04
	RegistrationsPreempted Sense = 0x062A05
	AccessStateChanged     Sense = 0x062A06
	CapacityHasChanged     Sense = 0x062A09
	CommandsCleared        Sense = 0x062F00
	InquiryDataChanged     Sense = 0x063F03
	SoftThresholdReached   Sense = 0x063807
	ReportedLUNsHasChanged Sense = 0x063F0E

	WriteProtected        Sense = 0x072700
	SpaceAllocationFailed Sense = 0x072707

	CopyAborted              Sense = 0x0A0000
	UnreachableCopyTarget    Sense = 0x0A0804
	ThirdPartyDeviceFailure  Sense = 0x0A0D01
	CopyTargetNotReachable   Sense = 0x0A0D02
	IncorrectCopyTargetType  Sense = 0x0A0D03
	UnexpectedInexactSegment Sense = 0x0A260A
	CopyResourcesExhausted   Sense = 0x0A5503

	UnexpectedUnsolicitedData Sense = 0x0B0C0C
	NotEnoughUnsolicitedData  Sense = 0x0B0C0D
	ProtocolServiceCRCError   Sense = 0x0B4705
	MiscompareDuringVerify    Sense = 0x0E1D00
)

var senseNames = map[Sense]string{
	NoSense:                    "NO ADDITIONAL SENSE INFORMATION",
	BecomingReady:              "LOGICAL UNIT IS IN PROCESS OF BECOMING READY",
	ManualInterventionRequired: "LOGICAL UNIT NOT READY, MANUAL INTERVENTION REQUIRED",
	PortInTransition:           "LOGICAL UNIT NOT ACCESSIBLE, ASYMMETRIC ACCESS STATE TRANSITION",
	PortInStandby:              "LOGICAL UNIT NOT ACCESSIBLE, TARGET PORT IN STANDBY STATE",
	PortUnavailable:            "LOGICAL UNIT NOT ACCESSIBLE, TARGET PORT IN UNAVAILABLE STATE",
	SanitizeInProgress:         "LOGICAL UNIT NOT READY, SANITIZE IN PROGRESS",
	SanitizeFailed:             "SANITIZE COMMAND FAILED",
	WriteError:                 "WRITE ERROR",
	UnrecoveredReadError:       "UNRECOVERED READ ERROR",
	InternalTargetFailure:      "INTERNAL TARGET FAILURE",
	SetPortGroupsFailed:        "SET TARGET PORT GROUPS COMMAND FAILED",
	InvalidFieldInCIU:          "INVALID FIELD IN COMMAND INFORMATION UNIT",
	ParameterListLength:        "PARAMETER LIST LENGTH ERROR",
	InvalidOpcode:              "INVALID COMMAND OPERATION CODE",
	LBAOutOfRange:              "LOGICAL BLOCK ADDRESS OUT OF RANGE",
	InvalidFieldInCDB:          "INVALID FIELD IN CDB",
	UnsupportedTokenType:       "INVALID TOKEN OPERATION, UNSUPPORTED TOKEN TYPE",
	TokenUnknown:               "INVALID TOKEN OPERATION, TOKEN UNKNOWN",
	TokenRevoked:               "INVALID TOKEN OPERATION, TOKEN REVOKED",
	TooManyCSCDs:               "TOO MANY TARGET DESCRIPTORS",
	UnsupportedCSCD:            "UNSUPPORTED TARGET DESCRIPTOR TYPE CODE",
	TooManySegments:            "TOO MANY SEGMENT DESCRIPTORS",
	UnsupportedSegment:         "UNSUPPORTED SEGMENT DESCRIPTOR TYPE CODE",
	InlineDataTooLong:          "INLINE DATA LENGTH EXCEEDED",
	CopyAborted:                "NO ADDITIONAL SENSE INFORMATION",
	UnreachableCopyTarget:      "UNREACHABLE COPY TARGET",
	ThirdPartyDeviceFailure:    "THIRD PARTY DEVICE FAILURE",
	CopyTargetNotReachable:     "COPY TARGET DEVICE NOT REACHABLE",
	IncorrectCopyTargetType:    "INCORRECT COPY TARGET DEVICE TYPE",
	UnexpectedInexactSegment:   "UNEXPECTED INEXACT SEGMENT",
	CopyResourcesExhausted:     "INSUFFICIENT RESOURCES",
	LogicalUnitNotSupported:    "LOGICAL UNIT NOT SUPPORTED",
	InvalidFieldInParameters:   "INVALID FIELD IN PARAMETER LIST",
	InvalidRelease:             "INVALID RELEASE OF PERSISTENT RESERVATION",
	SavingNotSupported:         "SAVING PARAMETERS NOT SUPPORTED",
	InsufficientRegistrations:  "INSUFFICIENT REGISTRATION RESOURCES",
	PowerOnOccurred:            "POWER ON, RESET, OR BUS DEVICE RESET OCCURRED",
	ResetOccurred:              "BUS DEVICE RESET FUNCTION OCCURRED",
	NexusLossOccurred:          "I_T NEXUS LOSS OCCURRED",
	ModeParametersChanged:      "MODE PARAMETERS CHANGED",
	ReservationsPreempted:      "RESERVATIONS PREEMPTED",
	ReservationsReleased:       "RESERVATIONS RELEASED",
	RegistrationsPreempted:     "REGISTRATIONS PREEMPTED",
	AccessStateChanged:         "ASYMMETRIC ACCESS STATE CHANGED",
	CapacityHasChanged:         "CAPACITY DATA HAS CHANGED",
	CommandsCleared:            "COMMANDS CLEARED BY ANOTHER INITIATOR",
	InquiryDataChanged:         "INQUIRY DATA HAS CHANGED",
	SoftThresholdReached:       "THIN PROVISIONING SOFT THRESHOLD REACHED",
	ReportedLUNsHasChanged:     "REPORTED LUNS DATA HAS CHANGED",
	WriteProtected:             "WRITE PROTECTED",
	SpaceAllocationFailed:      "SPACE ALLOCATION FAILED WRITE PROTECT",
	UnexpectedUnsolicitedData:  "WRITE ERROR - UNEXPECTED UNSOLICITED DATA",
	NotEnoughUnsolicitedData:   "WRITE ERROR - NOT ENOUGH UNSOLICITED DATA",
	ProtocolServiceCRCError:    "PROTOCOL SERVICE CRC ERROR",
	MiscompareDuringVerify:     "MISCOMPARE DURING VERIFY OPERATION",
}

// Key returns the sense key.
func (s Sense) Key() byte { return byte(s >> 16) }

// ASC returns the additional sense code and ASCQ its qualifier.
func (s Sense) ASC() byte  { return byte(s >> 8) }
func (s Sense) ASCQ() byte { return byte(s) }

// String returns the codes and the standard's name, as "05/24/00 INVALID FIELD IN CDB".
func (s Sense) String() string {
	codes := fmt.Sprintf("%02X/%02X/%02X", s.Key(), s.ASC(), s.ASCQ())
	if name := senseNames[s]; name != "" {
		return codes + " " + name
	}
	return codes
}

func (s Sense) Error() string { return s.String() }

// A Fault is a Sense with the detail that sense data carries beside it. It is an error that
// unwraps to its Sense.
type Fault struct {
	Sense
	pointer fieldPointer
	done    uint16 // PROGRESS INDICATION
	hasDone bool
	info    uint64
	hasInfo bool
	copy    *copyFault // what COPY ABORTED says beside that
	cause   error      // for the log
}

// A copyFault is what made a copy end (SPC-5, errors of third-party copy commands).
type copyFault struct {
	segment uint16 // the number of the segment descriptor
	within  bool   // the field pointer counts from its beginning
	side    byte   // copySource or copyDestination: who said status and sense
	status  Status // GOOD: nobody
	sense   SenseData
}

const (
	copySource = iota
	copyDestination
)

// fieldPointer says where the CDB or the parameter list is wrong; the zero value says nothing.
type fieldPointer struct {
	known, hasBit bool
	bit           uint8
	field         uint16
}

// At says which byte of the CDB or of the parameter list is wrong (SPC-5, field pointer).
func (s Sense) At(field int) *Fault {
	return &Fault{Sense: s, pointer: fieldPointer{known: true, field: uint16(field)}}
}

// AtBit says which byte is wrong and its field's most significant bit, 7 to 0.
func (s Sense) AtBit(field, bit int) *Fault {
	f := s.At(field)
	f.pointer.hasBit, f.pointer.bit = true, uint8(bit)
	return f
}

// Info adds the INFORMATION field: an LBA, or for a miscompare the offset in the data of the
// first byte that differs.
func (s Sense) Info(n uint64) *Fault { return &Fault{Sense: s, info: n, hasInfo: true} }

// progress says how much of an operation is done, of 1 (SPC-5, progress indication).
func (s Sense) progress(done float64) *Fault {
	return &Fault{Sense: s, done: uint16(min(done, 1) * math.MaxUint16), hasDone: true}
}

func (s Sense) fault() *Fault { return &Fault{Sense: s} }

// Because adds the error behind the fault, for the log: an initiator does not see it.
func (f *Fault) Because(cause error) *Fault {
	f.cause = cause
	return f
}

func (f *Fault) Unwrap() error { return f.Sense }
