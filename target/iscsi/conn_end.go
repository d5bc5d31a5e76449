package iscsi

import (
	"errors"
	"net"
	"time"

	"github.com/lunarsan/lunar/scsi"
)

// A cut is a cause for which the target ends a connection that its initiator would not.
type cut string

func (c cut) Error() string { return string(c) }

const (
	errHeaderDigest cut = "header digest error"
	errTooLong      cut = "data segment longer than declared"
	errRejects      cut = "too many rejected PDUs"
	errGap          cut = "too much arrived before a missing command"
	errLate         cut = "a missing command did not come"
	errSilent       cut = "the initiator does not answer"
	errStalled      cut = "the initiator does not take what it is sent"
	errReset        cut = "TARGET COLD RESET"
	errOperator     cut = "closed by the operator"
)

// Ordinary causes.
var (
	errLoggedOut = errors.New("logged out")
	errShutdown  = errors.New("the target shuts down")
)

// close ends the connection for the given reason. The receiver notices and cleans up.
func (c *conn) close(cause error) {
	c.setCause(cause)
	c.nc.Close()
	c.abandon()
}

// setCause remembers why the connection ends.
func (c *conn) setCause(cause error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.cause == nil {
		c.cause = cause
	}
}

// farewell logs how a session, or one connection of it, has ended.
func (c *conn) farewell(cause error) {
	if cuts := new(cut); errors.As(cause, cuts) {
		c.server.metrics.Cut.Add(1)
		c.warn("session cut", "cause", cause)
		return
	}
	c.info("session ended", "cause", cause)
}

// lastWords is the time for what is still to be said when a connection ends.
const lastWords = time.Second

// finishUp gives back all that the connection has, and waits for its commands to drain.
func (c *conn) finishUp(err error) {
	c.setCause(err)
	c.nc.SetWriteDeadline(time.Now().Add(lastWords))
	c.flush(false)
	c.nc.Close()
	c.out.sending.Lock()
	if c.out.err == nil {
		c.out.err = net.ErrClosed
	}
	c.out.sending.Unlock()

	c.dropHeld()
	c.dropGathering()
	c.rx.giveBack()
	sess := c.session
	if sess == nil {
		return
	}
	if c.server.inherited(c) {
		c.abortAll()
		c.idle()
		if c.server.handOver(c) {
			return
		}
	}
	<-sess.end()
	c.idle()
	c.server.bury(sess)
}

// idle waits until all commands have come back, and were answered or given back. The caller
// is the receiver; the sender sends meanwhile.
func (c *conn) idle() {
	c.flush(true)
	c.mu.Lock()
	if c.live == 0 {
		c.mu.Unlock()
		return
	}
	drained := make(chan struct{})
	c.drained = drained
	c.mu.Unlock()
	<-drained
}

// abortAll aborts the connection's commands, while the nexus stays.
func (c *conn) abortAll() {
	type task struct {
		lun scsi.LUN
		tag uint64
	}
	var tasks []task
	c.mu.Lock()
	c.inflight.each(func(cmd *command) { tasks = append(tasks, task{cmd.task.LUN, cmd.task.Tag}) })
	c.mu.Unlock()
	for _, t := range tasks {
		c.session.nexus.Manage(scsi.AbortTask, t.lun, t.tag, func(scsi.Response) {})
	}
}
