package iscsi

import (
	"github.com/lunarsan/lunar/internal/buffer"
	"github.com/lunarsan/lunar/scsi"
)

// handleCommand takes in a SCSI Command (RFC 7143 §11.3). One whose Data-Out is all there, or
// that has none, is executed here and now.
func (c *conn) handleCommand(p *pdu) error {
	b, s := p.bhs, p.bhs.SCSICommand()
	attr, ok := s.Attribute().SCSI()
	if !ok || b.ITT() == NoTag || !b.Final() && !s.Write() {
		return c.reject(p, RejectInvalidField)
	}
	cmd := c.begin(b.ITT())
	if cmd == nil {
		return c.reject(p, RejectTaskInProgress)
	}
	cmd.immediate, cmd.read, cmd.write = b.Immediate(), s.Read(), s.Write()
	t := &cmd.task
	t.CDB, t.LUN, t.Tag, t.Attr = *s.CDB(), b.LUN(), uint64(cmd.itt), attr
	t.Expected = int64(s.Expected())
	cmd.charge = min(t.Expected, scsi.MaxTransfer)
	c.memory.Add(cmd.charge)
	c.session.nexus.Prepare(t)
	cmd.want = int(min(t.OutLen(), t.Expected))

	if cmd.write || p.size > 0 {
		return c.gather(cmd, p)
	}
	c.count(b)
	if cmd.counted = true; cmd.want > 0 {
		// The CDB takes data from an initiator that announced to read.
		c.fail(cmd, scsi.InvalidFieldInCDB)
		return nil
	}
	c.execute(cmd)
	return nil
}

// gather takes in the immediate data of a command and arranges for the rest of its Data-Out
// (RFC 7143 §4.2.5.2): what comes unasked for, then what R2Ts ask for.
func (c *conn) gather(cmd *command, p *pdu) error {
	final := p.bhs.Final()
	first := int(min(cmd.task.Expected, int64(c.params.FirstBurst)))
	cmd.unsolicited = !final
	cmd.burstEnd = first
	switch {
	case cmd.read && cmd.write, cmd.want > scsi.MaxTransfer:
		cmd.fault = scsi.InvalidFieldInCDB
	case !cmd.write, p.size > first, p.size > 0 && !c.params.ImmediateData, !final && c.params.InitialR2T:
		cmd.fault = scsi.UnexpectedUnsolicitedData
	}
	if cmd.fault != 0 {
		cmd.want = 0
	}
	if now := min(p.size, cmd.want); now == cmd.want && final && p.data != nil {
		cmd.task.Out, cmd.task.OutBorrowed = p.data[:now], true
	} else if cmd.want > 0 {
		promised := p.size
		if !final {
			promised = first
		}
		cmd.reserve(c.server.pool, min(promised, cmd.want))
		if ok, err := c.land(p, cmd.room(now)); err != nil || !ok {
			c.drop(cmd)
			if err == nil {
				err = c.reject(p, RejectDataDigest)
			}
			return err
		}
	}
	c.count(p.bhs)
	cmd.counted = true
	cmd.got = p.size
	c.proceed(cmd)
	return nil
}

// reserve gets the buffer for Data-Out. Memory may be short; then it is as large as what was
// promised room by the command window, and exchanged before the first R2T.
func (cmd *command) reserve(pool *buffer.Pool, promised int) {
	cmd.buf = pool.TryGet(cmd.want)
	if cmd.buf == nil && promised > 0 {
		cmd.buf = pool.Overdraw(promised)
	}
}

// room returns the n bytes of the buffer that come next.
func (cmd *command) room(n int) []byte {
	if n <= 0 {
		return nil
	}
	return cmd.buf.Bytes()[cmd.got : cmd.got+n]
}

// proceed does what comes next for a command that gathers: wait for more of what is coming,
// answer for what was wrong, execute, or ask for data.
func (c *conn) proceed(cmd *command) {
	switch {
	case cmd.unsolicited:
	case cmd.owed() > 0 && (cmd.fault != 0 || cmd.got >= cmd.want):
	case cmd.fault != 0:
		c.fail(cmd, cmd.fault)
	case cmd.got >= cmd.want:
		if cmd.buf != nil {
			cmd.task.Out = cmd.buf.Bytes()[:cmd.want]
		}
		c.execute(cmd)
	case cmd.buf == nil, len(cmd.buf.Bytes()) < cmd.want:
		c.awaitBuffer(cmd)
	default:
		c.mu.Lock()
		c.solicit(cmd)
		c.mu.Unlock()
	}
}
