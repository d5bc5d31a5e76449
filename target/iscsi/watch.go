package iscsi

import (
	"sync/atomic"
	"time"
)

// A watch keeps an eye on a connection, from the server's clock: whether the initiator is
// alive, takes what is sent to it, and fills the gaps that it leaves. Times are the clock's,
// in seconds; 0 is never.
type watch struct {
	heardAt atomic.Int64 // when the last PDUs were handled
	pingAt  atomic.Int64 // when a NOP-In was sent that nothing has followed
	gapAt   atomic.Int64 // since when requests wait for an earlier one
	toldAt  atomic.Int64 // when the initiator was told that its session ends
	rejects atomic.Int32 // Rejects sent, less what time has forgiven
}

// forgiven is the number of Rejects that a second forgives.
const forgiven = 4

// start begins to watch a connection that has entered full feature phase.
func (w *watch) start(c *conn) { w.heardAt.Store(c.server.clock.Load()) }

// heard notes that the initiator is alive.
func (w *watch) heard(c *conn) { w.heardAt.Store(c.server.clock.Load()) }

// gap notes whether requests wait, and that something has moved.
func (w *watch) gap(c *conn) {
	if len(c.held) == 0 {
		w.gapAt.Store(0)
	} else {
		w.gapAt.Store(c.server.clock.Load())
	}
}

// tick looks at c, once a second.
func (c *conn) tick(now int64) {
	w, o := &c.watch, &c.server.opts
	over := func(since *atomic.Int64, limit time.Duration) bool {
		at := since.Load()
		return at != 0 && time.Duration(now-at)*time.Second >= limit
	}
	if w.rejects.Load() > 0 && w.rejects.Add(-forgiven) < 0 {
		w.rejects.Store(0)
	}
	switch heard := w.heardAt.Load(); {
	case heard == 0: // the login has a deadline of its own
	case c.params.Discovery && over(&w.heardAt, o.PingInterval+o.PingTimeout): // no NOP there
		c.close(errSilent)
	case c.params.Discovery:
	case over(&c.out.since, o.WriteTimeout):
		c.close(errStalled)
	case over(&w.gapAt, o.GapTimeout):
		c.close(errLate)
	case over(&w.toldAt, lingering):
		c.nc.Close()
	case w.pingAt.Load() > heard && over(&w.pingAt, o.PingTimeout):
		c.close(errSilent)
	case w.pingAt.Load() <= heard && over(&w.heardAt, o.PingInterval):
		w.pingAt.Store(now)
		c.ping()
	}
}
