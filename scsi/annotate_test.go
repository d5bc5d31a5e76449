package scsi

import (
	"encoding/binary"
	"fmt"
	"strings"
)

// describe writes a task's result as scripts show it: status or sense, the bytes moved and
// how they differ from what was expected, and Data-In field by field.
func describe(w *strings.Builder, t *Task) {
	names := map[Status]string{Good: "GOOD", ConditionMet: "CONDITION MET", ReservationConflict: "RESERVATION CONFLICT", TaskAborted: "TASK ABORTED"}
	if t.Status == CheckCondition {
		describeSense(w, t.Sense.Bytes())
	} else {
		fmt.Fprint(w, names[t.Status])
	}
	moved := t.InLen + t.OutLen()
	if moved > 0 {
		fmt.Fprintf(w, ", %d bytes", moved)
	}
	switch {
	case moved < t.Expected && t.Status == Good:
		fmt.Fprintf(w, ", %d fewer than expected", t.Expected-moved)
	case moved > t.Expected:
		fmt.Fprintf(w, ", %d more than expected", moved-t.Expected)
	}
	fmt.Fprintln(w)
	a := &annotator{w: w, p: t.In}
	a.data(&t.CDB)
}

func describeSense(w *strings.Builder, p []byte) {
	key, format := p[2], "fixed"
	codes := p[12:14]
	specific, info := p[15:18], p[3:7]
	if p[0]&0x7F == 0x72 {
		key, format, codes = p[1], "descriptor", p[2:4]
		specific, info = make([]byte, 3), nil
		for d := p[8:]; len(d) >= 2; d = d[2+d[1]:] {
			switch d[0] {
			case 0x00:
				info = d[4:12]
			case 0x02:
				specific = d[4:7]
			}
		}
	}
	fmt.Fprintf(w, "%v (%s)", Sense(uint32(key)<<16|uint32(codes[0])<<8|uint32(codes[1])), format)
	if format == "fixed" && p[0]&0x80 != 0 || format != "fixed" && info != nil {
		fmt.Fprintf(w, ", information %x", info)
	}
	describeCopyFault(w, key, p)
	if specific[0]&0x80 == 0 {
		return
	}
	where := "parameter list"
	switch {
	case specific[0]&0x40 != 0:
		where = "CDB"
	case specific[0]&0x20 != 0:
		where = "segment"
	}
	fmt.Fprintf(w, ", %s byte %d", where, binary.BigEndian.Uint16(specific[1:]))
	if specific[0]&0x08 != 0 {
		fmt.Fprintf(w, " bit %d", specific[0]&7)
	}
}

// describeCopyFault writes what COPY ABORTED says in fixed format.
func describeCopyFault(w *strings.Builder, key byte, p []byte) {
	if key != 0x0A || p[0]&0x7F != 0x70 {
		return
	}
	fmt.Fprintf(w, ", in segment %d", binary.BigEndian.Uint16(p[10:]))
	for i, side := range []string{"source", "destination"} {
		if at := p[8+i]; at != 0 {
			fmt.Fprintf(w, ", the %s said %02xh", side, p[at])
			if len(p) > int(at)+1 {
				w.WriteString(" ")
				describeSense(w, p[at+1:])
			}
		}
	}
}

// An annotator writes bytes field by field, as far as they go.
type annotator struct {
	w  *strings.Builder
	p  []byte
	at int
}

// take writes the next n bytes under a name.
func (a *annotator) take(n int, name string) []byte {
	n = min(n, len(a.p)-a.at)
	if n <= 0 {
		return nil
	}
	p := a.p[a.at : a.at+n]
	where := fmt.Sprintf("%02x", a.at)
	if n > 1 {
		where += fmt.Sprintf("-%02x", a.at+n-1)
	}
	fmt.Fprintf(a.w, "%-6s %-24x # %s\n", where, p, name)
	a.at += n
	return p
}

// text is take for ASCII.
func (a *annotator) text(n int, name string) {
	if n = min(n, len(a.p)-a.at); n > 0 {
		a.take(n, fmt.Sprintf("%s %q", name, a.p[a.at:a.at+n]))
	}
}

// zeros skips n bytes of which nothing is known, and writes those that are not zero.
func (a *annotator) zeros(n int) {
	for ; n > 0 && a.at < len(a.p); n-- {
		if a.p[a.at] != 0 {
			a.take(1, "reserved")
		} else {
			a.at++
		}
	}
}

// runs writes data as what is repeated and how often.
func (a *annotator) runs() {
	for a.at < len(a.p) {
		n := 1
		for a.at+n < len(a.p) && a.p[a.at+n] == a.p[a.at] {
			n++
		}
		fmt.Fprintf(a.w, "%02x * %d\n", a.p[a.at], n)
		a.at += n
	}
}

// each calls f until the data end, or the n bytes that follow are used up.
func (a *annotator) each(n int, f func()) {
	for end := min(a.at+n, len(a.p)); a.at < end; {
		f()
	}
}

func (a *annotator) data(c *CDB) {
	switch c.Opcode() {
	case opInquiry:
		if c[1]&1 != 0 {
			a.vpd()
		} else {
			a.inquiry()
		}
	case opRequestSense:
		if len(a.p) >= 14 {
			describeSense(a.w, a.p)
			fmt.Fprintln(a.w)
		}
		a.at = len(a.p)
	case opReportLUNs:
		a.take(4, "LUN LIST LENGTH")
		a.zeros(4)
		a.each(len(a.p), func() { a.take(8, "LUN") })
	case opModeSense6:
		a.take(1, "MODE DATA LENGTH")
		a.take(1, "medium type")
		a.take(1, "device-specific parameter")
		a.modes(a.take(1, "BLOCK DESCRIPTOR LENGTH"))
	case opModeSense10:
		a.take(2, "MODE DATA LENGTH")
		a.take(1, "medium type")
		a.take(1, "device-specific parameter")
		a.take(1, "LONGLBA")
		a.zeros(1)
		a.modes(a.take(2, "BLOCK DESCRIPTOR LENGTH"))
	case opLogSense:
		a.logs()
	case opReadDefects10, opReadDefects12:
		a.zeros(1)
		a.take(1, "PLISTV, GLISTV; DEFECT LIST FORMAT")
		if c.Opcode() == opReadDefects12 {
			a.take(2, "GENERATION CODE")
		}
		a.take(len(a.p), "DEFECT LIST LENGTH")
	case opPersistentIn:
		a.persistent(c.service())
	case opMaintenanceIn:
		if c.service() == saReportPortGroups {
			a.portGroups(c[1] >> 5)
		} else if c.service() == saReportTaskManagement {
			a.take(2, "functions")
			a.zeros(1)
			a.take(1, "additional length")
		} else if c[2]&reportOptions == reportAll {
			a.opcodes()
		} else {
			a.opcode()
		}
	case opRead6, opRead10, opRead12, opRead16:
		a.runs()
	case opThirdPartyCopyIn:
		a.copyResults(c)
	case opServiceActionIn16:
		if c.service() == saGetLBAStatus {
			a.take(4, "PARAMETER DATA LENGTH")
			a.zeros(4)
			a.each(len(a.p), func() {
				a.take(8, "LBA STATUS LOGICAL BLOCK ADDRESS")
				a.take(4, "NUMBER OF LOGICAL BLOCKS")
				a.take(1, "PROVISIONING STATUS")
				a.zeros(3)
			})
		}
		if c.service() == saReadCapacity16 {
			a.take(8, "RETURNED LOGICAL BLOCK ADDRESS")
			a.take(4, "LOGICAL BLOCK LENGTH")
			a.take(1, "P_TYPE, PROT_EN")
			a.take(1, "LBPPBE")
			a.take(2, "LBPME, LBPRZ, LOWEST ALIGNED LBA")
		}
	case opReadCapacity10:
		a.take(4, "RETURNED LOGICAL BLOCK ADDRESS")
		a.take(4, "LOGICAL BLOCK LENGTH")
	}
	a.zeros(len(a.p))
}

func (a *annotator) inquiry() {
	a.take(1, "peripheral qualifier, device type")
	a.zeros(1)
	a.take(1, "VERSION")
	a.take(1, "HISUP, response data format")
	a.take(1, "ADDITIONAL LENGTH")
	a.take(1, "TPGS, 3PC, PROTECT")
	a.take(1, "MULTIP")
	a.take(1, "CMDQUE")
	a.text(8, "T10 VENDOR IDENTIFICATION")
	a.text(16, "PRODUCT IDENTIFICATION")
	a.text(4, "PRODUCT REVISION LEVEL")
	a.zeros(22)
	a.each(16, func() { a.take(2, "VERSION DESCRIPTOR") })
}

func (a *annotator) vpd() {
	a.take(1, "peripheral qualifier, device type")
	page := a.take(1, "page code")
	a.take(2, "PAGE LENGTH")
	if page == nil {
		return
	}
	switch page[0] {
	case 0x00:
		a.each(len(a.p), func() { a.take(1, "page") })
	case 0x80:
		a.text(len(a.p), "PRODUCT SERIAL NUMBER")
	case 0x83:
		a.each(len(a.p), func() {
			a.take(3, "protocol, code set; PIV, association, type")
			if n := a.take(1, "DESIGNATOR LENGTH"); n != nil {
				a.text(int(n[0]), "DESIGNATOR")
			}
		})
	case 0x86:
		a.zeros(1)
		a.take(1, "HEADSUP, ORDSUP, SIMPSUP")
		a.take(1, "NV_SUP, V_SUP")
	case 0xB0:
		a.take(1, "WSNZ")
		a.take(1, "MAXIMUM COMPARE AND WRITE LENGTH")
		a.take(2, "OPTIMAL TRANSFER LENGTH GRANULARITY")
		for _, name := range []string{
			"MAXIMUM TRANSFER LENGTH", "OPTIMAL TRANSFER LENGTH", "MAXIMUM PREFETCH LENGTH", "MAXIMUM UNMAP LBA COUNT",
			"MAXIMUM UNMAP BLOCK DESCRIPTOR COUNT", "OPTIMAL UNMAP GRANULARITY", "UGAVALID, UNMAP GRANULARITY ALIGNMENT",
		} {
			a.take(4, name)
		}
		a.take(8, "MAXIMUM WRITE SAME LENGTH")
		for _, name := range []string{
			"MAXIMUM ATOMIC TRANSFER LENGTH", "ATOMIC ALIGNMENT", "ATOMIC TRANSFER LENGTH GRANULARITY",
			"MAXIMUM ATOMIC TRANSFER LENGTH WITH ATOMIC BOUNDARY", "MAXIMUM ATOMIC BOUNDARY SIZE",
		} {
			a.take(4, name)
		}
	case 0xB1:
		a.take(2, "MEDIUM ROTATION RATE")
		a.zeros(1)
		a.take(1, "WABEREQ, WACEREQ")
	case 0x8F:
		a.each(len(a.p), func() {
			a.take(2, "descriptor type")
			if n := a.take(2, "DESCRIPTOR LENGTH"); n != nil {
				for end := min(a.at+int(binary.BigEndian.Uint16(n)), len(a.p)); a.at < end; {
					a.take(min(16, end-a.at), "parameters")
				}
			}
		})
	case 0xB2:
		a.take(1, "THRESHOLD EXPONENT")
		a.take(1, "LBPU, LBPWS, LBPWS10, LBPRZ")
		a.take(1, "PROVISIONING TYPE")
	}
}

func (a *annotator) persistent(service byte) {
	if service == saReportCapabilities {
		a.take(2, "LENGTH")
		a.take(1, "RLR_C, CRH, SIP_C, ATP_C, PTPL_C")
		a.take(1, "TMV, ALLOW COMMANDS, PTPL_A")
		a.take(2, "PERSISTENT RESERVATION TYPE MASK")
		return
	}
	a.take(4, "PRGENERATION")
	a.take(4, "ADDITIONAL LENGTH")
	a.each(len(a.p), func() {
		a.take(8, "RESERVATION KEY")
		switch service {
		case saReadReservation:
			a.zeros(5)
			a.take(1, "SCOPE, TYPE")
			a.zeros(2)
		case saReadFullStatus:
			a.zeros(4)
			a.take(1, "ALL_TG_PT, R_HOLDER")
			a.take(1, "SCOPE, TYPE")
			a.zeros(4)
			a.take(2, "RELATIVE TARGET PORT IDENTIFIER")
			if n := a.take(4, "ADDITIONAL DESCRIPTOR LENGTH"); len(n) == 4 {
				a.take(4, "TransportID")
				a.text(int(n[3])-4, "initiator port")
			}
		}
	})
}

func (a *annotator) modes(blocks []byte) {
	if len(blocks) > 0 && blocks[len(blocks)-1] > 0 {
		n := int(blocks[len(blocks)-1])
		a.take(n-4, "number of blocks")
		a.take(4, "LOGICAL BLOCK LENGTH")
	}
	a.each(len(a.p), func() {
		if code := a.take(1, "page code"); code[0]&modeSPF == 0 {
			if n := a.take(1, "PAGE LENGTH"); n != nil {
				a.take(int(n[0]), "parameters")
			}
			return
		}
		a.take(1, "subpage code")
		if n := a.take(2, "PAGE LENGTH"); len(n) == 2 {
			a.take(1, "SITUA")
			a.zeros(int(n[1]) - 9)
			a.take(2, "ENABLED, THRESHOLD TYPE, THRESHOLD ARMING; THRESHOLD RESOURCE")
			a.zeros(2)
			a.take(4, "THRESHOLD COUNT")
		}
	})
}

func (a *annotator) logs() {
	code := a.take(1, "DS, SPF, page code")
	sub := a.take(1, "subpage code")
	a.take(2, "PAGE LENGTH")
	a.each(len(a.p), func() {
		switch {
		case code[0]&0x3F == 0x0C && sub[0] == 0:
			a.take(2, "PARAMETER CODE")
			a.take(1, "control")
			a.take(1, "PARAMETER LENGTH")
			a.take(4, "RESOURCE COUNT")
			a.take(1, "SCOPE")
			a.zeros(3)
		case sub[0] == allSubpages:
			a.take(2, "page, subpage")
		default:
			a.take(1, "page")
		}
	})
}

func (a *annotator) opcodes() {
	a.take(4, "COMMAND DATA LENGTH")
	a.each(len(a.p), func() {
		d := a.p[a.at:]
		c := CDB{d[0]}
		if len(d) > 5 && d[5]&allHasService != 0 {
			c[1] = d[3]
		}
		n := 8
		if len(d) > 5 && d[5]&allHasTimeouts != 0 {
			n = 20
		}
		a.take(n, c.Name())
	})
}

func (a *annotator) opcode() {
	a.zeros(1)
	a.take(1, "CTDP, SUPPORT")
	if n := a.take(2, "CDB SIZE"); len(n) == 2 {
		a.take(int(n[1]), "CDB USAGE DATA")
	}
	a.take(12, "command timeouts descriptor")
}

func (a *annotator) copyResults(c *CDB) {
	a.take(4, "AVAILABLE DATA")
	switch c.service() {
	case saCopyStatusLID1:
		a.take(1, "COPY COMMAND STATUS")
		a.take(2, "SEGMENTS PROCESSED")
		a.take(1, "TRANSFER COUNT UNITS")
		a.take(4, "TRANSFER COUNT")
	case saOperatingParameters:
		a.take(1, "SNLID")
		a.zeros(3)
		a.take(2, "MAXIMUM CSCD DESCRIPTOR COUNT")
		a.take(2, "MAXIMUM SEGMENT DESCRIPTOR COUNT")
		a.take(4, "MAXIMUM DESCRIPTOR LIST LENGTH")
		a.take(4, "MAXIMUM SEGMENT LENGTH")
		a.zeros(14)
		a.take(2, "TOTAL CONCURRENT COPIES")
		a.take(1, "MAXIMUM CONCURRENT COPIES")
		a.take(1, "DATA SEGMENT GRANULARITY")
		a.zeros(5)
		a.take(1, "IMPLEMENTED DESCRIPTOR LIST LENGTH")
		a.take(len(a.p), "descriptor type codes")
	case saFailureDetailsLID1:
		a.zeros(52)
		a.take(1, "COPY COMMAND STATUS")
		a.zeros(1)
		a.take(2, "SENSE DATA LENGTH")
		a.take(len(a.p), "sense data")
	case saTokenInformation:
		a.take(1, "RESPONSE TO SERVICE ACTION")
		a.take(1, "COPY OPERATION STATUS")
		a.take(2, "OPERATION COUNTER")
		a.take(4, "ESTIMATED STATUS UPDATE DELAY")
		a.take(1, "EXTENDED COPY COMPLETION STATUS")
		n := a.take(1, "length of the sense data field")
		a.take(1, "SENSE DATA LENGTH")
		a.take(1, "TRANSFER COUNT UNITS")
		a.take(8, "TRANSFER COUNT")
		a.take(2, "SEGMENTS PROCESSED")
		a.zeros(6)
		if n != nil {
			a.take(int(n[0]), "sense data")
		}
		a.take(4, "ROD TOKEN DESCRIPTORS LENGTH")
		a.zeros(2)
		a.take(8, "ROD TYPE, ROD TOKEN LENGTH")
		a.at = len(a.p) // the token is random
	}
}
