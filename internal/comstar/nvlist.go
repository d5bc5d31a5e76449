package comstar

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// An nvlist is a list of names with values, as libnvpair packs it in XDR:
//
//	00  encoding      1: XDR
//	01  byte order of who packed it; XDR is big-endian whatever it says
//	02  reserved      2 bytes
//	04  version       4 bytes, 0
//	08  flags         4 bytes
//	0C  pairs         up to one whose two sizes are 0
//
// A pair:
//
//	00  size          4 bytes, of the pair as it is here, this included
//	04  size          4 bytes, in memory
//	08  name          4 bytes of length, then it, with zeros up to a multiple of 4
//	    type          4 bytes
//	    elements      4 bytes, their number
//	    value
//
// A list within a list begins at its version.
type nvlist []nvpair

// An nvpair is a name and its value: uint64, bool, string, []string or nvlist, and nil for types
// that nothing here needs.
type nvpair struct {
	name  string
	value any
}

// The types of values that COMSTAR uses.
const (
	nvUint16      uint32 = 4
	nvUint32      uint32 = 6
	nvUint64      uint32 = 8
	nvString      uint32 = 9
	nvStringArray uint32 = 17
	nvList        uint32 = 19
	nvBoolean     uint32 = 21
)

// maxNesting is how deep lists nest; COMSTAR's need 4.
const maxNesting = 8

var errShort = errors.New("the packed list ends early")

// unpack reads a packed list.
func unpack(packed []byte) (nvlist, error) {
	if len(packed) < 4 {
		return nil, errShort
	}
	if packed[0] != 1 {
		return nil, fmt.Errorf("the list is packed in encoding %d and not in XDR", packed[0])
	}
	c := xdr{rest: packed[4:]}
	list := c.list(maxNesting)
	return list, c.err
}

// get returns the value of name, nil without one.
func (l nvlist) get(name string) any {
	for _, p := range l {
		if p.name == name {
			return p.value
		}
	}
	return nil
}

// list returns the list name, an empty one without it.
func (l nvlist) list(name string) nvlist {
	list, _ := l.get(name).(nvlist)
	return list
}

// text returns the string name, an empty one without it.
func (l nvlist) text(name string) string {
	s, _ := l.get(name).(string)
	return s
}

// An xdr reads XDR from the front of rest. The first error sticks, and everything after it is zero.
type xdr struct {
	rest []byte
	err  error
}

func (x *xdr) fail(err error) {
	if x.err == nil {
		x.err = err
	}
	x.rest = nil
}

// take returns the next n bytes.
func (x *xdr) take(n uint32) []byte {
	if uint64(n) > uint64(len(x.rest)) {
		x.fail(errShort)
		return nil
	}
	p := x.rest[:n]
	x.rest = x.rest[n:]
	return p
}

func (x *xdr) uint32() uint32 {
	if p := x.take(4); p != nil {
		return binary.BigEndian.Uint32(p)
	}
	return 0
}

func (x *xdr) uint64() uint64 { return uint64(x.uint32())<<32 | uint64(x.uint32()) }

func (x *xdr) string() string {
	n := x.uint32()
	s := x.take(n)
	x.take(-n & 3)
	return string(s)
}

// list reads a list from its version on, with at most depth lists inside each other.
func (x *xdr) list(depth int) (list nvlist) {
	if depth == 0 {
		x.fail(fmt.Errorf("lists are nested more than %d deep", maxNesting))
	}
	if version := x.uint32(); version != 0 {
		x.fail(fmt.Errorf("the list has version %d and not 0", version))
	}
	x.uint32() // flags
	for x.err == nil {
		whole := x.rest
		size, inMemory := x.uint32(), x.uint32()
		if size == 0 && inMemory == 0 {
			break
		}
		if size < 8 || uint64(size) > uint64(len(whole)) {
			x.fail(errShort)
			break
		}
		one := xdr{rest: whole[8:size]}
		p := one.pair(depth)
		if one.err != nil {
			x.fail(one.err)
			break
		}
		list = append(list, p)
		x.rest = whole[size:]
	}
	return list
}

// pair reads a pair from its name on.
func (x *xdr) pair(depth int) nvpair {
	p := nvpair{name: x.string()}
	kind, elements := x.uint32(), x.uint32()
	switch kind {
	case nvUint16, nvUint32:
		p.value = uint64(x.uint32())
	case nvUint64:
		p.value = x.uint64()
	case nvBoolean:
		p.value = x.uint32() != 0
	case nvString:
		p.value = x.string()
	case nvStringArray:
		var all []string
		for range elements {
			if x.err != nil {
				break
			}
			all = append(all, x.string())
		}
		p.value = all
	case nvList:
		p.value = x.list(depth - 1)
	}
	if x.err != nil {
		x.err = fmt.Errorf("%q: %w", p.name, x.err)
	}
	return p
}
