package iscsi

import "fmt"

// Opcode is the kind of a PDU (RFC 7143 §11.2.1.2).
type Opcode uint8

const (
	OpNOPOut         Opcode = 0x00
	OpSCSICommand    Opcode = 0x01
	OpTaskMgmt       Opcode = 0x02
	OpLogin          Opcode = 0x03
	OpText           Opcode = 0x04
	OpDataOut        Opcode = 0x05
	OpLogout         Opcode = 0x06
	OpSNACK          Opcode = 0x10
	OpNOPIn          Opcode = 0x20
	OpSCSIResponse   Opcode = 0x21
	OpTaskMgmtResp   Opcode = 0x22
	OpLoginResponse  Opcode = 0x23
	OpTextResponse   Opcode = 0x24
	OpDataIn         Opcode = 0x25
	OpLogoutResponse Opcode = 0x26
	OpR2T            Opcode = 0x31
	OpAsync          Opcode = 0x32
	OpReject         Opcode = 0x3f
)

// opcodeRow describes an opcode once, for dispatch, traces and tests.
type opcodeRow struct {
	name      string
	target    bool    // a target sends it; else an initiator does
	login     bool    // allowed before full feature phase
	discovery bool    // allowed in full feature phase of a discovery session (RFC 7143 §4.3, §7.4.3)
	final     bool    // the F bit is fixed at one
	command   bool    // carries CmdSN, and consumes it unless it is immediate
	flags     string  // a letter per bit of byte 1, from bit 7; '.' is no flag
	fields    []field // what a trace shows, after the flags
}

// A field is a part of a header as a trace shows it.
type field struct {
	name string
	at   int                // offset in bytes
	n    int                // length in bytes: 1, 2, 3, 4, or more for plain bytes
	mask byte               // of a field within a byte; 0: all of it
	code func(uint8) string // the name of a code; nil: a number
}

func fields(parts ...[]field) []field {
	var all []field
	for _, p := range parts {
		all = append(all, p...)
	}
	return all
}

// The fields that many PDUs share.
var (
	lunField = []field{{name: "LUN", at: 8, n: 8}}
	ittField = []field{{name: "ITT", at: 16, n: 4}}
	tttField = []field{{name: "TTT", at: 20, n: 4}}
	request  = []field{{name: "CmdSN", at: 24, n: 4}, {name: "ExpStatSN", at: 28, n: 4}}
	response = []field{{name: "StatSN", at: 24, n: 4}, {name: "ExpCmdSN", at: 28, n: 4}, {name: "MaxCmdSN", at: 32, n: 4}}
)

// opcodes is the table of opcodes. A row without a name is no opcode of RFC 7143.
var opcodes = [opcodeMask + 1]opcodeRow{
	OpNOPOut: {
		name: "NOP-Out", final: true, command: true, flags: "F.......",
		fields: fields(lunField, ittField, tttField, request),
	},
	OpSCSICommand: {
		name: "SCSI Command", command: true, flags: "FRW.....",
		fields: fields([]field{{name: "attr", at: 1, n: 1, mask: 0x07, code: codeName[Attribute]}}, lunField, ittField,
			[]field{{name: "EDTL", at: 20, n: 4}}, request, []field{{name: "CDB", at: 32, n: 16}}),
	},
	OpTaskMgmt: {
		name: "Task Management Request", final: true, command: true, flags: "F.......",
		fields: fields([]field{{name: "function", at: 1, n: 1, mask: 0x7f, code: codeName[TaskMgmtFunction]}}, lunField, ittField,
			[]field{{name: "RTT", at: 20, n: 4}}, request, []field{{name: "RefCmdSN", at: 32, n: 4}, {name: "ExpDataSN", at: 36, n: 4}}),
	},
	OpLogin: {
		name: "Login Request", login: true, command: true, flags: "TC......",
		fields: fields(loginStages, []field{{name: "version-max", at: 2, n: 1}, {name: "version-min", at: 3, n: 1}}, loginSession, ittField,
			[]field{{name: "CID", at: 20, n: 2}}, request),
	},
	OpText: {
		name: "Text Request", discovery: true, command: true, flags: "FC......",
		fields: fields(lunField, ittField, tttField, request),
	},
	OpDataOut: {
		name: "SCSI Data-Out", flags: "F.......",
		fields: fields(lunField, ittField, tttField,
			[]field{{name: "ExpStatSN", at: 28, n: 4}, {name: "DataSN", at: 36, n: 4}, {name: "offset", at: 40, n: 4}}),
	},
	OpLogout: {
		name: "Logout Request", discovery: true, final: true, command: true, flags: "F.......",
		fields: fields([]field{{name: "reason", at: 1, n: 1, mask: 0x7f, code: codeName[LogoutReason]}}, ittField,
			[]field{{name: "CID", at: 20, n: 2}}, request),
	},
	OpSNACK: {
		name: "SNACK Request", final: true, flags: "F.......",
		fields: fields([]field{{name: "type", at: 1, n: 1, mask: 0x0f, code: codeName[SNACKType]}}, lunField, ittField, tttField,
			[]field{{name: "ExpStatSN", at: 28, n: 4}, {name: "BegRun", at: 40, n: 4}, {name: "RunLength", at: 44, n: 4}}),
	},
	OpNOPIn: {
		name: "NOP-In", target: true, final: true, flags: "F.......",
		fields: fields(lunField, ittField, tttField, response),
	},
	OpSCSIResponse: {
		name: "SCSI Response", target: true, final: true, flags: "F..ouOU.",
		fields: fields([]field{{name: "response", at: 2, n: 1}, {name: "status", at: 3, n: 1}}, ittField,
			[]field{{name: "SNACK-tag", at: 20, n: 4}}, response,
			[]field{{name: "ExpDataSN", at: 36, n: 4}, {name: "bidi-residual", at: 40, n: 4}, {name: "residual", at: 44, n: 4}}),
	},
	OpTaskMgmtResp: {
		name: "Task Management Response", target: true, final: true, flags: "F.......",
		fields: fields([]field{{name: "response", at: 2, n: 1, code: codeName[TaskMgmtResult]}}, ittField, response),
	},
	OpLoginResponse: {
		name: "Login Response", target: true, login: true, flags: "TC......",
		fields: fields(loginStages, []field{{name: "version-max", at: 2, n: 1}, {name: "version-active", at: 3, n: 1}}, loginSession, ittField, response,
			[]field{{name: "status-class", at: 36, n: 1}, {name: "status-detail", at: 37, n: 1}}),
	},
	OpTextResponse: {
		name: "Text Response", target: true, discovery: true, flags: "FC......",
		fields: fields(lunField, ittField, tttField, response),
	},
	OpDataIn: {
		name: "SCSI Data-In", target: true, flags: "FA...OUS",
		fields: fields([]field{{name: "status", at: 3, n: 1}}, lunField, ittField, tttField, response,
			[]field{{name: "DataSN", at: 36, n: 4}, {name: "offset", at: 40, n: 4}, {name: "residual", at: 44, n: 4}}),
	},
	OpLogoutResponse: {
		name: "Logout Response", target: true, discovery: true, final: true, flags: "F.......",
		fields: fields([]field{{name: "response", at: 2, n: 1, code: codeName[LogoutResult]}}, ittField, response,
			[]field{{name: "Time2Wait", at: 40, n: 2}, {name: "Time2Retain", at: 42, n: 2}}),
	},
	OpR2T: {
		name: "Ready To Transfer", target: true, final: true, flags: "F.......",
		fields: fields(lunField, ittField, tttField, response,
			[]field{{name: "R2TSN", at: 36, n: 4}, {name: "offset", at: 40, n: 4}, {name: "length", at: 44, n: 4}}),
	},
	OpAsync: {
		name: "Asynchronous Message", target: true, final: true, flags: "F.......",
		fields: fields(lunField, ittField, response,
			[]field{{name: "event", at: 36, n: 1, code: codeName[AsyncEvent]}, {name: "vcode", at: 37, n: 1},
				{name: "parameter1", at: 38, n: 2}, {name: "parameter2", at: 40, n: 2}, {name: "parameter3", at: 42, n: 2}}),
	},
	OpReject: {
		name: "Reject", target: true, discovery: true, final: true, flags: "F.......",
		fields: fields([]field{{name: "reason", at: 2, n: 1, code: codeName[RejectReason]}}, ittField, response,
			[]field{{name: "DataSN", at: 36, n: 4}}),
	},
}

// The fields that Login requests and responses share.
var (
	loginStages  = []field{{name: "CSG", at: 1, n: 1, mask: 0x0c}, {name: "NSG", at: 1, n: 1, mask: 0x03}}
	loginSession = []field{{name: "ISID", at: 8, n: 6}, {name: "TSIH", at: 14, n: 2}}
)

// Known reports whether RFC 7143 defines o.
func (o Opcode) Known() bool { return opcodes[o&opcodeMask].name != "" }

// FromInitiator reports whether o is one that an initiator sends.
func (o Opcode) FromInitiator() bool { return o.Known() && !opcodes[o&opcodeMask].target }

// InLogin reports whether o may be sent before full feature phase.
func (o Opcode) InLogin() bool { return opcodes[o&opcodeMask].login }

// InDiscovery reports whether o may be sent in full feature phase of a discovery session.
func (o Opcode) InDiscovery() bool { return opcodes[o&opcodeMask].discovery }

// HasCmdSN reports whether o is one of the requests that CmdSN numbers.
func (o Opcode) HasCmdSN() bool { return opcodes[o&opcodeMask].command }

func (o Opcode) String() string {
	if o.Known() {
		return opcodes[o&opcodeMask].name
	}
	return fmt.Sprintf("opcode %#02x", uint8(o))
}

// named returns names[c], or a number where the table has no name.
func named(names []string, c uint8, kind string) string {
	if int(c) < len(names) && names[c] != "" {
		return names[c]
	}
	return fmt.Sprintf("%s %#02x", kind, c)
}
