package isns

import (
	"encoding/binary"
	"errors"
	"iter"
	"net/netip"
)

// A tag says what an attribute is (RFC 4171 §6.1).
type tag uint32

const (
	delimiter          tag = 0
	entityIdentifier   tag = 1
	entityProtocol     tag = 2
	registrationPeriod tag = 6 // seconds
	portalAddress      tag = 16
	portalPort         tag = 17
	nodeName           tag = 32
	nodeType           tag = 33
	nodeAlias          tag = 34
	groupAddress       tag = 49 // of a portal in a portal group
	groupPort          tag = 50
	groupTag           tag = 51
)

// Values of entityProtocol and nodeType.
const (
	protocolISCSI = 2
	typeTarget    = 1
)

// attributes are a payload under construction: each attribute is a tag, the length of its value in
// bytes, and the value, in whole words (RFC 4171 §5.3).
type attributes []byte

func (a *attributes) empty(t tag) { a.put(t, nil) }

func (a *attributes) put(t tag, value []byte) {
	*a = binary.BigEndian.AppendUint32(*a, uint32(t))
	*a = binary.BigEndian.AppendUint32(*a, uint32(len(value)))
	*a = append(*a, value...)
}

// text adds a string, which ends with a null byte and is padded with more (RFC 4171 §5.3.1).
func (a *attributes) text(t tag, s string) {
	a.put(t, append([]byte(s), make([]byte, 4-len(s)%4)...))
}

func (a *attributes) number(t tag, n uint32) { a.put(t, binary.BigEndian.AppendUint32(nil, n)) }

// portal adds an address and a TCP port. An IPv4 address travels as an IPv6 one (RFC 4171 §6.3.1).
func (a *attributes) portal(address, port tag, p netip.AddrPort) {
	ip := p.Addr().As16()
	a.put(address, ip[:])
	a.number(port, uint32(p.Port()))
}

// An attribute is one that was read.
type attribute struct {
	tag   tag
	value []byte
}

// number returns a value of four bytes.
func (a attribute) number() (uint32, bool) {
	if len(a.value) != 4 {
		return 0, false
	}
	return binary.BigEndian.Uint32(a.value), true
}

var errAttribute = errors.New("an attribute is cut off")

// attributesOf yields the attributes of a payload, and an error where they are malformed.
func attributesOf(payload []byte) iter.Seq2[attribute, error] {
	return func(yield func(attribute, error) bool) {
		for len(payload) > 0 {
			if len(payload) < 8 {
				yield(attribute{}, errAttribute)
				return
			}
			t, n := tag(binary.BigEndian.Uint32(payload)), binary.BigEndian.Uint32(payload[4:])
			payload = payload[8:]
			if uint64(n) > uint64(len(payload)) || n%4 != 0 {
				yield(attribute{}, errAttribute)
				return
			}
			if !yield(attribute{t, payload[:n]}, nil) {
				return
			}
			payload = payload[n:]
		}
	}
}
