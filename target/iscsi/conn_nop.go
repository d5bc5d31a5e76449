package iscsi

// handleNOPOut answers a ping, or takes the answer to one of ours (RFC 7143 §11.18).
func (c *conn) handleNOPOut(p *pdu) error {
	b := p.bhs
	if !b.NOPOut().WantsReply() {
		if !b.Immediate() {
			c.skipTurn()
		}
		return nil
	}
	n := min(p.size, c.params.PeerMaxRecvSegment)
	r := c.newReply(OpNOPIn, b)
	r.bhs.SetTTT(NoTag)
	if n > 0 {
		if r.buf = c.server.pool.TryGet(n); r.buf == nil {
			return c.reject(p, RejectOutOfResources)
		}
		r.data = r.buf.Bytes()
		copy(r.data, p.data)
	}
	c.count(b)
	c.post(r)
	return nil
}

// ping asks the initiator for a sign of life: any PDU will do (RFC 7143 §11.19).
func (c *conn) ping() {
	r := c.newMessage(OpNOPIn)
	r.bhs.SetITT(NoTag)
	c.mu.Lock()
	r.bhs.SetTTT(c.takeTags(1))
	c.mu.Unlock()
	c.post(r)
}
