package scsi

import "encoding/binary"

// Bits of a log page's first byte (SPC-5).
const (
	logDS  = 0x80 // the page cannot be saved
	logSPF = 0x40 // the page has a subpage code
)

// allSubpages asks for a list of pages rather than for one (SPC-5).
const allSubpages = 0xFF

// A logPage is a log page (SPC-5, SBC-4).
type logPage struct {
	code, sub byte
	thin      bool // is there on thin units alone
	// parameters returns what the page tells, by parameter code.
	parameters func(lu *LogicalUnit) []logParameter
}

// A logParameter is a bounded or binary list parameter, and its code.
type logParameter struct {
	code  uint16
	value []byte
}

// binaryList is the control byte of a parameter that is a list of fields in binary.
const binaryList = 0x03

// logPages are the pages, by code. Page 00h and the subpages FFh are lists of these.
var logPages = [...]logPage{
	{code: 0x00, sub: 0x00},
	{code: 0x00, sub: allSubpages},
	{code: 0x0C, sub: 0x00, thin: true, parameters: provisioningParameters},
	{code: 0x0C, sub: allSubpages, thin: true},
}

// logSense is LOG SENSE (SPC-5). The values are what they are: PC, which chooses between current
// values and thresholds or defaults, changes nothing, since there are none of these.
func logSense(t *Task) error {
	c := &t.CDB
	if c[1]&0x01 != 0 { // SP: nothing is saved
		return InvalidFieldInCDB.AtBit(1, 0)
	}
	code, sub, from := c[2]&0x3F, c[3], binary.BigEndian.Uint16(c[5:])
	known := false
	for i := range logPages {
		page := &logPages[i]
		if page.code != code || page.thin && !t.lu().thin {
			continue
		}
		known = true
		if page.sub == sub {
			return page.reply(t, from)
		}
	}
	if known {
		return InvalidFieldInCDB.At(3)
	}
	return InvalidFieldInCDB.AtBit(2, 5)
}

// reply sends the page, from the parameter code from on.
//
//	0    DS, SPF, page code
//	1    subpage code
//	2, 3 PAGE LENGTH: of what follows
//	4..  parameters: code (2), control, length, value; or a list of pages
func (l *logPage) reply(t *Task, from uint16) error {
	p := []byte{l.code, l.sub, 0, 0}
	if l.sub != 0 {
		p[0] |= logSPF
	}
	switch {
	case l.parameters != nil:
		p[0] |= logDS
		all := l.parameters(t.lu())
		if len(all) > 0 && from > all[len(all)-1].code { // PARAMETER POINTER
			return InvalidFieldInCDB.At(5)
		}
		for _, parameter := range all {
			if parameter.code >= from {
				p = binary.BigEndian.AppendUint16(p, parameter.code)
				p = append(p, binaryList, byte(len(parameter.value)))
				p = append(p, parameter.value...)
			}
		}
	case from != 0:
		return InvalidFieldInCDB.At(5)
	default:
		p = l.appendPages(t.lu(), p)
	}
	binary.BigEndian.PutUint16(p[2:], uint16(len(p)-4))
	return t.reply(p)
}

// appendPages appends the list that l is: of page codes, or with subpages of both codes; page 00h
// lists all pages, another page its own.
func (l *logPage) appendPages(lu *LogicalUnit, p []byte) []byte {
	for i := range logPages {
		switch page := &logPages[i]; {
		case page.thin && !lu.thin, l.code != 0 && l.code != page.code:
		case l.sub == allSubpages:
			p = append(p, page.code, page.sub)
		case page.sub == 0:
			p = append(p, page.code)
		}
	}
	return p
}
