package nvlist

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
)

// ErrMalformed is the kind of every error of a list that makes no sense.
var ErrMalformed = errors.New("malformed nvlist")

// A cursor takes a packed list apart. After the first thing that does not fit it says only
// zeros, and err why.
type cursor struct {
	rest  []byte
	size  int // of all of it
	order binary.ByteOrder
	err   error
}

func (c *cursor) fail(format string, args ...any) {
	if c.err == nil {
		c.err = fmt.Errorf("%w at byte %d: %s", ErrMalformed, c.size-len(c.rest), fmt.Sprintf(format, args...))
	}
	c.rest = nil
}

// take returns the next n bytes, or nil.
func (c *cursor) take(n int) []byte {
	if c.err != nil {
		return nil
	}
	if n < 0 || n > len(c.rest) {
		c.fail("%d bytes are missing of %d", n-len(c.rest), n)
		return nil
	}
	p := c.rest[:n]
	c.rest = c.rest[n:]
	return p
}

func (c *cursor) uint32() uint32 {
	if p := c.take(4); p != nil {
		return c.order.Uint32(p)
	}
	return 0
}

// number takes an integer of width bytes.
func (c *cursor) number(width int) uint64 {
	p := c.take(width)
	if p == nil {
		return 0
	}
	switch width {
	case 1:
		return uint64(p[0])
	case 2:
		return uint64(c.order.Uint16(p))
	case 4:
		return uint64(c.order.Uint32(p))
	}
	return c.order.Uint64(p)
}

// terminated takes a string and its NUL.
func (c *cursor) terminated() string {
	if c.err != nil {
		return ""
	}
	n := bytes.IndexByte(c.rest, 0)
	if n < 0 {
		c.fail("a string has no end")
		return ""
	}
	return string(c.take(n + 1)[:n])
}

// padded takes the padding behind n bytes up to a multiple of unit.
func (c *cursor) padded(n, unit int) { c.take(-n & (unit - 1)) }

// align is n rounded up to a multiple of unit.
func align(n, unit int) int { return (n + unit - 1) &^ (unit - 1) }

// count holds a number of elements to what the rest has room for, each being at least size
// bytes long.
func (c *cursor) count(n uint32, size int) int {
	if c.err == nil && uint64(n)*uint64(size) > uint64(len(c.rest)) {
		c.fail("%d elements in %d bytes", n, len(c.rest))
	}
	if c.err != nil {
		return 0
	}
	return int(n)
}
