package wire

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/bits"
	"sync/atomic"
	"time"
)

// A pump sends a stream, in stages that run beside each other:
//
//	fill   reads it into chunks                     one goroutine
//	pack   sums and compresses a chunk              as many as there are processors
//	run    puts chunks in order, and sends them     the caller's
type pump struct {
	x       *exchange
	in      io.Reader
	chunk   int          // how long chunks are (bytes)
	share   share        // of memory, from fill to the session
	ordered chan *chunk  // from fill to run, each perhaps still being packed
	level   atomic.Int32 // at which chunks are packed now
}

// pump sends a stream, and returns when all of it was handed to the session, which keeps what
// was not taken over there whatever becomes of connections; or with why that is not so: what
// in has failed with (errSource), the end of the exchange, or that of ctx. A Read of in may then
// still be under way, and what it returns is lost.
func (x *exchange) pump(ctx context.Context, in io.Reader) error {
	ctx, cancel := context.WithCancelCause(ctx)
	stop := context.AfterFunc(x.ctx, func() { cancel(context.Cause(x.ctx)) })
	defer stop()
	p := &pump{x: x, in: in, chunk: x.s.chunkLen(), share: share{of: x.s.pool, ahead: x.ahead}, ordered: make(chan *chunk, workers())}
	g := newGovernor(x.s.packed, time.Now())
	p.level.Store(int32(g.level))
	go p.fill(ctx)
	defer func() {
		cancel(errOver)
		go p.discard()
	}()
	sums := newTally()
	for {
		c, err := p.next(ctx)
		if err != nil {
			return err
		}
		if c == nil {
			return x.sendEnd(sums.total())
		}
		if err := p.send(ctx, c, g); err != nil {
			return err
		}
		sums.add(c.rawLen, c.sum)
		p.level.Store(int32(g.level))
		x.s.count(c.rawLen, levels[g.level].name)
	}
}

// next is the next chunk; nil: there was the last. It waits for no source that nobody wants.
func (p *pump) next(ctx context.Context) (c *chunk, err error) {
	select {
	case c = <-p.ordered:
	case <-ctx.Done():
	}
	if c == nil && ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	return c, nil
}

// send sends a chunk when it is packed, and tells the governor what it had to wait for.
func (p *pump) send(ctx context.Context, c *chunk, g *governor) error {
	begun := time.Now()
	<-c.done
	packed := time.Now()
	if c.err != nil {
		c.discard()
		return c.err
	}
	b := c.block
	c.block = nil
	if err := p.x.send(ctx, frameData, 0, b, c.size); err != nil {
		return err
	}
	p.share.give()
	now := time.Now()
	g.note(packed.Sub(begun), now.Sub(packed), now)
	return nil
}

// errSource is around the error of a stream's source.
var errSource = errors.New("reading the stream")

// fill reads chunks, and has each packed. What came before the source failed is sent: a receiver
// that can go on keeps it.
func (p *pump) fill(ctx context.Context) {
	defer close(p.ordered)
	for p.share.take(ctx) == nil {
		c := &chunk{block: p.x.s.pool.get(p.chunk), done: make(chan struct{})}
		n, err := readFull(p.in, c.block.b[blockRoom:][:p.chunk])
		c.size, c.rawLen = n, n
		level := int(p.level.Load())
		go func() {
			defer close(c.done)
			if n > 0 {
				c.pack(p.x.s.codecs, level)
			}
		}()
		switch {
		case n == 0:
			c.discard()
		case !p.hand(ctx, c):
			return
		}
		if err == nil {
			continue
		}
		if err != io.EOF {
			failed := &chunk{err: fmt.Errorf("%w: %w", errSource, err), done: make(chan struct{})}
			close(failed.done)
			p.hand(ctx, failed)
		}
		return
	}
}

// hand hands a chunk on, unless nobody wants it any more.
func (p *pump) hand(ctx context.Context, c *chunk) bool {
	select {
	case p.ordered <- c:
		return true
	case <-ctx.Done():
		c.discard()
		return false
	}
}

// readFull fills p, and returns the error of in as it is: io.ReadFull would not tell a stream's
// end from one that was cut.
func readFull(in io.Reader, p []byte) (n int, err error) {
	for n < len(p) && err == nil {
		var more int
		more, err = in.Read(p[n:])
		n += more
	}
	return n, err
}

// discard gives back what nobody sends any more.
func (p *pump) discard() {
	for c := range p.ordered {
		c.discard()
	}
}

// sendEnd sends the trailer.
func (x *exchange) sendEnd(t trailer) error {
	p, err := json.Marshal(t)
	if err != nil {
		return fmt.Errorf("writing a trailer: %w", err)
	}
	return x.sendShort(frameEnd, flagLast, p)
}

// leastChunk is how short chunks become (bytes): shorter ones do not compress well.
const leastChunk = 256 << 10

// chunkLen is how long chunks are to be (bytes): the shorter the more lanes share a stream, so that
// each has several under way.
func (s *session) chunkLen() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return chunkLen(s.width)
}

func chunkLen(lanes int) int { return max(leastChunk, chunkSize>>bits.Len(uint(lanes-1))) }

// count counts bytes of a stream.
func (s *session) count(raw int, codec string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.traffic.Raw += int64(raw)
	if codec != "" {
		s.traffic.Codec = codec
	}
}
