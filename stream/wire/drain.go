package wire

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"sync"

	"github.com/lunarsan/lunar/stream"
)

// A drain receives a stream, in stages that run beside each other:
//
//	order    takes frames in their order              one goroutine
//	unpack   decompresses a chunk and checks its sum  as many as there are processors
//	Read     gives chunks out in order                the caller's
type drain struct {
	x       *exchange
	ctx     context.Context
	cancel  context.CancelCauseFunc
	share   share       // of memory, from order to the end of Read
	ordered chan *chunk // from order to Read, each perhaps still being unpacked
	ended   func()      // when it is closed before its end; nil: nothing

	mu    sync.Mutex
	now   *chunk // that is given out
	rest  []byte // of it
	sums  *tally
	err   error // what Read goes on to return
	whole bool  // nothing more comes
}

// drain returns the stream that comes in an exchange. It must be closed.
func (x *exchange) drain(ctx context.Context) *drain {
	d := &drain{x: x, share: share{of: x.s.pool}, ordered: make(chan *chunk, workers()), sums: newTally()}
	d.ctx, d.cancel = context.WithCancelCause(ctx)
	go d.order()
	return d
}

// order takes frames to the stream's end.
func (d *drain) order() {
	defer close(d.ordered)
	for d.share.take(d.ctx) == nil {
		c := &chunk{done: make(chan struct{})}
		in, err := d.x.receive(d.ctx)
		last := true
		switch {
		case err != nil:
			c.err = err
			close(c.done)
		case in.kind == frameData:
			c.block, c.size, last = in.block, in.size, false
			go func() {
				defer close(c.done)
				c.unpack(d.x.s.codecs)
			}()
		default:
			c.finish(in)
			close(c.done)
		}
		select {
		case d.ordered <- c:
		case <-d.ctx.Done():
			c.discard()
			return
		}
		if last {
			return
		}
	}
}

// finish makes of a frame that is no chunk the stream's end.
func (c *chunk) finish(in *incoming) {
	defer in.block.put()
	if in.kind != frameEnd {
		c.err = fmt.Errorf("%w: a frame %s within a stream", errFrame, in.kind)
		return
	}
	c.end = new(trailer)
	if err := json.Unmarshal(in.payload(), c.end); err != nil {
		c.end, c.err = nil, fmt.Errorf("%w: %w", errFrame, err)
	}
}

// Read gives out the stream. io.EOF says that all of it came, as it was sent; stream.ErrStream
// that it did not.
func (d *drain) Read(p []byte) (int, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for len(d.rest) == 0 && d.err == nil {
		d.next()
	}
	n := copy(p, d.rest)
	d.rest = d.rest[n:]
	if len(d.rest) == 0 && d.now != nil {
		d.now.discard()
		d.now = nil
		d.share.give()
	}
	if n == 0 && len(p) > 0 {
		return 0, d.err
	}
	return n, nil
}

// next takes the next chunk, or the end. Under the lock.
func (d *drain) next() {
	var c *chunk
	select {
	case c = <-d.ordered:
	case <-d.ctx.Done():
	}
	if c == nil {
		if d.err = context.Cause(d.ctx); d.err == nil {
			d.err = errOver
		}
		return
	}
	<-c.done
	switch {
	case c.err != nil:
		d.err = fmt.Errorf("%w: %w", stream.ErrStream, c.err)
		c.discard()
	case c.end != nil:
		d.err, d.whole = d.judge(c.end), true
	default:
		d.sums.add(c.size, c.sum)
		d.x.s.count(c.size, "")
		d.now, d.rest = c, c.raw()
	}
}

// judge holds the trailer against what came.
func (d *drain) judge(end *trailer) error {
	if end.Failed != nil {
		return end.Failed.error(d.x.s.name)
	}
	if have := d.sums.total(); have != *end {
		return fmt.Errorf("%w: %d bytes came, and %d were sent, or they are others", stream.ErrStream, have.Bytes, end.Bytes)
	}
	return io.EOF
}

// Close ends the stream, early where it is not at its end.
func (d *drain) Close() error {
	d.cancel(errOver)
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.err == nil || d.err == io.EOF {
		d.err = io.ErrClosedPipe
	}
	if d.now != nil {
		d.now.discard()
		d.now, d.rest = nil, nil
	}
	for c := range d.ordered {
		c.discard()
	}
	if d.ended != nil && !d.whole {
		d.ended()
	}
	d.ended = nil
	return nil
}

// discard gives back what a chunk has, when it is done with.
func (c *chunk) discard() {
	<-c.done
	if c.block != nil {
		c.block.put()
		c.block = nil
	}
}
