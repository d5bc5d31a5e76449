package iscsi

import "errors"

// handleText carries on a text negotiation, such as SendTargets (RFC 7143 §11.10).
func (c *conn) handleText(p *pdu) error {
	b := p.bhs
	c.out.sending.Lock() // it may change what the encoder goes by
	resp, text, err := c.text.step(b, p.data)
	c.out.sending.Unlock()
	if err != nil {
		reason := RejectProtocolError
		if rejected := (*rejection)(nil); errors.As(err, &rejected) {
			reason = rejected.reason
		}
		return c.reject(p, reason)
	}
	c.count(b)
	r := c.newReply(OpTextResponse, b)
	r.bhs, r.data = resp, text
	c.post(r)
	return nil
}
