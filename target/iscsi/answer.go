package iscsi

import (
	"math"

	"github.com/lunarsan/lunar/scsi"
)

// encode answers a command: its Data-In, the last of which carries the status if that is good
// (phase collapse), or else a SCSI Response.
func (cmd *command) encode(c *conn, b *batch) bool {
	t := &cmd.task
	in := t.In
	if !cmd.read {
		in = nil // the initiator has announced that it would write
	}
	collapse := len(in) > 0 && (t.Status == scsi.Good || t.Status == scsi.ConditionMet)
	for cmd.sent < len(in) {
		if b.full() {
			return false
		}
		cmd.encodeData(c, b, in, collapse)
	}
	if !collapse {
		if b.full() {
			return false
		}
		cmd.encodeResponse(c, b)
	}
	c.out.load.count(cmd, len(in))
	return true
}

// encodeData adds the next Data-In: as much as the initiator takes in one PDU, in sequences
// of at most MaxBurstLength (RFC 7143 §11.7).
func (cmd *command) encodeData(c *conn, b *batch, in []byte, collapse bool) {
	burst := c.params.MaxBurst
	n := min(len(in)-cmd.sent, c.params.PeerMaxRecvSegment&^3, burst-cmd.sent%burst)
	end := cmd.sent + n
	h := b.begin(OpDataIn)
	d := h.DataIn()
	h.SetITT(cmd.itt)
	h.SetTTT(NoTag)
	d.SetDataSN(cmd.dataIn)
	d.SetOffset(uint32(cmd.sent))
	h.SetFinal(end == len(in) || end%burst == 0)
	if last := end == len(in); last && collapse {
		d.SetStatus(cmd.task.Status)
		over, under := cmd.residual()
		d.SetResidual(over, under)
		cmd.settle(c)
		c.stamp(h, true)
	} else {
		c.stamp(h, false)
		h.SetStatSN(0) // reserved without status
	}
	b.end(h, in[cmd.sent:end])
	cmd.sent = end
	cmd.dataIn++
}

// encodeResponse adds the SCSI Response (RFC 7143 §11.4).
func (cmd *command) encodeResponse(c *conn, b *batch) {
	t := &cmd.task
	h := b.begin(OpSCSIResponse)
	r := h.SCSIResponse()
	h.SetITT(cmd.itt)
	r.SetResponse(CommandCompleted)
	r.SetStatus(t.Status)
	r.SetExpDataSN(cmd.dataIn + cmd.r2ts)
	over, under := cmd.residual()
	r.SetResidual(over, under)
	cmd.settle(c)
	c.stamp(h, true)
	if t.Status == scsi.CheckCondition {
		b.endSense(h, &t.Sense)
	} else {
		b.end(h, nil)
	}
}

// residual compares what the CDB asks to move with what the initiator expected to (RFC 7143
// §11.4.5). It follows from lengths alone, whatever became of the command.
func (cmd *command) residual() (over, under uint32) {
	t := &cmd.task
	moves := t.InLen
	if cmd.write {
		moves = t.OutLen()
	}
	switch d := moves - t.Expected; {
	case d > 0:
		return uint32(min(d, math.MaxUint32)), 0
	case d < 0:
		return 0, uint32(-d)
	}
	return 0, 0
}
