package iscsi

import (
	"sync"
	"sync/atomic"
)

// An item waits in the outbox: one PDU, or all PDUs that answer a command.
type item interface {
	// encode puts as much of the item into b as fits and reports whether that was all. It
	// is called again, with an empty batch, until it is. StatSN and the command window are
	// given out here, so items go out in the order of the outbox.
	encode(c *conn, b *batch) bool
	// release gives back what the item holds, once its bytes are on the wire or will never be.
	release(c *conn)
	// recycle keeps the item for another use. The caller holds c.mu.
	recycle(c *conn)
}

// An outbox holds what a connection has to say. Anyone may post, at any time and without
// waiting for the socket. Two goroutines flush: the receiver, whenever it is about to wait
// for input, and the sender, which is woken for what is posted while the receiver waits.
type outbox struct {
	// Guarded by conn.mu.
	queue  []item
	weight int         // bytes queued, about
	busy   bool        // the receiver is at work and flushes before it waits
	asked  bool        // a waiter for memory is queued at the pool
	much   atomic.Bool // so much is queued that the receiver had better flush

	wake chan struct{} // holds one token

	sending sync.Mutex // one flush at a time; guards what follows, and is taken before conn.mu
	taken   []item
	batch   batch
	statSN  SN
	err     error // why nothing is written any more

	since atomic.Int64 // the server's clock when the write under way began; 0: none is
	load  Traffic      // since the last write
}

// post hands it over to be sent.
func (c *conn) post(it item) {
	c.mu.Lock()
	c.enqueue(it)
	c.mu.Unlock()
}

// enqueue is post for callers that hold c.mu.
func (c *conn) enqueue(it item) {
	o := &c.out
	o.queue = append(o.queue, it)
	if !o.busy {
		c.prod()
	}
	if len(o.queue) >= batchPieces/2 || o.weight >= batchBytes {
		o.much.Store(true)
	}
}

// prod wakes the sender.
func (c *conn) prod() {
	select {
	case c.out.wake <- struct{}{}:
	default:
	}
}

// send is what the sender does: it flushes what is posted while the receiver waits, until the
// connection ends, or it is to relieve the receiver.
func (c *conn) send() (relieve bool) {
	for {
		select {
		case <-c.out.wake:
			c.flush(false)
		case <-c.loan.relief:
			return true
		case <-c.done:
			return false
		}
	}
}

// flush writes everything that was posted. rest says that the caller is the receiver, which
// is about to wait: from then on, posting wakes the sender.
func (c *conn) flush(rest bool) error {
	o := &c.out
	o.sending.Lock()
	defer o.sending.Unlock()
	for {
		c.mu.Lock()
		o.taken, o.queue = o.queue, o.taken[:0]
		o.weight = 0
		if o.much.Load() {
			o.much.Store(false)
		}
		if len(o.taken) == 0 && rest {
			o.busy = false
			if c.inlet != nil {
				c.inlet.alone = c.away <= 0
			}
		}
		c.mu.Unlock()
		if len(o.taken) == 0 && !c.offer() {
			return o.err
		}
		for i, it := range o.taken {
			for !it.encode(c, &o.batch) {
				c.write()
			}
			o.batch.items = append(o.batch.items, it)
			o.taken[i] = nil
		}
		c.write()
	}
}

// write writes the batch and gives its items back. The caller holds o.sending.
func (c *conn) write() {
	o := &c.out
	b := &o.batch
	if o.load.Commands > 0 {
		c.session.load.add(&o.load)
		c.server.metrics.add(&o.load)
		o.load = Traffic{}
	}
	if o.err == nil && !b.empty() {
		o.since.Store(c.server.clock.Load())
		o.err = b.write(c.nc)
		o.since.Store(0)
		if o.err != nil {
			c.nc.Close()
		}
	}
	b.reset()
	if len(b.items) == 0 {
		return
	}
	for _, it := range b.items {
		it.release(c)
	}
	c.mu.Lock()
	for i, it := range b.items {
		it.recycle(c)
		b.items[i] = nil
	}
	c.mu.Unlock()
	b.items = b.items[:0]
}

// stamp fills in the serial numbers that every response carries. status: the PDU uses up a
// StatSN.
func (c *conn) stamp(h *BHS, status bool) {
	h.SetStatSN(c.out.statSN)
	if status {
		c.out.statSN++
	}
	h.SetExpCmdSN(c.window.expected())
	h.SetMaxCmdSN(c.window.advertise(c.short()))
}

// short reports whether memory is, so that the command window must not open.
func (c *conn) short() bool {
	return c.server.pool.Full() || c.memory.Load() > c.server.opts.SessionMemory
}

// offer is called when there is nothing to send. If the initiator believes the window shut
// while there are credits, it puts a NOP-In into the batch that says so; if memory is short,
// it sees to it that this is tried again when there is some.
func (c *conn) offer() bool {
	o := &c.out
	if o.err != nil || !c.window.shut() {
		return false
	}
	if !c.short() {
		h := o.batch.begin(OpNOPIn)
		h.SetITT(NoTag)
		h.SetTTT(NoTag)
		c.stamp(h, false)
		o.batch.end(h, nil)
		return true
	}
	if c.server.pool.Full() {
		c.awaitMemory()
	}
	return false
}
