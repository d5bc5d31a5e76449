package iscsi

import (
	"io"
	"time"
)

// A session that ends from our side ends in order. What has arrived is executed and answered as
// far as it does not wait for the initiator; then the initiator is told, and when it may come
// again. An end without those answers would have it repeat commands that were executed: the
// second COMPARE AND WRITE finds the first one's data, and ESXi takes that for a lost lock.

// A dismissal is why a session ends from our side.
type dismissal struct {
	wait time.Duration // before the initiator may come again; in whole seconds
}

// dismiss tells the initiator that its session ends, and ends it, whether or not it listens. It
// does not wait for that.
func (c *conn) dismiss(cause error, wait time.Duration) {
	c.setCause(cause)
	c.watch.toldAt.Store(c.server.clock.Load())
	if c.dismissed.CompareAndSwap(nil, &dismissal{wait}) {
		c.nc.SetReadDeadline(time.Unix(1, 0)) // the receiver reads no more, and parts
	}
}

// part ends the session of a connection that was dismissed. The caller is the receiver.
func (c *conn) part(d *dismissal) {
	c.server.conclude(c)
	c.dropHeld()
	c.dropGathering()
	<-c.session.end()
	c.idle()
	c.rise()

	r := c.newMessage(OpAsync)
	r.bhs.SetITT(NoTag)
	v := r.bhs.AsyncMessage()
	v.SetEvent(AsyncDropSession)
	v.SetParameters(0, uint16(d.wait/time.Second), 0)
	r.status = true
	r.then = c.hangUp
	c.post(r)
	if c.flush(false) == nil {
		_, _ = io.Copy(io.Discard, c.nc) // to close before all was read would take back what was sent
	}
}
