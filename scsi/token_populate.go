package scsi

import (
	"encoding/binary"
	"time"

	"github.com/lunarsan/lunar/sbd"
)

// populateToken is POPULATE TOKEN. Its parameter list (SBC-4):
//
//	0, 1   POPULATE TOKEN DATA LENGTH
//	2      RTV (bit 1), IMMED (bit 0): the command is short, and ends before its status either way
//	4..7   INACTIVITY TIMEOUT, in seconds; 0: ours
//	8..11  ROD TYPE, if RTV
//	14, 15 BLOCK DEVICE RANGE DESCRIPTOR LENGTH
//	16..   descriptors
func populateToken(t *Task) error {
	p := t.Out
	ranges, total, err := t.parseTokenRanges(p, populateHeaderLen)
	if err != nil {
		return err
	}
	timeout := time.Duration(binary.BigEndian.Uint32(p[4:])) * time.Second
	switch {
	case timeout > maxTokenTimeout:
		return InvalidFieldInParameters.At(4)
	case timeout == 0:
		timeout = usualTokenTimeout
	}
	const typed = 0x02 // RTV
	if p[2]&typed != 0 {
		switch binary.BigEndian.Uint32(p[8:]) {
		case rodDefault, rodVulnerable, rodAny:
		default:
			return InvalidFieldInParameters.At(8)
		}
	}
	if !t.mayBlock {
		return sbd.ErrWouldBlock
	}
	record, err := t.path.copies.begin(&listKey{lid4, t.CDB.tokenListID()}, t.CDB.service())
	if err != nil {
		return err
	}
	k := newToken(t, ranges, timeout)
	if k.watch, err = t.unit().Watch(&t.op, ranges); err != nil {
		return record.end(t, err)
	}
	t.lu().tokens.add(k)
	record.moved.Store(total)
	record.made(k)
	return record.end(t, nil)
}
