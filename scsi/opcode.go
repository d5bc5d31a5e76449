package scsi

import "fmt"

// Opcode is an operation code (SPC-5, SBC-4).
type Opcode uint8

const (
	opTestUnitReady      Opcode = 0x00
	opRequestSense       Opcode = 0x03
	opRead6              Opcode = 0x08
	opWrite6             Opcode = 0x0A
	opInquiry            Opcode = 0x12
	opModeSelect6        Opcode = 0x15
	opReserve6           Opcode = 0x16
	opRelease6           Opcode = 0x17
	opModeSense6         Opcode = 0x1A
	opStartStopUnit      Opcode = 0x1B
	opReadCapacity10     Opcode = 0x25
	opRead10             Opcode = 0x28
	opWrite10            Opcode = 0x2A
	opWriteVerify10      Opcode = 0x2E
	opVerify10           Opcode = 0x2F
	opPrefetch10         Opcode = 0x34
	opSynchronizeCache10 Opcode = 0x35
	opReadDefects10      Opcode = 0x37
	opWriteSame10        Opcode = 0x41
	opUnmap              Opcode = 0x42
	opLogSense           Opcode = 0x4D
	opSanitize           Opcode = 0x48
	opModeSelect10       Opcode = 0x55
	opReserve10          Opcode = 0x56
	opRelease10          Opcode = 0x57
	opModeSense10        Opcode = 0x5A
	opPersistentIn       Opcode = 0x5E
	opPersistentOut      Opcode = 0x5F
	opThirdPartyCopyOut  Opcode = 0x83
	opThirdPartyCopyIn   Opcode = 0x84
	opRead16             Opcode = 0x88
	opCompareAndWrite    Opcode = 0x89
	opWrite16            Opcode = 0x8A
	opOrWrite            Opcode = 0x8B
	opWriteVerify16      Opcode = 0x8E
	opVerify16           Opcode = 0x8F
	opPrefetch16         Opcode = 0x90
	opSynchronizeCache16 Opcode = 0x91
	opWriteSame16        Opcode = 0x93
	opWriteAtomic16      Opcode = 0x9C
	opServiceActionIn16  Opcode = 0x9E
	opReportLUNs         Opcode = 0xA0
	opMaintenanceIn      Opcode = 0xA3
	opMaintenanceOut     Opcode = 0xA4
	opRead12             Opcode = 0xA8
	opWrite12            Opcode = 0xAA
	opWriteVerify12      Opcode = 0xAE
	opVerify12           Opcode = 0xAF
	opReadDefects12      Opcode = 0xB7
)

// The service actions of PERSISTENT RESERVE IN and PERSISTENT RESERVE OUT.
const (
	saReadKeys           = 0x00
	saReadReservation    = 0x01
	saReportCapabilities = 0x02
	saReadFullStatus     = 0x03

	saRegister         = 0x00
	saReserve          = 0x01
	saRelease          = 0x02
	saClear            = 0x03
	saPreempt          = 0x04
	saPreemptAndAbort  = 0x05
	saRegisterIgnoring = 0x06
	saRegisterMove     = 0x07
)

// The service actions of SERVICE ACTION IN(16), MAINTENANCE IN, MAINTENANCE OUT and the
// third-party copy commands.
const (
	saExtendedCopyLID1    = 0x00
	saPopulateToken       = 0x10
	saWriteUsingToken     = 0x11
	saCopyStatusLID1      = 0x00
	saOperatingParameters = 0x03
	saFailureDetailsLID1  = 0x04
	saTokenInformation    = 0x07

	saReadCapacity16       = 0x10
	saGetLBAStatus         = 0x12
	saOverwrite            = 0x01
	saBlockErase           = 0x02
	saExitFailureMode      = 0x1F
	saReportPortGroups     = 0x0A
	saSetPortGroups        = 0x0A
	saReportOpcodes        = 0x0C
	saReportTaskManagement = 0x0D
)

// command is a row of the table of commands: the one description of an opcode or service
// action, read by dispatch, REPORT SUPPORTED OPERATION CODES, traces and metrics.
type command struct {
	name string
	// usage is the CDB usage data of REPORT SUPPORTED OPERATION CODES (SPC-5): after the
	// opcode and service action a bit is set where the command reads it; its length is the
	// CDB's length.
	usage []byte
	// lengths returns the bytes of Data-Out and Data-In that the CDB asks for; nil: none.
	// It also refuses a malformed CDB.
	lengths func(t *Task) (out, in int64, err error)
	// run executes. It may run twice: see Task.mayBlock.
	run func(t *Task) error
	// flags say how the checks in front of run treat the command.
	flags commandFlags
	// services has the rows of an opcode with service actions; of its own row only the name
	// counts.
	services *[32]command
}

type commandFlags uint32

const (
	noAttention    commandFlags = 1 << iota // executes while a unit attention is pending (INQUIRY, REPORT LUNS, REQUEST SENSE)
	anyHolder                               // executes whatever another nexus has reserved
	anyPersist                              // executes beside any persistent reservation, but not beside RESERVE
	anyReader                               // executes beside a persistent reservation that lets others read
	offline                                 // executes while the unit has no store
	unmapped                                // executes on a LUN that is not mapped
	express                                 // blocked work has workers of its own (COMPARE AND WRITE)
	writes                                  // changes the medium: refused on a write-protected unit
	thin                                    // is there on thin units alone
	lengthy                                 // works in pieces, and may take long: workers of its own, few
	duringSanitize                          // executes while the unit is sanitized, and after that has failed
	sanitizes                               // SANITIZE: executes after that has failed
	aside                                   // needs the store, and is no I/O: the unit may lie idle all the same
	inactive                                // executes while the target port group is standby or unavailable
	anyAccess                               // executes in all states of the target port group
	explicit                                // is there where initiators may change these states
)

// row finds the row of c; nil: no such command. known says that the opcode exists and only
// its service action does not.
func (t *commandTable) row(c *CDB) (r *command, known bool) {
	r = &t[c.Opcode()]
	if r.services != nil {
		r, known = &r.services[c.service()], true
	}
	if r.run == nil {
		return nil, known
	}
	return r, true
}

// Name returns the standard's name of the command in c, for traces and logs.
func (c *CDB) Name() string {
	if r, _ := commands.row(c); r != nil {
		return r.name
	}
	return c.Opcode().String()
}

// String returns the standard's name of an opcode, without its service actions.
func (o Opcode) String() string {
	if name := commands[o].name; name != "" {
		return name
	}
	return fmt.Sprintf("opcode %02Xh", uint8(o))
}

type commandTable [256]command

// commands is the table. The limits that its masks assume: no protection information, no
// anchored blocks, no group numbers.
var commands = commandTable{
	opTestUnitReady: {name: "TEST UNIT READY", run: testUnitReady, flags: inactive | aside | anyPersist,
		usage: []byte{0x00, 0, 0, 0, 0, 4}},
	opRequestSense: {name: "REQUEST SENSE", run: requestSense, lengths: allocLengths,
		flags: noAttention | anyHolder | offline | unmapped | anyAccess | duringSanitize,
		usage: []byte{0x03, 1, 0, 0, 0xFF, 4}},
	opInquiry: {name: "INQUIRY", run: inquiry, lengths: inquiryLengths,
		flags: noAttention | anyHolder | offline | unmapped | anyAccess | duringSanitize,
		usage: []byte{0x12, 1, 0xFF, 0xFF, 0xFF, 4}},
	opReportLUNs: {name: "REPORT LUNS", run: reportLUNs, lengths: allocLengths,
		flags: noAttention | anyHolder | offline | unmapped | anyAccess | duringSanitize,
		usage: []byte{0xA0, 0, 0xFF, 0, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF, 0, 4}},

	opModeSense6: {name: "MODE SENSE(6)", run: modeSense6, lengths: allocLengths, flags: offline | inactive | anyReader | duringSanitize,
		usage: []byte{0x1A, 0x08, 0xFF, 0xFF, 0xFF, 4}},
	opModeSense10: {name: "MODE SENSE(10)", run: modeSense10, lengths: allocLengths, flags: offline | inactive | anyReader | duringSanitize,
		usage: []byte{0x5A, 0x18, 0xFF, 0xFF, 0, 0, 0, 0xFF, 0xFF, 4}},
	opModeSelect6: {name: "MODE SELECT(6)", run: modeSelect6, lengths: paramLengths, flags: offline | inactive,
		usage: []byte{0x15, 0x11, 0, 0, 0xFF, 4}},
	opModeSelect10: {name: "MODE SELECT(10)", run: modeSelect10, lengths: paramLengths, flags: offline | inactive,
		usage: []byte{0x55, 0x11, 0, 0, 0, 0, 0, 0xFF, 0xFF, 4}},

	opLogSense: {name: "LOG SENSE", run: logSense, lengths: allocLengths, flags: offline | anyPersist | inactive,
		usage: []byte{0x4D, 0x01, 0xFF, 0xFF, 0, 0xFF, 0xFF, 0xFF, 0xFF, 4}},

	opStartStopUnit: {name: "START STOP UNIT", run: startStopUnit, flags: offline | anyPersist,
		usage: []byte{0x1B, 1, 0, 0x0F, 0xF7, 4}},

	opReserve6: {name: "RESERVE(6)", run: reserve, flags: offline | inactive | anyPersist | express,
		usage: []byte{0x16, 0, 0, 0, 0, 4}},
	opReserve10: {name: "RESERVE(10)", run: reserve, flags: offline | inactive | anyPersist | express,
		usage: []byte{0x56, 0, 0, 0, 0, 0, 0, 0, 0, 4}},
	opRelease6: {name: "RELEASE(6)", run: release, flags: offline | anyHolder | inactive,
		usage: []byte{0x17, 0, 0, 0, 0, 4}},
	opRelease10: {name: "RELEASE(10)", run: release, flags: offline | anyHolder | inactive,
		usage: []byte{0x57, 0, 0, 0, 0, 0, 0, 0, 0, 4}},

	opPersistentIn: {name: "PERSISTENT RESERVE IN", services: &[32]command{
		saReadKeys: {name: "PERSISTENT RESERVE IN: READ KEYS", run: persistentIn(readKeys), lengths: allocLengths, flags: offline | anyPersist | inactive,
			usage: []byte{0x5E, saReadKeys, 0, 0, 0, 0, 0, 0xFF, 0xFF, 4}},
		saReadReservation: {name: "PERSISTENT RESERVE IN: READ RESERVATION", run: persistentIn(readReservation), lengths: allocLengths, flags: offline | anyPersist | inactive,
			usage: []byte{0x5E, saReadReservation, 0, 0, 0, 0, 0, 0xFF, 0xFF, 4}},
		saReportCapabilities: {name: "PERSISTENT RESERVE IN: REPORT CAPABILITIES", run: reportCapabilities, lengths: allocLengths, flags: offline | anyPersist | inactive,
			usage: []byte{0x5E, saReportCapabilities, 0, 0, 0, 0, 0, 0xFF, 0xFF, 4}},
		saReadFullStatus: {name: "PERSISTENT RESERVE IN: READ FULL STATUS", run: persistentIn(readFullStatus), lengths: allocLengths, flags: offline | anyPersist | inactive,
			usage: []byte{0x5E, saReadFullStatus, 0, 0, 0, 0, 0, 0xFF, 0xFF, 4}},
	}},
	opPersistentOut: {name: "PERSISTENT RESERVE OUT", services: &[32]command{
		saRegister: {name: "PERSISTENT RESERVE OUT: REGISTER", run: persistentOut((*change).register), lengths: outLengths, flags: offline | anyPersist | express | inactive,
			usage: []byte{0x5F, saRegister, 0, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF, 4}},
		saReserve: {name: "PERSISTENT RESERVE OUT: RESERVE", run: persistentOut((*change).reserve), lengths: outLengths, flags: offline | anyPersist | express | inactive,
			usage: []byte{0x5F, saReserve, 0xFF, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF, 4}},
		saRelease: {name: "PERSISTENT RESERVE OUT: RELEASE", run: persistentOut((*change).release), lengths: outLengths, flags: offline | anyPersist | express | inactive,
			usage: []byte{0x5F, saRelease, 0xFF, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF, 4}},
		saClear: {name: "PERSISTENT RESERVE OUT: CLEAR", run: persistentOut((*change).clear), lengths: outLengths, flags: offline | anyPersist | express | inactive,
			usage: []byte{0x5F, saClear, 0, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF, 4}},
		saPreempt: {name: "PERSISTENT RESERVE OUT: PREEMPT", run: persistentOut((*change).preempt), lengths: outLengths, flags: offline | anyPersist | express | inactive,
			usage: []byte{0x5F, saPreempt, 0xFF, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF, 4}},
		saPreemptAndAbort: {name: "PERSISTENT RESERVE OUT: PREEMPT AND ABORT", run: persistentOut((*change).preemptAndAbort), lengths: outLengths, flags: offline | anyPersist | express | inactive,
			usage: []byte{0x5F, saPreemptAndAbort, 0xFF, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF, 4}},
		saRegisterIgnoring: {name: "PERSISTENT RESERVE OUT: REGISTER AND IGNORE EXISTING KEY", run: persistentOut((*change).registerIgnoring), lengths: outLengths, flags: offline | anyPersist | express | inactive,
			usage: []byte{0x5F, saRegisterIgnoring, 0, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF, 4}},
		saRegisterMove: {name: "PERSISTENT RESERVE OUT: REGISTER AND MOVE", run: persistentOut((*change).move), lengths: outLengths, flags: offline | anyPersist | express | inactive,
			usage: []byte{0x5F, saRegisterMove, 0, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF, 4}},
	}},

	opMaintenanceIn: {name: "MAINTENANCE IN", services: &[32]command{
		saReportPortGroups: {name: "REPORT TARGET PORT GROUPS", run: reportPortGroups,
			lengths: allocLengths, flags: offline | anyHolder | anyAccess,
			usage: []byte{0xA3, 0xE0 | saReportPortGroups, 0, 0, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF, 0, 4}},
		saReportOpcodes: {name: "REPORT SUPPORTED OPERATION CODES", run: reportOpcodes,
			lengths: allocLengths, flags: offline | anyReader | inactive | duringSanitize,
			usage: []byte{0xA3, saReportOpcodes, 0x87, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0, 4}},
		saReportTaskManagement: {name: "REPORT SUPPORTED TASK MANAGEMENT FUNCTIONS", run: reportTaskManagement,
			lengths: allocLengths, flags: offline | anyReader | inactive | duringSanitize,
			usage: []byte{0xA3, saReportTaskManagement, 0x80, 0, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF, 0, 4}},
	}},

	opMaintenanceOut: {name: "MAINTENANCE OUT", services: &[32]command{
		saSetPortGroups: {name: "SET TARGET PORT GROUPS", run: setPortGroups,
			lengths: setPortGroupsLengths, flags: offline | anyAccess | explicit,
			usage: []byte{0xA4, saSetPortGroups, 0, 0, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF, 0, 4}},
	}},

	opReadCapacity10: {name: "READ CAPACITY(10)", run: readCapacity10, flags: inactive | aside | anyPersist | duringSanitize,
		lengths: func(*Task) (out, in int64, err error) { return 0, 8, nil },
		usage:   []byte{0x25, 0, 0, 0, 0, 0, 0, 0, 0, 4}},
	opServiceActionIn16: {name: "SERVICE ACTION IN(16)", services: &[32]command{
		saReadCapacity16: {name: "READ CAPACITY(16)", run: readCapacity16, lengths: allocLengths, flags: inactive | aside | anyPersist | duringSanitize,
			usage: []byte{0x9E, saReadCapacity16, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF, 0, 4}},
		saGetLBAStatus: {name: "GET LBA STATUS", run: getLBAStatus, lengths: allocLengths, flags: aside | anyReader,
			usage: []byte{0x9E, saGetLBAStatus, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0, 4}},
	}},

	opThirdPartyCopyOut: {name: "THIRD-PARTY COPY OUT", services: &[32]command{
		saExtendedCopyLID1: {name: "EXTENDED COPY(LID1)", run: extendedCopy, lengths: copyListLengths, flags: lengthy,
			usage: []byte{0x83, saExtendedCopyLID1, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF, 0, 4}},
		saPopulateToken: {name: "POPULATE TOKEN", run: populateToken, lengths: tokenListLengths, flags: anyReader,
			usage: []byte{0x83, saPopulateToken, 0, 0, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0, 4}},
		saWriteUsingToken: {name: "WRITE USING TOKEN", run: writeUsingToken, lengths: tokenListLengths, flags: writes | lengthy,
			usage: []byte{0x83, saWriteUsingToken, 0, 0, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0, 4}},
	}},
	opThirdPartyCopyIn: {name: "THIRD-PARTY COPY IN", services: &[32]command{
		saCopyStatusLID1: {name: "RECEIVE COPY STATUS(LID1)", run: copyStatus, lengths: allocLengths, flags: offline,
			usage: []byte{0x84, saCopyStatusLID1, 0xFF, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF, 0, 4}},
		saOperatingParameters: {name: "RECEIVE COPY OPERATING PARAMETERS", run: copyOperatingParameters, lengths: allocLengths, flags: offline,
			usage: []byte{0x84, saOperatingParameters, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF, 0, 4}},
		saFailureDetailsLID1: {name: "RECEIVE COPY FAILURE DETAILS(LID1)", run: copyFailureDetails, lengths: allocLengths, flags: offline,
			usage: []byte{0x84, saFailureDetailsLID1, 0xFF, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF, 0, 4}},
		saTokenInformation: {name: "RECEIVE ROD TOKEN INFORMATION", run: tokenInformation, lengths: allocLengths, flags: offline,
			usage: []byte{0x84, saTokenInformation, 0xFF, 0xFF, 0xFF, 0xFF, 0, 0, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF, 0, 4}},
	}},

	opReadDefects10: {name: "READ DEFECT DATA(10)", run: readDefects(2, 4), lengths: allocLengths, flags: aside | anyReader,
		usage: []byte{0x37, 0, defectLists | defectFormat, 0, 0, 0, 0, 0xFF, 0xFF, 4}},
	opReadDefects12: {name: "READ DEFECT DATA(12)", run: readDefects(1, 8), lengths: allocLengths, flags: aside | anyReader,
		usage: []byte{0xB7, defectLists | defectFormat, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0, 4}},

	opRead6: {name: "READ(6)", run: read, lengths: readLengths, flags: anyReader,
		usage: []byte{0x08, 0x1F, 0xFF, 0xFF, 0xFF, 4}},
	opRead10: {name: "READ(10)", run: read, lengths: readLengths, flags: anyReader,
		usage: []byte{0x28, 0x18, 0xFF, 0xFF, 0xFF, 0xFF, 0, 0xFF, 0xFF, 4}},
	opRead12: {name: "READ(12)", run: read, lengths: readLengths, flags: anyReader,
		usage: []byte{0xA8, 0x18, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0, 4}},
	opRead16: {name: "READ(16)", run: read, lengths: readLengths, flags: anyReader,
		usage: []byte{0x88, 0x18, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0, 4}},

	opWrite6: {name: "WRITE(6)", run: write, lengths: writeLengths, flags: writes,
		usage: []byte{0x0A, 0x1F, 0xFF, 0xFF, 0xFF, 4}},
	opWrite10: {name: "WRITE(10)", run: write, lengths: writeLengths, flags: writes,
		usage: []byte{0x2A, 0x18, 0xFF, 0xFF, 0xFF, 0xFF, 0, 0xFF, 0xFF, 4}},
	opWrite12: {name: "WRITE(12)", run: write, lengths: writeLengths, flags: writes,
		usage: []byte{0xAA, 0x18, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0, 4}},
	opWrite16: {name: "WRITE(16)", run: write, lengths: writeLengths, flags: writes,
		usage: []byte{0x8A, 0x18, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0, 4}},

	opWriteVerify10: {name: "WRITE AND VERIFY(10)", run: writeVerify, lengths: writeVerifyLengths, flags: writes,
		usage: []byte{0x2E, 0x16, 0xFF, 0xFF, 0xFF, 0xFF, 0, 0xFF, 0xFF, 4}},
	opWriteVerify12: {name: "WRITE AND VERIFY(12)", run: writeVerify, lengths: writeVerifyLengths, flags: writes,
		usage: []byte{0xAE, 0x16, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0, 4}},
	opWriteVerify16: {name: "WRITE AND VERIFY(16)", run: writeVerify, lengths: writeVerifyLengths, flags: writes,
		usage: []byte{0x8E, 0x16, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0, 4}},

	opVerify10: {name: "VERIFY(10)", run: verify, lengths: verifyLengths, flags: anyReader,
		usage: []byte{0x2F, 0x16, 0xFF, 0xFF, 0xFF, 0xFF, 0, 0xFF, 0xFF, 4}},
	opVerify12: {name: "VERIFY(12)", run: verify, lengths: verifyLengths, flags: anyReader,
		usage: []byte{0xAF, 0x16, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0, 4}},
	opVerify16: {name: "VERIFY(16)", run: verify, lengths: verifyLengths, flags: anyReader,
		usage: []byte{0x8F, 0x16, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0, 4}},

	opPrefetch10: {name: "PRE-FETCH(10)", run: prefetch, flags: anyReader,
		usage: []byte{0x34, 0x02, 0xFF, 0xFF, 0xFF, 0xFF, 0, 0xFF, 0xFF, 4}},
	opPrefetch16: {name: "PRE-FETCH(16)", run: prefetch, flags: anyReader,
		usage: []byte{0x90, 0x02, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0, 4}},

	opSynchronizeCache10: {name: "SYNCHRONIZE CACHE(10)", run: synchronizeCache,
		usage: []byte{0x35, 0x02, 0xFF, 0xFF, 0xFF, 0xFF, 0, 0xFF, 0xFF, 4}},
	opSynchronizeCache16: {name: "SYNCHRONIZE CACHE(16)", run: synchronizeCache,
		usage: []byte{0x91, 0x02, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0, 4}},

	opWriteSame10: {name: "WRITE SAME(10)", run: writeSame, lengths: writeSameLengths, flags: writes | lengthy,
		usage: []byte{0x41, 0x08, 0xFF, 0xFF, 0xFF, 0xFF, 0, 0xFF, 0xFF, 4}},
	opWriteSame16: {name: "WRITE SAME(16)", run: writeSame, lengths: writeSameLengths, flags: writes | lengthy,
		usage: []byte{0x93, 0x09, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0, 4}},
	opSanitize: {name: "SANITIZE", services: &[32]command{
		saOverwrite: {name: "SANITIZE OVERWRITE", run: sanitizeOverwrite, lengths: overwriteLengths, flags: writes | lengthy | sanitizes,
			usage: []byte{0x48, sanitizeIMMED | sanitizeAUSE | saOverwrite, 0, 0, 0, 0, 0, 0xFF, 0xFF, 4}},
		saBlockErase: {name: "SANITIZE BLOCK ERASE", run: sanitizeErase, lengths: bareLengths, flags: writes | lengthy | sanitizes | thin,
			usage: []byte{0x48, sanitizeIMMED | sanitizeAUSE | saBlockErase, 0, 0, 0, 0, 0, 0xFF, 0xFF, 4}},
		saExitFailureMode: {name: "SANITIZE EXIT FAILURE MODE", run: exitFailureMode, lengths: bareLengths, flags: writes | sanitizes,
			usage: []byte{0x48, saExitFailureMode, 0, 0, 0, 0, 0, 0xFF, 0xFF, 4}},
	}},
	opUnmap: {name: "UNMAP", run: unmap, lengths: unmapLengths, flags: writes | thin | lengthy,
		usage: []byte{0x42, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF, 4}},

	opCompareAndWrite: {name: "COMPARE AND WRITE", run: compareAndWrite, lengths: compareLengths, flags: writes | express,
		usage: []byte{0x89, 0x18, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0, 0, 0, 0xFF, 0, 4}},
	opOrWrite: {name: "ORWRITE(16)", run: orWrite, lengths: writeLengths, flags: writes,
		usage: []byte{0x8B, 0x18, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0, 4}},
	opWriteAtomic16: {name: "WRITE ATOMIC(16)", run: writeAtomic, lengths: writeAtomicLengths, flags: writes,
		usage: []byte{0x9C, 0x18, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0, 4}},
}
