package nvlist

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// An Encoding is how a list is packed.
type Encoding struct {
	XDR       bool
	BigEndian bool // of the machine that packed it; XDR itself is always big-endian
}

// Encodings of today's machines.
var (
	NativeLittle = Encoding{}
	XDRLittle    = Encoding{XDR: true}
)

// order is the order of bytes of the pairs.
func (e Encoding) order() binary.ByteOrder {
	if e.XDR || e.BigEndian {
		return binary.BigEndian
	}
	return binary.LittleEndian
}

// maxDepth is how deep lists may nest. Those of real streams nest four deep.
const maxDepth = 16

// headerSize is the length of what goes before the version (bytes).
const headerSize = 4

// Decode unpacks a list. Zeros behind it are padding; anything else there is an error.
func Decode(p []byte) (*List, error) {
	e, err := EncodingOf(p)
	if err != nil {
		return nil, err
	}
	c := &cursor{rest: p[headerSize:], size: len(p), order: e.order()}
	l := &List{Version: int32(c.uint32()), Flags: c.uint32()}
	if e.XDR {
		c.xdrPairs(l, maxDepth)
	} else {
		c.nativePairs(l, maxDepth)
	}
	if c.err != nil {
		return nil, c.err
	}
	for _, b := range c.rest {
		if b != 0 {
			return nil, fmt.Errorf("%w: %d bytes behind its end are not padding", ErrMalformed, len(c.rest))
		}
	}
	return l, nil
}

// EncodingOf tells how a list is packed.
func EncodingOf(p []byte) (Encoding, error) {
	if len(p) < headerSize+8 {
		return Encoding{}, fmt.Errorf("%w: it has %d bytes", ErrMalformed, len(p))
	}
	if p[0] > 1 || p[1] > 1 {
		return Encoding{}, fmt.Errorf("%w: it begins with % x", ErrMalformed, p[:headerSize])
	}
	return Encoding{XDR: p[0] == 1, BigEndian: p[1] == 0}, nil
}

// Encode packs the list. It fails where a value is not what its type says.
func (l *List) Encode(e Encoding) ([]byte, error) {
	w := &packer{order: binary.LittleEndian}
	if e.order() == binary.BigEndian {
		w.order = binary.BigEndian
	}
	w.out = append(w.out, 0, 1, 0, 0)
	if e.XDR {
		w.out[0] = 1
	}
	if e.BigEndian {
		w.out[1] = 0
	}
	w.uint32(uint32(l.Version))
	w.uint32(l.Flags)
	if e.XDR {
		w.xdrPairs(l)
	} else {
		w.nativePairs(l)
	}
	return w.out, w.err
}

// A packer puts a list together.
type packer struct {
	out   []byte
	order interface {
		binary.ByteOrder
		binary.AppendByteOrder
	}
	err error
}

func (w *packer) uint32(v uint32) { w.out = w.order.AppendUint32(w.out, v) }

func (w *packer) number(v uint64, width int) {
	switch width {
	case 1:
		w.out = append(w.out, byte(v))
	case 2:
		w.out = w.order.AppendUint16(w.out, uint16(v))
	case 4:
		w.uint32(uint32(v))
	default:
		w.out = w.order.AppendUint64(w.out, v)
	}
}

func (w *packer) zeros(n int) { w.out = append(w.out, make([]byte, n)...) }

// pad fills up to a multiple of unit behind start.
func (w *packer) pad(start, unit int) { w.zeros(-(len(w.out) - start) & (unit - 1)) }

// check holds a value to its type.
func (w *packer) check(p Pair) bool {
	ok := false
	switch v := p.Value.(type) {
	case nil:
		ok = p.Type.shape() == empty
	case uint64:
		ok = p.Type.shape() == number
	case []uint64:
		ok = p.Type.shape() == numbers
	case []byte:
		ok = p.Type.shape() == octets
	case string:
		ok = p.Type.shape() == text
	case []string:
		ok = p.Type.shape() == texts
	case *List:
		ok = p.Type.shape() == list && v != nil
	case []*List:
		ok = p.Type.shape() == lists
	}
	if !ok && w.err == nil {
		w.err = fmt.Errorf("packing %q: a %v cannot be a %T", p.Name, p.Type, p.Value)
	}
	if len(p.Name) >= maxName && w.err == nil {
		w.err = errors.New("packing a name of more than 32766 bytes")
	}
	return w.err == nil
}

// maxName is what the length of a name has room for, with its NUL (bytes).
const maxName = 1<<15 - 1

// elements is the number of elements that a pair says it has.
func (p Pair) elements() int {
	switch v := p.Value.(type) {
	case nil:
		return 0
	case []uint64:
		return len(v)
	case []byte:
		return len(v)
	case []string:
		return len(v)
	case []*List:
		return len(v)
	}
	return 1
}
