package scsi

import (
	"encoding/binary"
	"math"
)

// MODE SENSE of 6 and 10 bytes (SPC-5).
const (
	senseDBD   = 0x08 // byte 1: no block descriptors
	senseLLBAA = 0x10 // byte 1, of 10: long LBAs are accepted
)

// PAGE CONTROL, the two high bits of byte 2.
const (
	pageCurrent = iota
	pageChangeable
	pageDefault
	pageSaved
)

// modeSPF in the first byte of a page says that it has a subpage code.
const modeSPF = 0x40

// The device-specific parameter (SBC-4).
const (
	deviceWP     = 0x80 // write protected
	deviceDPOFUA = 0x10 // DPO and FUA are known
)

// modeSense6 sends a four byte header: MODE DATA LENGTH, medium type, device-specific
// parameter, BLOCK DESCRIPTOR LENGTH.
func modeSense6(t *Task) error {
	p := []byte{0, 0, t.deviceSpecific(), 0}
	if t.CDB[1]&senseDBD == 0 {
		p = t.appendBlocks(p, false)
		p[3] = byte(len(p) - 4)
	}
	p, err := t.appendPages(p)
	if err != nil {
		return err
	}
	p[0] = byte(len(p) - 1)
	return t.reply(p)
}

// modeSense10 sends an eight byte header: MODE DATA LENGTH (2), medium type, device-specific
// parameter, LONGLBA, reserved, BLOCK DESCRIPTOR LENGTH (2).
func modeSense10(t *Task) error {
	p := []byte{0, 0, 0, t.deviceSpecific(), 0, 0, 0, 0}
	if t.CDB[1]&senseDBD == 0 {
		long := t.CDB[1]&senseLLBAA != 0
		if long {
			p[4] = 0x01
		}
		p = t.appendBlocks(p, long)
		p[7] = byte(len(p) - 8)
	}
	p, err := t.appendPages(p)
	if err != nil {
		return err
	}
	binary.BigEndian.PutUint16(p, uint16(len(p)-2))
	return t.reply(p)
}

func (t *Task) deviceSpecific() byte {
	if t.lu().writeProtected() {
		return deviceWP | deviceDPOFUA
	}
	return deviceDPOFUA
}

// appendBlocks appends a block descriptor: of 8 bytes, or of 16 with long LBAs.
func (t *Task) appendBlocks(p []byte, long bool) []byte {
	be := binary.BigEndian
	blocks, length := t.capacity(), uint32(t.blockSize())
	if long {
		p = be.AppendUint64(p, blocks)
		p = be.AppendUint32(p, 0)
		return be.AppendUint32(p, length)
	}
	p = be.AppendUint32(p, uint32(min(blocks, math.MaxUint32)))
	return be.AppendUint32(p, length)
}

// appendPages appends the pages that the CDB asks for.
func (t *Task) appendPages(p []byte) ([]byte, error) {
	code, sub := t.CDB[2]&0x3F, t.CDB[3]
	if s := t.lu().sanitizing.Load(); s != nil && !whileSanitizing(code, sub) {
		return nil, s.sense()
	}
	control := t.CDB[2] >> 6
	if control == pageSaved {
		return nil, SavingNotSupported
	}
	known, found := false, false
	for i := range modePages {
		page := &modePages[i]
		if code != allPages && code != page.code || page.thin && !t.lu().thin {
			continue
		}
		known = true
		if sub == page.sub || sub == allSubpages {
			p = append(p, page.values(t.lu(), control)...)
			found = true
		}
	}
	switch {
	case !known:
		return nil, InvalidFieldInCDB.AtBit(2, 5)
	case !found:
		return nil, InvalidFieldInCDB.At(3)
	}
	return p, nil
}

// whileSanitizing reports whether a page may be asked for while the unit is sanitized (SBC-4,
// commands allowed during sanitize).
func whileSanitizing(code, sub byte) bool {
	return sub == 0 && (code == 0x08 || code == 0x0A || code == 0x1C)
}

// values returns the page as PAGE CONTROL asks for it.
func (m *modePage) values(lu *LogicalUnit, control byte) []byte {
	p := make([]byte, len(m.changeable))
	switch control {
	case pageCurrent:
		m.current(lu, p)
	case pageChangeable:
		copy(p, m.changeable)
	case pageDefault:
		m.fallback(lu, p)
	}
	if m.sub == 0 {
		p[0], p[1] = m.code, byte(len(p)-2)
	} else {
		p[0], p[1] = m.code|modeSPF, m.sub
		binary.BigEndian.PutUint16(p[2:], uint16(len(p)-4))
	}
	return p
}
