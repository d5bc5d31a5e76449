package scsi

import (
	"bytes"
	"encoding/binary"

	"github.com/lunarsan/lunar/sbd"
)

// MODE SELECT of 6 and 10 bytes (SPC-5), byte 1. PF is not looked at: all pages are of the
// standard's format.
const (
	selectRTD = 0x02 // revert to defaults
	selectSP  = 0x01 // save
)

func modeSelect6(t *Task) error { return modeSelect(t, 4) }

func modeSelect10(t *Task) error { return modeSelect(t, 8) }

// modeSelect checks all of the parameter list, which begins with a header as long as MODE
// SENSE sends, and then puts the pages in force.
func modeSelect(t *Task, header int) error {
	switch {
	case t.CDB[1]&selectRTD != 0:
		return InvalidFieldInCDB.AtBit(1, 1)
	case t.CDB[1]&selectSP != 0:
		return InvalidFieldInCDB.AtBit(1, 0)
	case t.outLen == 0:
		return nil
	case int64(len(t.Out)) < t.outLen:
		return ParameterListLength
	case !t.mayBlock: // turning the write cache off has to write it
		return sbd.ErrWouldBlock
	}
	changes, err := t.parseModes(t.Out, header)
	if err != nil {
		return err
	}
	for _, c := range changes {
		if err := c.page.apply(t, c.values); err != nil {
			return err
		}
	}
	if len(changes) > 0 {
		t.lu().raise(ModeParametersChanged, t.path)
	}
	return nil
}

// A modeChange is a page whose parameters are to change.
type modeChange struct {
	page   *modePage
	values []byte
}

// parseModes reads a mode parameter list. Pages that say what is in force already are no
// change.
func (t *Task) parseModes(list []byte, header int) ([]modeChange, error) {
	at, err := t.checkBlocks(list, header)
	if err != nil {
		return nil, err
	}
	var changes []modeChange
	for at < len(list) {
		page, err := t.findPage(list, at)
		if err != nil {
			return nil, err
		}
		now := page.values(t.lu(), pageCurrent)
		p := bytes.Clone(list[at : at+len(now)])
		p[0] &^= 0x80 // PS means nothing here
		for i := range p {
			if wrong := (p[i] ^ now[i]) &^ page.changeable[i]; wrong != 0 {
				return nil, InvalidFieldInParameters.At(at + i)
			}
		}
		if !bytes.Equal(p, now) {
			changes = append(changes, modeChange{page, p})
		}
		at += len(now)
	}
	return changes, nil
}

// checkBlocks checks the header and the block descriptor, which may not change the unit, and
// returns where the pages begin.
func (t *Task) checkBlocks(list []byte, header int) (int, error) {
	if len(list) < header {
		return 0, ParameterListLength
	}
	be := binary.BigEndian
	length, long, lengthAt := int(list[3]), false, 3
	if header == 8 {
		length, long, lengthAt = int(be.Uint16(list[6:])), list[4]&0x01 != 0, 6
	}
	d := list[header:]
	if len(d) < length {
		return 0, ParameterListLength
	}
	var blocks, most, block uint64
	var blockAt int
	switch {
	case length == 0:
		return header, nil
	case length == 8 && !long:
		blocks, most = uint64(be.Uint32(d)), 1<<32-1
		blockAt = 5
		block = uint64(be.Uint32(d[4:]) & 0xFFFFFF)
	case length == 16 && long:
		blocks, most = be.Uint64(d), 1<<64-1
		blockAt = 12
		block = uint64(be.Uint32(d[12:]))
	default:
		return 0, InvalidFieldInParameters.At(lengthAt)
	}
	if blocks != 0 && blocks != most && blocks != t.capacity() {
		return 0, InvalidFieldInParameters.At(header)
	}
	if block != uint64(t.blockSize()) {
		return 0, InvalidFieldInParameters.At(header + blockAt)
	}
	return header + length, nil
}

// findPage finds the mode page that begins at byte at of list, all of which is there.
func (t *Task) findPage(list []byte, at int) (*modePage, error) {
	header := 2
	if list[at]&modeSPF != 0 {
		header = 4
	}
	if len(list)-at < header {
		return nil, ParameterListLength
	}
	sub, length, lengthAt := byte(0), int(list[at+1]), at+1
	if header == 4 {
		sub, length, lengthAt = list[at+1], int(binary.BigEndian.Uint16(list[at+2:])), at+2
	}
	for i := range modePages {
		page := &modePages[i]
		switch n := len(page.changeable); {
		case page.code != list[at]&0x3F, page.sub != sub, page.thin && !t.lu().thin:
			continue
		case length != n-header:
			return nil, InvalidFieldInParameters.At(lengthAt)
		case len(list)-at < n:
			return nil, ParameterListLength
		}
		return page, nil
	}
	if sub != 0 {
		return nil, InvalidFieldInParameters.At(at + 1)
	}
	return nil, InvalidFieldInParameters.AtBit(at, 5)
}
