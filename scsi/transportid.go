package scsi

import (
	"bytes"
	"encoding/binary"
	"strings"
)

// A TransportID names an initiator port, of iSCSI's here (SPC-5):
//
//	0     TPID FORMAT (bits 7, 6), PROTOCOL IDENTIFIER (bits 3..0): 5
//	2, 3  ADDITIONAL LENGTH, of what follows: at least 20, a multiple of 4
//	4..   format 0: the initiator name; format 1: the name, ",i,0x" and the ISID in
//	      hexadecimal; then at least one NUL
const (
	transportISCSI   = 0x05
	transportPort    = 0x40 // format 1
	transportFormats = 0xC0
	transportHeader  = 4
	transportLeast   = 20  // of ADDITIONAL LENGTH
	transportMost    = 244 // of ADDITIONAL LENGTH: 223 bytes of name, 17 of separator and ISID, NUL
	maxInitiatorName = 223 // bytes
	isidDigits       = 12
)

const isidSeparator = ",i,0x"

// appendTransportID appends the TransportID of an initiator port, or of all ports of an
// initiator where port is its name alone.
func appendTransportID(p []byte, port string) []byte {
	first := byte(transportISCSI)
	if strings.Contains(port, isidSeparator) {
		first |= transportPort
	}
	n := max((len(port)+4)/4*4, transportLeast)
	p = append(p, first, 0)
	p = binary.BigEndian.AppendUint16(p, uint16(n))
	p = append(p, port...)
	return append(p, make([]byte, n-len(port))...)
}

// parseTransportID returns the initiator port that p begins with, as nexuses have its name,
// and what follows it. at is where p begins in the parameter list.
func parseTransportID(p []byte, at int) (port string, rest []byte, err error) {
	if len(p) < transportHeader {
		return "", nil, ParameterListLength
	}
	n := int(binary.BigEndian.Uint16(p[2:]))
	format := p[0] & transportFormats
	switch {
	case p[0]&^byte(transportFormats) != transportISCSI:
		return "", nil, InvalidFieldInParameters.AtBit(at, 3)
	case format != 0 && format != transportPort:
		return "", nil, InvalidFieldInParameters.AtBit(at, 7)
	case n < transportLeast || n%4 != 0 || n > transportMost:
		return "", nil, InvalidFieldInParameters.At(at + 2)
	case n > len(p)-transportHeader:
		return "", nil, ParameterListLength
	}
	text, padding, ended := bytes.Cut(p[transportHeader:transportHeader+n], []byte{0})
	port = strings.ToLower(string(text))
	name, isid, hasISID := strings.Cut(port, isidSeparator)
	if !ended || len(bytes.Trim(padding, "\x00")) > 0 || hasISID != (format == transportPort) ||
		!isInitiatorName(name) || hasISID && !isISID(isid) {
		return "", nil, InvalidFieldInParameters.At(at + transportHeader)
	}
	return port, p[transportHeader+n:], nil
}

// isInitiatorName reports whether s, in lower case, may be an iSCSI name (RFC 7143 §4.2.7.3).
func isInitiatorName(s string) bool {
	if len(s) > maxInitiatorName || !strings.HasPrefix(s, "iqn.") && !strings.HasPrefix(s, "eui.") && !strings.HasPrefix(s, "naa.") {
		return false
	}
	return strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789.:-_") == ""
}

func isISID(s string) bool { return len(s) == isidDigits && strings.Trim(s, "0123456789abcdef") == "" }
