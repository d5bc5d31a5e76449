package scsi

import "sync/atomic"

// A modePage is one mode page (SPC-5, SBC-4), as long as its parameters need: the header, code and
// length, is filled in by whoever calls. It has two bytes, or four where there is a subpage code.
type modePage struct {
	code, sub byte
	thin      bool // is there on thin units alone
	// changeable has a bit set where MODE SELECT may change the page; its length is the
	// page's.
	changeable []byte
	// current fills p, all zeros, with what is in force.
	current func(lu *LogicalUnit, p []byte)
	// fallback fills p with the defaults.
	fallback func(lu *LogicalUnit, p []byte)
	// apply puts p, in which only changeable bits differ from current, in force.
	apply func(t *Task, p []byte) error
}

const allPages = 0x3F

// modePages are the pages, by code. None can be saved: WCE and thresholds are the operator's to
// keep, the rest ends with a reset.
var modePages = [...]modePage{
	{
		code:       0x01, // Read-Write Error Recovery
		thin:       true,
		changeable: []byte{11: 0},
		current:    recoveryPage, fallback: recoveryPage,
	},
	{
		code:       0x08, // Caching
		changeable: []byte{2: cachingWCE, 19: 0},
		current:    cachingPage, fallback: cachingPage, apply: applyCaching,
	},
	{
		code:       0x0A, // Control
		changeable: []byte{2: controlDSense, 4: controlSWP, 5: controlTAS, 11: 0},
		current:    controlPage, fallback: controlDefaults, apply: applyControl,
	},
	{
		code:       0x1C, // Informational Exceptions Control
		changeable: []byte{11: 0},
		current:    exceptionsPage, fallback: exceptionsPage,
	},
	{
		code: 0x1C, sub: 0x02, // Logical Block Provisioning
		thin:       true,
		changeable: []byte{thresholdAt + 7: 0},
		current:    provisioningPage, fallback: provisioningPage,
	},
}

// modes holds the mode parameters that MODE SELECT can change and no sbd.Unit keeps. The zero
// value is the default.
type modes struct {
	dsense atomic.Bool // sense data in descriptor format
	tas    atomic.Bool // tasks that another nexus aborts end with TASK ABORTED
	swp    atomic.Bool // software write protect
}

func (m *modes) reset() {
	m.dsense.Store(false)
	m.tas.Store(false)
	m.swp.Store(false)
}

// Caching, byte 2.
const cachingWCE = 0x04

func cachingPage(lu *LogicalUnit, p []byte) {
	if !lu.unit.Durable() {
		p[2] = cachingWCE
	}
}

// applyCaching sets WCE. What was answered while there was a cache must not be lost when
// there is none any more.
func applyCaching(t *Task, p []byte) error {
	on := p[2]&cachingWCE != 0
	t.unit().SetWriteCache(on)
	if on {
		return nil
	}
	return t.unit().Sync(&t.op)
}

// Control, bytes 2 to 5, 8 and 9.
const (
	controlDSense    = 0x04 // byte 2
	controlUnordered = 0x10 // byte 3: QUEUE ALGORITHM MODIFIER, SIMPLE tasks in any order
	controlSWP       = 0x08 // byte 4
	controlTAS       = 0x40 // byte 5
)

func controlDefaults(_ *LogicalUnit, p []byte) {
	p[3] = controlUnordered
	p[8], p[9] = 0xFF, 0xFF // BUSY TIMEOUT PERIOD: unlimited
}

func controlPage(lu *LogicalUnit, p []byte) {
	controlDefaults(lu, p)
	if lu.modes.dsense.Load() {
		p[2] |= controlDSense
	}
	if lu.modes.swp.Load() {
		p[4] |= controlSWP
	}
	if lu.modes.tas.Load() {
		p[5] |= controlTAS
	}
}

func applyControl(t *Task, p []byte) error {
	m := &t.lu().modes
	m.dsense.Store(p[2]&controlDSense != 0)
	m.swp.Store(p[4]&controlSWP != 0)
	m.tas.Store(p[5]&controlTAS != 0)
	return nil
}

// exceptionsPage has DEXCPT set: nothing is ever reported.
func exceptionsPage(_ *LogicalUnit, p []byte) { p[2] = 0x08 }
