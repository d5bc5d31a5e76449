package iscsi

import (
	"context"
	"net"
	"net/netip"
	"time"
)

// login runs the login phase (RFC 7143 §6.3). When it returns nil, the connection is in full
// feature phase and belongs to a session. ctx ends what others than the initiator are waited for.
func (c *conn) login(ctx context.Context) error {
	c.nc.SetDeadline(time.Now().Add(c.server.opts.LoginTimeout))
	c.params.OwnMaxRecvSegment = loginSegment
	local := addrPort(c.nc.LocalAddr())
	l := newLogin(c.server.device, c.tag, local)
	for {
		p := &c.pdu
		head, err := c.header(p)
		if err != nil {
			return err
		}
		whole := head + Padded(p.size)
		b, err := c.rx.peek(whole)
		if err != nil {
			return err
		}
		req := (*BHS)(b)
		if c.window.size == 0 {
			c.window.start(req.CmdSN(), c.server.opts.Window)
		}
		resp, text, done, err := l.step(ctx, req, b[head:head+p.size])
		if done && err == nil {
			if err = c.server.establish(c, l); err == nil {
				resp.LoginResponse().SetTSIH(c.session.tsih)
			} else {
				resp, text, done, err = l.fail(req, err)
			}
		}
		c.rx.skip(whole)

		r := c.newMessage(OpLoginResponse)
		r.bhs, r.data, r.status = resp, text, true
		c.post(r)
		if flushed := c.flush(false); err == nil {
			err = flushed
		}
		if done && err == nil {
			c.text = newTextExchange(c.server.device, c.tag, local, &c.params)
		}
		if done || err != nil {
			// For the log, where the login has failed.
			c.params.InitiatorName, c.params.TargetName = l.params.InitiatorName, l.params.TargetName
			return err
		}
	}
}

// start takes up what the login agreed on.
func (c *conn) start() {
	c.nc.SetDeadline(time.Time{})
	c.out.batch.headerDigest, c.out.batch.dataDigest = c.params.HeaderDigest, c.params.DataDigest
	if c.params.HeaderDigest {
		c.headerDigest = DigestLen
	}
	if c.params.DataDigest {
		c.dataDigest = DigestLen
	}
	c.watch.start(c)
	c.mu.Lock()
	c.full = true
	c.mu.Unlock()
}

// addrPort returns a as the address and port that it is, or the zero value.
func addrPort(a net.Addr) netip.AddrPort {
	if t, ok := a.(*net.TCPAddr); ok {
		ap := t.AddrPort()
		return netip.AddrPortFrom(ap.Addr().Unmap(), ap.Port())
	}
	return netip.AddrPort{}
}
