package isns

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// A header begins each PDU (RFC 4171 §5.1):
//
//	 0        2        4        6        8        10       12
//	+--------+--------+--------+--------+--------+--------+
//	|version |function| length | flags  |transact|sequence|
//	+--------+--------+--------+--------+--------+--------+
type header [12]byte

func (h *header) version() uint16     { return binary.BigEndian.Uint16(h[0:]) }
func (h *header) function() function  { return function(binary.BigEndian.Uint16(h[2:])) }
func (h *header) length() int         { return int(binary.BigEndian.Uint16(h[4:])) } // of the payload, bytes
func (h *header) flags() flags        { return flags(binary.BigEndian.Uint16(h[6:])) }
func (h *header) transaction() uint16 { return binary.BigEndian.Uint16(h[8:]) }
func (h *header) sequence() uint16    { return binary.BigEndian.Uint16(h[10:]) }

// protocolVersion is the one that RFC 4171 describes.
const protocolVersion = 1

// A function is what a message asks for (RFC 4171 §4.1.3).
type function uint16

const (
	devAttrReg function = 0x0001
	devAttrQry function = 0x0002
	devDereg   function = 0x0004
	response   function = 0x8000 // added to that of the request
)

// flags of a PDU (RFC 4171 §5.1.4).
type flags uint16

const (
	fromClient flags = 0x8000
	replace    flags = 0x1000
	lastPDU    flags = 0x0800
	firstPDU   flags = 0x0400
)

// The bounds of what is sent, and of what is read: payloads in bytes.
const (
	maxPDU     = 1<<16 - 4 // its length is a multiple of 4 in 16 bits
	maxMessage = 1 << 20
)

// A message is a request or a response.
type message struct {
	function    function
	flags       flags // without those that say where a PDU is
	transaction uint16
	payload     []byte
}

// encode returns m as one PDU, or as many as it takes (RFC 4171 §5.2).
func (m *message) encode() []byte {
	var b []byte
	rest := m.payload
	for sequence := uint16(0); sequence == 0 || len(rest) > 0; sequence++ {
		part := rest[:min(len(rest), maxPDU)]
		rest = rest[len(part):]
		f := m.flags
		if sequence == 0 {
			f |= firstPDU
		}
		if len(rest) == 0 {
			f |= lastPDU
		}
		for _, v := range [...]uint16{protocolVersion, uint16(m.function), uint16(len(part)), uint16(f), m.transaction, sequence} {
			b = binary.BigEndian.AppendUint16(b, v)
		}
		b = append(b, part...)
	}
	return b
}

var errTooLong = errors.New("a message is too long")

// readMessage reads all PDUs of a message.
func readMessage(r io.Reader) (message, error) {
	var m message
	for n := uint16(0); ; n++ {
		var h header
		if _, err := io.ReadFull(r, h[:]); err != nil {
			return message{}, err
		}
		switch f := h.flags(); {
		case h.version() != protocolVersion:
			return message{}, fmt.Errorf("a PDU is of version %d, not %d", h.version(), protocolVersion)
		case h.length()%4 != 0:
			return message{}, fmt.Errorf("a PDU of %d bytes is not made of words", h.length())
		case n == 0:
			m = message{h.function(), f &^ (firstPDU | lastPDU), h.transaction(), nil}
		case h.function() != m.function, h.transaction() != m.transaction, h.sequence() == 0:
			return message{}, errors.New("a message goes on with a PDU of another")
		}
		if (h.flags()&firstPDU != 0) != (n == 0) {
			return message{}, errors.New("a message does not begin with its first PDU")
		}
		if len(m.payload)+h.length() > maxMessage {
			return message{}, errTooLong
		}
		before := len(m.payload)
		m.payload = append(m.payload, make([]byte, h.length())...)
		if _, err := io.ReadFull(r, m.payload[before:]); err != nil {
			return message{}, noEOF(err)
		}
		if h.flags()&lastPDU != 0 {
			return m, nil
		}
		if h.length() == 0 {
			return message{}, errors.New("a message goes on after an empty PDU")
		}
	}
}

// noEOF is err where the end must not come.
func noEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}
