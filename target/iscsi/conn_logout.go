package iscsi

import (
	"net"
	"time"
)

// lingering is how long a connection stays half open for the initiator to close it, once the
// last response was sent.
const lingering = 2 * time.Second

// handleLogout ends the session, with its one connection (RFC 7143 §11.14). The response goes
// out when no command can touch a medium any more.
func (c *conn) handleLogout(p *pdu) error {
	b, l := p.bhs, p.bhs.LogoutRequest()
	if l.Reason() > RecoverConnection {
		return c.reject(p, RejectInvalidField)
	}
	c.count(b)
	r := c.newReply(OpLogoutResponse, b)
	v := r.bhs.LogoutResponse()
	switch {
	case l.Reason() == RecoverConnection:
		v.SetResult(LogoutRecoveryNotSupported)
	case l.Reason() == CloseConnection && l.CID() != c.cid:
		v.SetResult(LogoutCIDNotFound)
	default:
		v.SetTimes(uint16(c.params.DefaultTime2Wait), 0)
		c.leaving = true
		c.setCause(errLoggedOut)
		c.server.conclude(c)
		c.dropGathering()
		<-c.session.end()
		c.idle()
		r.then = c.hangUp
	}
	c.post(r)
	return nil
}

// hangUp ends our side of the connection and gives the initiator time to end its own: closing
// at once could destroy a response that is still on its way.
func (c *conn) hangUp() {
	if tcp, ok := c.nc.(*net.TCPConn); ok && tcp.CloseWrite() == nil {
		tcp.SetReadDeadline(time.Now().Add(lingering))
		return
	}
	c.nc.Close()
}
