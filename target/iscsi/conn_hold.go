package iscsi

import (
	"slices"

	"github.com/lunarsan/lunar/internal/buffer"
)

// A held is a request that arrived within the window while an earlier one is missing, or the
// unsolicited data of such a request. It waits until the missing one has come: requests are
// delivered in the order of CmdSN (RFC 7143 §4.2.2.1).
type held struct {
	bhs  BHS
	data *buffer.Buffer // nil: no data segment
	skip bool           // it was aborted: its turn passes
}

// maxHeld bounds what is held, in PDUs; the memory for their data is the pool's to give.
const maxHeld = 512

// hold keeps p for later.
func (c *conn) hold(p *pdu) error {
	if len(c.held) == maxHeld {
		return errGap
	}
	if p.bhs.Opcode().HasCmdSN() && c.heldAt(p.bhs.CmdSN()) >= 0 {
		return nil // a duplicate
	}
	h := held{bhs: *p.bhs}
	if p.size > 0 {
		if h.data = c.server.pool.TryGet(p.size); h.data == nil {
			return errGap
		}
		ok, err := c.land(p, h.data.Bytes())
		if err != nil || !ok {
			h.data.Put()
			if err == nil {
				err = c.reject(p, RejectDataDigest)
			}
			return err
		}
	}
	c.held = append(c.held, h)
	c.watch.gap(c)
	return nil
}

// heldAt returns where the request numbered sn is held, or -1.
func (c *conn) heldAt(sn SN) int {
	return slices.IndexFunc(c.held, func(h held) bool { return h.bhs.Opcode().HasCmdSN() && h.bhs.CmdSN() == sn })
}

// holds reports whether a SCSI Command with the tag is held.
func (c *conn) holds(itt uint32) bool {
	return slices.ContainsFunc(c.held, func(h held) bool {
		return h.bhs.Opcode() == OpSCSICommand && h.bhs.ITT() == itt && !h.skip
	})
}

// resume delivers what is held and whose turn has come.
func (c *conn) resume() error {
	for !c.leaving {
		i := c.heldAt(c.window.expected())
		if i < 0 {
			break
		}
		h := c.held[i]
		c.held = slices.Delete(c.held, i, i+1)
		if h.skip {
			c.skipTurn()
			continue
		}
		if err := c.deliver(h, c.dispatch); err != nil {
			return err
		}
		if err := c.resumeData(h.bhs.ITT()); err != nil {
			return err
		}
	}
	c.watch.gap(c)
	return nil
}

// resumeData delivers the held unsolicited data of the command with the tag.
func (c *conn) resumeData(itt uint32) error {
	for {
		i := slices.IndexFunc(c.held, func(h held) bool { return h.bhs.Opcode() == OpDataOut && h.bhs.ITT() == itt })
		if i < 0 {
			return nil
		}
		h := c.held[i]
		c.held = slices.Delete(c.held, i, i+1)
		if err := c.deliver(h, c.handleDataOut); err != nil {
			return err
		}
	}
}

func (c *conn) deliver(h held, to func(*pdu) error) error {
	p := pdu{bhs: &h.bhs}
	if h.data != nil {
		defer h.data.Put()
		p.data = h.data.Bytes()
		p.size = len(p.data)
	}
	return to(&p)
}

// skipTurn counts a request that will never come, or come to anything.
func (c *conn) skipTurn() {
	c.window.advance()
	c.window.end()
}

// cancel aborts the held SCSI Commands that match and reports whether there were any. Their
// turns pass, and their data are dropped.
func (c *conn) cancel(match func(*BHS) bool) bool {
	var tags []uint32
	for i := range c.held {
		h := &c.held[i]
		if h.bhs.Opcode() == OpSCSICommand && !h.skip && match(&h.bhs) {
			h.skip = true
			h.drop()
			tags = append(tags, h.bhs.ITT())
			c.forget(h.bhs.ITT())
		}
	}
	c.held = slices.DeleteFunc(c.held, func(h held) bool {
		orphan := h.bhs.Opcode() == OpDataOut && slices.Contains(tags, h.bhs.ITT())
		if orphan {
			h.drop()
		}
		return orphan
	})
	return len(tags) > 0
}

// drop gives the data of h back.
func (h *held) drop() {
	if h.data != nil {
		h.data.Put()
		h.data = nil
	}
}

// plug fills the gap that the request numbered sn left: it will not come any more, and if it
// does it is a duplicate (RFC 7143 §11.6.1).
func (c *conn) plug(sn SN) error {
	if sn == c.window.expected() {
		c.skipTurn()
		return c.resume()
	}
	if i := c.heldAt(sn); i >= 0 {
		return nil // what came with that number is not what the initiator means
	}
	h := held{skip: true}
	h.bhs.Start(OpSCSICommand)
	h.bhs.SetITT(NoTag)
	h.bhs.SetCmdSN(sn)
	c.held = append(c.held, h)
	return nil
}

// dropHeld gives back what is held.
func (c *conn) dropHeld() {
	for i := range c.held {
		c.held[i].drop()
	}
	c.held = nil
}
