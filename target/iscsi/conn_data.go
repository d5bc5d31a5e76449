package iscsi

import (
	"math"

	"github.com/lunarsan/lunar/scsi"
)

// handleDataOut takes in a Data-Out (RFC 7143 §11.7). What is wrong with it is kept in the
// command and told when the initiator has sent all that it still owes.
func (c *conn) handleDataOut(p *pdu) error {
	b := p.bhs
	cmd, executing, left := c.find(b.ITT())
	solicited := b.TTT() != NoTag
	switch {
	case cmd == nil && !solicited && c.holds(b.ITT()):
		return c.hold(p)
	case cmd == nil && left:
		return nil
	case cmd == nil, executing, solicited && (c.parked(cmd) || !cmd.awaits(b)):
		return c.reject(p, RejectInvalidField)
	case !solicited && !cmd.unsolicited:
		c.mu.Lock()
		cmd.unpark()
		c.mu.Unlock()
		cmd.fault = scsi.UnexpectedUnsolicitedData
		c.proceed(cmd)
		return nil
	}
	if cmd.fault == 0 {
		cmd.fault = cmd.check(b.DataOut(), p.size, b.Final(), solicited)
	}
	if cmd.fault == 0 {
		ok, err := c.land(p, cmd.room(min(p.size, cmd.want-cmd.got)))
		if err != nil {
			return err
		}
		if !ok {
			cmd.fault = scsi.ProtocolServiceCRCError
			if err := c.reject(p, RejectDataDigest); err != nil {
				return err
			}
		}
		cmd.got += p.size
	}
	cmd.dataSN++
	if b.Final() {
		cmd.endBurst(solicited, c.params.MaxBurst)
		c.proceed(cmd)
	}
	return nil
}

// awaits reports whether b answers the oldest R2T that was not answered: sequences come in
// order (DataSequenceInOrder).
func (cmd *command) awaits(b *BHS) bool {
	return cmd.owed() > 0 && b.TTT() == cmd.ttt+uint32(cmd.answered) && b.LUN() == cmd.task.LUN
}

// check returns what is wrong with n bytes of Data-Out (RFC 7143 §7.9, §11.4.7.2), or 0.
func (cmd *command) check(d *DataOut, n int, final, solicited bool) scsi.Sense {
	end := cmd.got + n
	switch {
	case d.DataSN() != cmd.dataSN || int64(d.Offset()) != int64(cmd.got):
		return scsi.ProtocolServiceCRCError
	case end > cmd.burstEnd && !solicited:
		return scsi.UnexpectedUnsolicitedData
	case end > cmd.burstEnd, final && end < cmd.burstEnd:
		return scsi.NotEnoughUnsolicitedData
	}
	return 0
}

// endBurst closes a sequence and expects the next.
func (cmd *command) endBurst(solicited bool, maxBurst int) {
	if solicited {
		cmd.answered++
	} else {
		cmd.unsolicited = false
	}
	cmd.dataSN = 0
	cmd.burstEnd = min(cmd.got+maxBurst, cmd.want)
}

// solicit asks for as much data as may be outstanding (RFC 7143 §11.8). The caller holds c.mu.
func (c *conn) solicit(cmd *command) {
	burst := c.params.MaxBurst
	if cmd.r2ts == 0 {
		cmd.granted = cmd.got
		cmd.burstEnd = min(cmd.got+burst, cmd.want)
		cmd.ttt = c.takeTags((cmd.want - cmd.got + burst - 1) / burst)
	}
	for cmd.granted < cmd.want && cmd.owed() < c.params.MaxOutstandingR2T {
		n := min(burst, cmd.want-cmd.granted)
		r := c.takeReply(OpR2T)
		r.bhs.SetLUN(cmd.task.LUN)
		r.bhs.SetITT(cmd.itt)
		r.bhs.SetTTT(cmd.ttt + uint32(cmd.r2ts))
		v := r.bhs.R2T()
		v.SetR2TSN(cmd.r2ts)
		v.SetOffset(uint32(cmd.granted))
		v.SetDesired(uint32(n))
		c.enqueue(r)
		cmd.granted += n
		cmd.r2ts++
	}
}

// takeTags returns the first of n Target Transfer Tags in a row, none of them NoTag. The
// caller holds c.mu.
func (c *conn) takeTags(n int) uint32 {
	if c.tags > math.MaxUint32-uint32(n) {
		c.tags = 0
	}
	first := c.tags
	c.tags += uint32(n)
	return first
}
