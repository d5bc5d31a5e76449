package iscsi

import "github.com/lunarsan/lunar/internal/buffer"

// What a command holds while it waits for the rest of its Data-Out must not keep it, and
// others, from ever getting the rest. A command that holds nothing may wait in the pool's
// queue for as long as it takes. One that holds what the command window promised to take
// waits there too, unless it is the one of its connection that may overdraw: so there is
// always one that comes to its end, and gives back.

// A parking is the place of a command in the pool's queue, which cannot be left: when the
// command is dropped, or has got its buffer otherwise, its parking stays behind empty. Guarded
// by conn.mu.
type parking struct{ cmd *command }

// awaitBuffer asks for the rest of cmd's data when there is memory for all of it.
func (c *conn) awaitBuffer(cmd *command) {
	p := &parking{cmd}
	c.mu.Lock()
	cmd.parking = p
	overdraw := cmd.buf != nil && !c.indebted
	if overdraw {
		c.indebted, cmd.indebted = true, true
	}
	c.mu.Unlock()
	if overdraw {
		c.lend(p, c.server.pool.Overdraw(cmd.want))
	} else {
		c.server.pool.GetLater(cmd.want, func(b *buffer.Buffer) { c.lend(p, b) })
	}
}

// parked reports whether cmd waits for memory. If not, what lend did to it is seen from here.
func (c *conn) parked(cmd *command) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return cmd.parking != nil
}

// unpark ends cmd's wait for memory, if it waits. The caller holds c.mu.
func (cmd *command) unpark() {
	if cmd.parking != nil {
		cmd.parking.cmd, cmd.parking = nil, nil
	}
}

// lend gives the command in p, if it is still there, its buffer.
func (c *conn) lend(p *parking, b *buffer.Buffer) {
	c.mu.Lock()
	cmd, unused := p.cmd, b
	if cmd != nil {
		cmd.unpark()
		unused = cmd.buf
		if unused != nil {
			copy(b.Bytes(), unused.Bytes())
		}
		cmd.buf = b
		c.solicit(cmd)
	}
	c.mu.Unlock()
	if unused != nil {
		unused.Put()
	}
}

// settleDebt lets the next command overdraw, now that the one that did is over.
func (c *conn) settleDebt() {
	var next *command
	c.mu.Lock()
	c.inflight.each(func(cmd *command) {
		if cmd.parking != nil && cmd.buf != nil {
			next = cmd
		}
	})
	c.indebted = next != nil
	if next == nil {
		c.mu.Unlock()
		return
	}
	next.indebted = true
	p, want := next.parking, next.want
	c.mu.Unlock()
	c.lend(p, c.server.pool.Overdraw(want))
}

// awaitMemory has the command window looked at again when the pool has memory.
func (c *conn) awaitMemory() {
	c.mu.Lock()
	asked := c.out.asked
	c.out.asked = true
	c.mu.Unlock()
	if asked {
		return
	}
	c.server.pool.GetLater(1, func(b *buffer.Buffer) {
		c.mu.Lock()
		c.out.asked = false
		c.mu.Unlock()
		b.Put()
		c.prod()
	})
}
