package iscsi

import (
	"errors"

	"github.com/lunarsan/lunar/scsi"
)

// A command that would block goes to a worker, who wakes the sender for the answer: two
// goroutines more, and two processors where one would do. The receiver of a connection that has
// nothing else to do runs it itself. Nobody reads then, so a lookout keeps the time: when the
// medium takes long, the sender becomes the receiver, and another goroutine the sender.

// errRelieved ends the receiving of a goroutine: another one goes on with it.
var errRelieved = errors.New("relieved")

// receiveOn is the receiver: it receives until the connection ends, and ends it, or until it is
// relieved.
func (c *conn) receiveOn() {
	if err := c.receive(); err != errRelieved {
		c.end(err)
	}
}

// sendOn is the sender, until the connection ends or it is the receiver.
func (c *conn) sendOn() {
	if relieve := c.send(); relieve {
		c.running.Go(c.sendOn)
		c.staying.learn(false)
		c.receiveOn()
	}
}

// attend sees to the errand that came of a PDU, which is off the stream; err is what else came
// of it.
func (c *conn) attend(err error) error {
	e := c.errand
	c.errand = nil
	if err == nil && c.inlet != nil && c.rx.buffered() == 0 && c.staying.again() {
		err = c.flush(false) // nothing waits for what may take long
		if err == nil {
			return c.run(e)
		}
	}
	e.Leave()
	return err
}

// run runs e as the receiver, and learns from whether the initiator had something to say
// meanwhile.
func (c *conn) run(e *scsi.Errand) error {
	if !c.server.lookout.lend(c) {
		e.Leave()
		return nil
	}
	e.Run()
	if !c.server.lookout.end(c) {
		return errRelieved
	}
	c.staying.learn(!c.inlet.waiting())
	return nil
}
