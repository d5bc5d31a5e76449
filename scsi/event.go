package scsi

import (
	"fmt"
	"time"

	"github.com/lunarsan/lunar/sbd"
)

// An Event is a way in which commands of an initiator ended other than well, and how often.
type Event struct {
	Request string // "INQUIRY, VPD page C0h"; empty: a unit attention, whatever was asked
	Status  Status
	Sense   Sense // NoSense unless Status is CHECK CONDITION
	Count   uint64

	// The last time.
	Last time.Time
	CDB  CDB
	LUN  LUN
	Unit sbd.GUID // zero: no unit is mapped there
}

// eventKey is what makes events alike.
type eventKey struct {
	request request
	status  Status
	sense   Sense
}

// add counts t, which ended otherwise than well.
func (h *History) add(t *Task, at time.Time) {
	if h == nil {
		return
	}
	k := eventKey{t.request(), t.Status, t.Sense.Sense()}
	if k.sense.Key() == 6 {
		k.request = request{}
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	e := h.events[k]
	if e == nil {
		if len(h.events) >= maxEvents {
			h.untraced++
			return
		}
		if h.events == nil {
			h.events = make(map[eventKey]*Event)
		}
		e = &Event{Status: k.status, Sense: k.sense}
		if k.request != (request{}) {
			e.Request = k.request.name(t.nexus.commands)
		}
		h.events[k] = e
	}
	e.Count++
	e.Last, e.CDB, e.LUN, e.Unit = at, t.CDB, t.LUN, sbd.GUID{}
	if t.path != nil {
		e.Unit = t.unit().Identity().GUID
	}
}

// A request is what a CDB asks for, as far as it tells refusals apart.
type request struct {
	opcode    Opcode
	part      part
	code, sub byte // of the part
}

// A part is what of a device a CDB names, beside the opcode.
type part uint8

const (
	wholeDevice part = iota + 1
	serviceAction
	vpdPageCode
	modePageCode
	logPageCode
)

func (t *Task) request() request {
	const opLogSense = 0x4D
	c := &t.CDB
	switch op := c.Opcode(); op {
	case opInquiry:
		if c[1]&inquiryEVPD != 0 {
			return request{op, vpdPageCode, c[2], 0}
		}
	case opModeSense6, opModeSense10:
		return request{op, modePageCode, c[2] & 0x3F, c[3]}
	case opLogSense:
		return request{op, logPageCode, c[2] & 0x3F, c[3]}
	default:
		if t.nexus.commands[op].services != nil || strangers[op].services {
			return request{op, serviceAction, c.service(), 0}
		}
	}
	return request{c.Opcode(), wholeDevice, 0, 0}
}

// strangers are opcodes that initiators are known to ask for and that the table of commands
// may not have, by their names in SPC-5, SBC-4 and SAT-4.
var strangers = [256]struct {
	name     string
	services bool
}{
	0x04: {name: "FORMAT UNIT"},
	0x1C: {name: "RECEIVE DIAGNOSTIC RESULTS"},
	0x1D: {name: "SEND DIAGNOSTIC"},
	0x1E: {name: "PREVENT ALLOW MEDIUM REMOVAL"},
	0x37: {name: "READ DEFECT DATA(10)"},
	0x3B: {name: "WRITE BUFFER"},
	0x3C: {name: "READ BUFFER(10)"},
	0x48: {name: "SANITIZE", services: true},
	0x4C: {name: "LOG SELECT"},
	0x4D: {name: "LOG SENSE"},
	0x5E: {name: "PERSISTENT RESERVE IN", services: true},
	0x5F: {name: "PERSISTENT RESERVE OUT", services: true},
	0x85: {name: "ATA PASS-THROUGH(16)"},
	0xA1: {name: "ATA PASS-THROUGH(12)"},
	0xA2: {name: "SECURITY PROTOCOL IN"},
	0xA4: {name: "MAINTENANCE OUT", services: true},
	0xB5: {name: "SECURITY PROTOCOL OUT"},
	0xB7: {name: "READ DEFECT DATA(12)"},
}

// name names what was asked for, by the table of commands.
func (r request) name(table *commandTable) string {
	name := table[r.opcode].name
	if name == "" {
		name = strangers[r.opcode].name
	}
	if name == "" {
		name = fmt.Sprintf("opcode %02Xh", uint8(r.opcode))
	}
	page := fmt.Sprintf("page %02Xh", r.code)
	if r.sub != 0 {
		page += fmt.Sprintf("/%02Xh", r.sub)
	}
	switch r.part {
	case serviceAction:
		return serviceName(table[r.opcode].services, r.code, name)
	case vpdPageCode:
		return name + ", VPD " + page
	case modePageCode, logPageCode:
		return name + ", " + page
	}
	return name
}

// serviceName is the name of a service action that has a row; name is its opcode's.
func serviceName(rows *[32]command, service byte, name string) string {
	if rows != nil && rows[service].name != "" {
		return rows[service].name
	}
	return fmt.Sprintf("%s, service action %02Xh", name, service)
}
