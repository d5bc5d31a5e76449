package initiator

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/lunarsan/lunar/target/iscsi"
)

// A PDU is one PDU with its data segment.
type PDU struct {
	iscsi.BHS
	Data []byte
}

// ErrDigest says that a digest from the target is wrong.
var ErrDigest = errors.New("digest error")

// Damage says what to break in a PDU that is sent.
type Damage uint8

const (
	None Damage = iota
	Header
	Data
)

// Send puts a PDU into the output buffer, with its length and digests; h's other fields are
// the caller's. Flush, and everything that waits, sends the buffer.
func (c *Conn) Send(h *iscsi.BHS, data []byte) error { return c.SendDamaged(h, data, None) }

// SendDamaged is Send with a wrong digest.
func (c *Conn) SendDamaged(h *iscsi.BHS, data []byte, damage Damage) error {
	h.SetDataSegmentLen(len(data))
	c.w.Write(h[:])
	if c.Params.HeaderDigest {
		c.digest(iscsi.Digest(0).Add(h[:]), damage == Header)
	}
	if len(data) > 0 {
		c.w.Write(data)
		for range iscsi.Padded(len(data)) - len(data) {
			c.w.WriteByte(0)
		}
		if c.Params.DataDigest {
			c.digest(iscsi.Digest(0).Add(data).AddPadding(len(data)), damage == Data)
		}
	}
	_, err := c.w.Write(nil) // the error of an earlier write
	return err
}

func (c *Conn) digest(d iscsi.Digest, wrong bool) {
	if wrong {
		d ^= 1
	}
	c.w.Write(binary.LittleEndian.AppendUint32(c.w.AvailableBuffer(), uint32(d)))
}

// Flush sends what is buffered.
func (c *Conn) Flush() error { return c.w.Flush() }

// Receive flushes and returns the next PDU, whatever it is.
func (c *Conn) Receive() (PDU, error) {
	n, err := c.receiveHeader()
	if err != nil {
		return PDU{}, err
	}
	p := PDU{BHS: c.header}
	if n > 0 {
		p.Data = make([]byte, n)
		err = c.receiveData(p.Data)
	}
	return p, err
}

// receiveHeader flushes, and reads the next header into c.header. It returns the length of
// the data segment.
func (c *Conn) receiveHeader() (int, error) {
	if err := c.w.Flush(); err != nil {
		return 0, err
	}
	h := &c.header
	if _, err := io.ReadFull(c.r, h[:]); err != nil {
		return 0, err
	}
	c.ExpCmdSN, c.MaxCmdSN = h.ExpCmdSN(), h.MaxCmdSN()
	if c.Params.HeaderDigest {
		if err := c.expect(iscsi.Digest(0).Add(h[:])); err != nil {
			return 0, err
		}
	}
	n := h.DataSegmentLen()
	if n > c.Params.OwnMaxRecvSegment {
		return 0, fmt.Errorf("a data segment of %d bytes is longer than the %d that we declared", n, c.Params.OwnMaxRecvSegment)
	}
	return n, nil
}

// receiveData reads the data segment, which fills p.
func (c *Conn) receiveData(p []byte) error {
	if _, err := io.ReadFull(c.r, p); err != nil {
		return err
	}
	if _, err := c.r.Discard(iscsi.Padded(len(p)) - len(p)); err != nil {
		return err
	}
	if c.Params.DataDigest && len(p) > 0 {
		return c.expect(iscsi.Digest(0).Add(p).AddPadding(len(p)))
	}
	return nil
}

func (c *Conn) expect(d iscsi.Digest) error {
	b, err := c.r.Peek(iscsi.DigestLen)
	if err != nil {
		return err
	}
	got := iscsi.DigestFrom((*[iscsi.DigestLen]byte)(b))
	c.r.Discard(iscsi.DigestLen)
	if got != d {
		return fmt.Errorf("%w in %v", ErrDigest, &c.header)
	}
	return nil
}

// status checks that the StatSN of a PDU with status is the next one.
func (c *Conn) status(h *iscsi.BHS) error {
	if h.StatSN() != c.ExpStatSN && !c.opts.Unchecked {
		return fmt.Errorf("StatSN is not %d in %v", c.ExpStatSN, h)
	}
	c.ExpStatSN = h.StatSN() + 1
	return nil
}
