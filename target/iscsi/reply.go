package iscsi

import "github.com/lunarsan/lunar/internal/buffer"

// A reply is one PDU that is no part of a command's answer: it answers some other request, or
// is the target's own.
type reply struct {
	bhs    BHS
	data   []byte
	buf    *buffer.Buffer // behind data; nil: data is nobody else's
	copied BHS            // room for the data of a Reject
	status bool           // uses up a StatSN
	awaits int            // events before it may be posted; guarded by conn.mu
	ends   credit         // what the request that it answers gives back
	then   func()         // runs once the reply was sent
}

// A credit is what the end of a request gives back.
type credit uint8

const (
	nothing credit = iota
	aPlace         // in the command window
	anImmediate
)

// creditOf returns what p, once counted, gives back at its end.
func creditOf(b *BHS) credit {
	if b.Immediate() {
		return anImmediate
	}
	return aPlace
}

// newReply returns a reply to the request b, whose place ends with it.
func (c *conn) newReply(op Opcode, b *BHS) *reply {
	r := c.newMessage(op)
	r.bhs.SetITT(b.ITT())
	r.status, r.ends = true, creditOf(b)
	return r
}

// newMessage returns a PDU of the target's own.
func (c *conn) newMessage(op Opcode) *reply {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.takeReply(op)
}

// takeReply is newMessage for callers that hold c.mu.
func (c *conn) takeReply(op Opcode) *reply {
	var r *reply
	if n := len(c.spareReplies); n > 0 {
		r, c.spareReplies = c.spareReplies[n-1], c.spareReplies[:n-1]
	} else {
		r = &reply{}
	}
	r.bhs.Start(op)
	return r
}

func (r *reply) encode(c *conn, b *batch) bool {
	if b.full() {
		return false
	}
	if r.ends != nothing {
		c.credit(r.ends == anImmediate)
	}
	h := b.begin(r.bhs.Opcode())
	*h = r.bhs
	c.stamp(h, r.status)
	b.end(h, r.data)
	return true
}

func (r *reply) release(c *conn) {
	if r.buf != nil {
		r.buf.Put()
	}
	then := r.then
	*r = reply{}
	if then != nil {
		then()
	}
}

func (r *reply) recycle(c *conn) { c.spareReplies = append(c.spareReplies, r) }
