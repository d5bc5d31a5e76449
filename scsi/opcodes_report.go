package scsi

import "encoding/binary"

// REPORT SUPPORTED OPERATION CODES (SPC-5).
const (
	reportRCTD     = 0x80 // byte 2: with command timeouts descriptors
	reportOptions  = 0x07 // byte 2: REPORTING OPTIONS
	reportAll      = 0
	reportOpcode   = 1 // an opcode without service actions
	reportService  = 2 // an opcode with service actions
	reportEither   = 3
	notSupported   = 0x01 // SUPPORT
	asTheStandard  = 0x03 // SUPPORT
	oneHasTimeouts = 0x80 // CTDP of the one_command format
	allHasTimeouts = 0x02 // CTDP of a command descriptor
	allHasService  = 0x01 // SERVACTV of a command descriptor
)

func reportOpcodes(t *Task) error {
	timeouts := t.CDB[2]&reportRCTD != 0
	table := t.nexus.commands
	option := t.CDB[2] & reportOptions
	opcode, service := t.CDB[3], int(binary.BigEndian.Uint16(t.CDB[4:6]))
	services := table[opcode].services
	switch {
	case option == reportAll:
		return t.reply(t.appendCommands(nil, table, timeouts))
	case option > reportEither:
		return InvalidFieldInCDB.AtBit(2, 2)
	case option == reportOpcode && services != nil, option == reportService && services == nil:
		return InvalidFieldInCDB.AtBit(2, 2)
	}
	row := &table[opcode]
	switch {
	case services != nil && service < len(services):
		row = &services[service]
	case services != nil, service != 0 && option == reportEither:
		row = &command{}
	}
	if !t.offers(row) {
		return t.reply([]byte{0, notSupported, 0, 0})
	}
	return t.reply(describeCommand(row, timeouts))
}

// appendCommands appends the all_commands parameter data: COMMAND DATA LENGTH, then a
// descriptor for each command.
func (t *Task) appendCommands(p []byte, table *commandTable, timeouts bool) []byte {
	p = append(p, 0, 0, 0, 0)
	for opcode := range table {
		row := &table[opcode]
		if t.offers(row) {
			p = appendCommand(p, row, 0, timeouts)
		}
		if row.services == nil {
			continue
		}
		for i := range row.services {
			if service := &row.services[i]; t.offers(service) {
				p = appendCommand(p, service, allHasService, timeouts)
			}
		}
	}
	binary.BigEndian.PutUint32(p, uint32(len(p)-4))
	return p
}

// appendCommand appends a command descriptor: opcode, reserved, service action (2), reserved,
// flags, CDB length (2).
func appendCommand(p []byte, row *command, flags byte, timeouts bool) []byte {
	var service byte
	if flags&allHasService != 0 {
		service = row.usage[1] & 0x1F
	}
	if timeouts {
		flags |= allHasTimeouts
	}
	p = append(p, row.usage[0], 0, 0, service, 0, flags, 0, byte(len(row.usage)))
	if timeouts {
		p = appendTimeouts(p)
	}
	return p
}

// describeCommand is the one_command parameter data: reserved, CTDP and SUPPORT, CDB size (2),
// CDB usage data.
func describeCommand(row *command, timeouts bool) []byte {
	p := append([]byte{0, asTheStandard, 0, byte(len(row.usage))}, row.usage...)
	if timeouts {
		p[1] |= oneHasTimeouts
		p = appendTimeouts(p)
	}
	return p
}

// appendTimeouts appends a command timeouts descriptor: length, reserved, command specific,
// nominal and recommended timeouts in seconds. The nominal one is not known: the store decides.
func appendTimeouts(p []byte) []byte {
	const recommended = 60
	p = append(p, 0, 0x0A, 0, 0, 0, 0, 0, 0)
	return binary.BigEndian.AppendUint32(p, recommended)
}

// The task management functions of REPORT SUPPORTED TASK MANAGEMENT FUNCTIONS (SPC-5), those
// that iSCSI can carry.
const (
	hasAbortTask        = 0x80
	hasAbortTaskSet     = 0x40
	hasClearTaskSet     = 0x10
	hasLogicalUnitReset = 0x08
	hasTargetReset      = 0x02
)

// reportTaskManagement is REPORT SUPPORTED TASK MANAGEMENT FUNCTIONS: four bytes, and with
// REPD twelve more for timeouts, which are not known.
func reportTaskManagement(t *Task) error {
	p := [16]byte{hasAbortTask | hasAbortTaskSet | hasClearTaskSet | hasLogicalUnitReset | hasTargetReset}
	const withTimeouts = 0x80 // REPD
	if t.CDB[2]&withTimeouts == 0 {
		return t.reply(p[:4])
	}
	p[3] = byte(len(p) - 4)
	return t.reply(p[:])
}
