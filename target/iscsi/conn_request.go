package iscsi

// maxImmediate bounds the immediate requests of a connection that are not answered yet: the
// command window does not count them (RFC 7143 §4.2.2.1).
const maxImmediate = 32

// maxRejects is the number of Rejects that a connection may run up before it is closed. A
// second that passes forgives a few.
const maxRejects = 64

// carriesBulk reports whether the data segment may be written to a medium, and so is worth
// putting where it is wanted rather than into the receive buffer.
func (o Opcode) carriesBulk() bool { return o == OpSCSICommand || o == OpDataOut }

// handle handles a PDU in full feature phase, or holds it until its turn has come.
func (c *conn) handle(p *pdu) error {
	op := p.bhs.Opcode()
	switch {
	case c.leaving:
		return nil
	case !op.FromInitiator():
		return c.reject(p, RejectNotSupported)
	case c.params.Discovery && !op.InDiscovery():
		return c.reject(p, RejectProtocolError)
	case op == OpDataOut:
		return c.handleDataOut(p)
	case p.damaged:
		c.forget(p.bhs.ITT())
		return c.reject(p, RejectDataDigest)
	case op == OpSNACK: // nothing is sent twice at error recovery level 0
		return c.reject(p, RejectSNACK)
	case op == OpLogin: // the login is over
		return c.reject(p, RejectProtocolError)
	}
	if p.bhs.Immediate() {
		if c.immediates.Load() >= maxImmediate {
			return c.reject(p, RejectTooManyImmediate)
		}
		return c.dispatch(p)
	}
	switch c.window.judge(p.bhs.CmdSN()) {
	case early:
		return c.hold(p)
	case ignore:
		c.forget(p.bhs.ITT())
		return nil
	}
	if err := c.dispatch(p); err != nil || len(c.held) == 0 {
		return err
	}
	return c.resume()
}

// dispatch handles a request whose turn it is.
func (c *conn) dispatch(p *pdu) error {
	switch p.bhs.Opcode() {
	case OpSCSICommand:
		return c.handleCommand(p)
	case OpNOPOut:
		return c.handleNOPOut(p)
	case OpTaskMgmt:
		return c.handleTaskMgmt(p)
	case OpText:
		return c.handleText(p)
	}
	return c.handleLogout(p)
}

// count takes a request in: it is received, and gives its place back when it ends. A rejected
// request is not counted, so that its CmdSN may come again (RFC 7143 §11.17.1).
func (c *conn) count(b *BHS) {
	if b.Immediate() {
		c.immediates.Add(1)
	} else {
		c.window.advance()
	}
}

// reject answers p with a Reject that carries its header (RFC 7143 §11.17).
func (c *conn) reject(p *pdu, reason RejectReason) error {
	c.server.metrics.Rejects.Add(1)
	c.warn("rejected a PDU", "reason", reason, "pdu", p.bhs)
	if c.watch.rejects.Add(1) > maxRejects {
		return errRejects
	}
	r := c.newMessage(OpReject)
	r.bhs.SetITT(NoTag)
	r.bhs.Reject().SetReason(reason)
	r.copied = *p.bhs
	r.data = r.copied[:]
	r.status = true
	c.post(r)
	return nil
}

// forget makes data that still comes for a tag be dropped in silence.
func (c *conn) forget(tag uint32) {
	c.mu.Lock()
	c.inflight.forget(tag)
	c.mu.Unlock()
}
