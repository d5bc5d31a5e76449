package radius

import (
	"encoding/binary"
	"errors"
	"fmt"
	"iter"
)

// A packet is a RADIUS packet (RFC 2865 §3). The lengths are in bytes.
//
//	 0  Code
//	 1  Identifier
//	 2  Length(2)          of all of it
//	 4  Authenticator(16)
//	20  Attributes         Type, Length(of all three), Value
type packet []byte

// Lengths of a packet and its parts, in bytes.
const (
	headerLen        = 20
	maxPacket        = 4096 // RFC 2865 §3
	authenticatorLen = 16
	maxValue         = 253 // of an attribute
)

// A code says what a packet is (RFC 2865 §3).
type code byte

const (
	accessRequest   code = 1
	accessAccept    code = 2
	accessReject    code = 3
	accessChallenge code = 11
)

// An attribute is the type of an attribute (RFC 2865 §5).
type attribute byte

const (
	userName             attribute = 1
	chapPassword         attribute = 3 // CHAP identifier, response
	calledStation        attribute = 30
	callingStation       attribute = 31
	nasIdentifier        attribute = 32
	chapChallenge        attribute = 60
	nasPortType          attribute = 61
	messageAuthenticator attribute = 80 // RFC 3579 §3.2
)

// portVirtual is the NAS-Port-Type of what is no line (RFC 2865 §5.41).
const portVirtual = 5

// startPacket begins a packet.
func startPacket(c code, identifier byte, authenticator [authenticatorLen]byte) packet {
	p := make(packet, headerLen, 256)
	p[0], p[1] = byte(c), identifier
	copy(p[4:], authenticator[:])
	p.setLength()
	return p
}

// with returns p with one attribute more, of at most maxValue bytes.
func (p packet) with(a attribute, value []byte) packet {
	p = append(append(p, byte(a), byte(2+len(value))), value...)
	p.setLength()
	return p
}

func (p packet) setLength() { binary.BigEndian.PutUint16(p[2:], uint16(len(p))) }

// parsePacket views what came as a packet. Bytes behind its end are padding (RFC 2865 §3).
func parsePacket(came []byte) (packet, error) {
	if len(came) < headerLen {
		return nil, fmt.Errorf("%d bytes are no packet", len(came))
	}
	n := int(binary.BigEndian.Uint16(came[2:]))
	if n < headerLen || n > maxPacket || n > len(came) {
		return nil, fmt.Errorf("a packet of %d bytes cannot say that it has %d", len(came), n)
	}
	p := packet(came[:n])
	for at := headerLen; at < n; at += int(p[at+1]) {
		if at+2 > n || p[at+1] < 2 || at+int(p[at+1]) > n {
			return nil, errors.New("an attribute does not end in its packet")
		}
	}
	return p, nil
}

func (p packet) code() code            { return code(p[0]) }
func (p packet) identifier() byte      { return p[1] }
func (p packet) authenticator() []byte { return p[4:headerLen] }

// attributes yields the attributes and their values, which are views.
func (p packet) attributes() iter.Seq2[attribute, []byte] {
	return func(yield func(attribute, []byte) bool) {
		for at := headerLen; at < len(p); at += int(p[at+1]) {
			if !yield(attribute(p[at]), p[at+2:at+int(p[at+1])]) {
				return
			}
		}
	}
}
