package scsi

import (
	"encoding/binary"

	"github.com/lunarsan/lunar/sbd"
)

// SANITIZE (SBC-4), byte 1.
const (
	sanitizeIMMED = 0x80
	sanitizeZNR   = 0x40
	sanitizeAUSE  = 0x20
)

// Byte 0 of the parameter list of OVERWRITE.
const (
	overwriteInvert = 0x80
	overwriteTest   = 0x60
	overwriteCount  = 0x1F
)

// overwriteHeader is what comes before the pattern in that list, in bytes.
const overwriteHeader = 4

// sanitizeLengths refuses what none of the service actions has a meaning for.
func sanitizeLengths(t *Task) (out, in int64, err error) {
	c := &t.CDB
	if c[1]&sanitizeZNR != 0 { // there are no zones
		return 0, 0, InvalidFieldInCDB.AtBit(1, 6)
	}
	for i := 2; i < 7; i++ {
		if c[i] != 0 {
			return 0, 0, InvalidFieldInCDB.At(i)
		}
	}
	return int64(binary.BigEndian.Uint16(c[7:])), 0, nil
}

// overwriteLengths takes a list with a byte of pattern at least, and a block of it at most.
func overwriteLengths(t *Task) (out, in int64, err error) {
	if out, in, err = sanitizeLengths(t); err == nil && (out <= overwriteHeader || t.path != nil && out > t.blockSize()+overwriteHeader) {
		err = InvalidFieldInCDB.At(7)
	}
	return out, in, err
}

// bareLengths takes no list.
func bareLengths(t *Task) (out, in int64, err error) {
	if out, in, err = sanitizeLengths(t); err == nil && out != 0 {
		err = InvalidFieldInCDB.At(7)
	}
	return out, in, err
}

// sanitizeOverwrite is SANITIZE with the OVERWRITE service action.
//
//	0    INVERT, TEST, OVERWRITE COUNT
//	2, 3 INITIALIZATION PATTERN LENGTH
//	4..  INITIALIZATION PATTERN, which begins anew with every block
func sanitizeOverwrite(t *Task) error {
	p, err := t.exactOut()
	if err != nil {
		return err
	}
	length := int(binary.BigEndian.Uint16(p[2:]))
	switch {
	case p[0]&overwriteTest != 0:
		return InvalidFieldInParameters.AtBit(0, 6)
	case p[0]&overwriteCount == 0:
		return InvalidFieldInParameters.AtBit(0, 4)
	case length == 0, length > len(p)-overwriteHeader:
		return InvalidFieldInParameters.At(2)
	}
	return t.sanitize(&Sanitize{
		Pattern: append([]byte(nil), p[overwriteHeader:overwriteHeader+length]...),
		Passes:  int(p[0] & overwriteCount),
		Invert:  p[0]&overwriteInvert != 0,
	})
}

// sanitizeErase is SANITIZE with the BLOCK ERASE service action.
func sanitizeErase(t *Task) error { return t.sanitize(&Sanitize{}) }

// exitFailureMode is SANITIZE with the EXIT FAILURE MODE service action: the unit may be used again
// although it was not sanitized, if whoever asked for that allowed it (AUSE).
func exitFailureMode(t *Task) error {
	lu := t.lu()
	s := lu.sanitizing.Load()
	switch {
	case s == nil:
		return nil
	case !s.Exitable:
		return InvalidFieldInCDB.AtBit(1, 4)
	case !t.mayBlock: // saving it may have to wait
		return sbd.ErrWouldBlock
	}
	return lu.endSanitize(s)
}

// sanitize begins what r describes and, but for IMMED, waits until it has ended. An abort ends
// the command and not the operation (SBC-4, performing a sanitize operation).
func (t *Task) sanitize(r *Sanitize) error {
	if !t.mayBlock {
		return sbd.ErrWouldBlock
	}
	lu := t.lu()
	r.Exitable = t.CDB[1]&sanitizeAUSE != 0
	if before := lu.sanitizing.Load(); before != nil && !before.Exitable && r.Exitable {
		return InvalidFieldInCDB.AtBit(1, 5) // it would let a failure be forgotten that must not be
	}
	s, err := lu.beginSanitize(r)
	if err != nil {
		return err
	}
	lu.tasks.alone() // those that began before it may still write
	lu.ResumeSanitize()
	if t.CDB[1]&sanitizeIMMED != 0 {
		return nil
	}
	return s.wait(t.cancelled)
}
