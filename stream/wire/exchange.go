package wire

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// An exchange is a call and its answer, with the stream that goes one way or the other between
// them. The frames of each direction are numbered from 0, are taken in that order, and are kept
// by who sent them until they were: whatever becomes of connections, each is taken once.
type exchange struct {
	s      *session
	id     uint32
	ctx    context.Context // ends with the exchange: when the client does not want it any more
	cancel context.CancelCauseFunc

	// Under the session's lock:
	unacked  []*outgoing // by number, without gaps, up to sent
	sent     uint64      // the number of the next frame
	underWay int64       // of chunks that were not taken there (bytes)
	closed   bool        // the last frame of ours is among the unacked, or beyond
	given    bool        // client: nobody waits for the answer any more

	inNext  uint64 // the number of the frame that is taken next
	arrived map[uint64]*incoming
	pieces  map[uint64]*piece // of chunks whose connection was cut
	over    bool
}

// An outgoing is a frame that was not taken yet.
type outgoing struct {
	x        *exchange
	kind     frameType
	seq      uint64
	size     int    // of the payload
	block    *block // nil: the other side has it
	lane     int    // that has taken it to send, or laneNone
	skip     int    // of the payload, what the other side has of it
	out      int    // bytes of it that went out so far
	writing  bool
	unwanted bool
}

const laneNone = -1

// frame is what goes out.
func (o *outgoing) frame() []byte { return o.block.b[:headerLen+o.size] }

// release gives the memory back, at the latest when it is written.
func (o *outgoing) release() {
	o.unwanted = true
	if o.writing || o.block == nil {
		return
	}
	o.block.put()
	o.block = nil
}

// An incoming is a frame that has come.
type incoming struct {
	kind  frameType
	flags uint8
	block *block
	size  int
}

func (in *incoming) last() bool { return in.flags&flagLast != 0 }
func (in *incoming) more() bool { return in.flags&flagMore != 0 }

// payload is what came with the frame.
func (in *incoming) payload() []byte { return in.block.b[headerLen:][:in.size] }

// A piece is the beginning of a chunk.
type piece struct {
	block *block
	n     int
}

// sendShort sends a frame in JSON.
func (x *exchange) sendShort(t frameType, flags uint8, payload []byte) error {
	b := &block{b: make([]byte, headerLen+len(payload))}
	copy(b.b[headerLen:], payload)
	return x.send(x.s.ctx, t, flags, b, len(payload))
}

// send sends a frame, and waits where it is a chunk and too many bytes are under way. The block
// is the session's from now on.
func (x *exchange) send(ctx context.Context, t frameType, flags uint8, b *block, size int) error {
	s := x.s
	defer s.wakes(ctx)()
	s.mu.Lock()
	defer s.mu.Unlock()
	for t == frameData && x.live() == nil && ctx.Err() == nil && !x.room(int64(size)) {
		s.changed.Wait()
	}
	err := x.live()
	if err == nil {
		err = context.Cause(ctx)
	}
	if err != nil {
		b.put()
		return err
	}
	o := &outgoing{x: x, kind: t, seq: x.sent, size: size, block: b, lane: laneNone}
	putHeader(b.b, t, flags, x.id, x.sent, b.b[headerLen:][:size])
	x.sent++
	x.closed = x.closed || flags&flagLast != 0
	x.unacked = append(x.unacked, o)
	if t == frameData {
		x.underWay += int64(size)
		s.underWay += int64(size)
		s.bulk = append(s.bulk, o)
	} else {
		s.urgent = append(s.urgent, o)
	}
	s.changed.Broadcast()
	return nil
}

// wakes has those who wait look again when ctx ends, until stop is called.
func (s *session) wakes(ctx context.Context) (stop func() bool) {
	return context.AfterFunc(ctx, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.changed.Broadcast()
	})
}

// room tells whether so much more may be under way.
func (x *exchange) room(n int64) bool {
	return x.underWay == 0 || x.underWay+n <= x.s.window() && x.s.underWay+n <= sessionWindow && len(x.unacked) < mostAhead/2
}

// nearby is how long the way there and back is at the most to a receiver that takes what it is sent
// before much more could be under way.
const nearby = 10 * time.Millisecond

// window is how much of a stream may be under way (bytes). What a receiver that is killed has not
// taken is sent again, and so one that is near is sent no more than keeps it busy: a chunk on each
// lane, and one that waits. One that is far, or may be, has what makes up for the time that the way takes, and what
// is lost on it.
func (s *session) window() int64 {
	if s.trip == 0 || s.trip > nearby {
		return exchangeWindow
	}
	return min(exchangeWindow, int64((s.width+1)*chunkLen(s.width)))
}

// ahead tells whether chunks are under way.
func (x *exchange) ahead() bool {
	x.s.mu.Lock()
	defer x.s.mu.Unlock()
	return x.underWay > 0
}

// live is nil while the exchange goes on.
func (x *exchange) live() error {
	switch {
	case x.s.err != nil:
		return x.s.err
	case x.over:
		return errOver
	}
	return nil
}

var errOver = fmt.Errorf("%w: the call is over", errFrame)

// arrive takes a frame from a connection. Under the lock.
func (x *exchange) arrive(h *header, b *block) error {
	seq, size := h.seq(), int64(h.length())
	if x.over || x.given && !h.last() || seq < x.inNext || x.arrived[seq] != nil {
		b.put() // it came twice, or too late
		return nil
	}
	if seq-x.inNext > mostAhead || x.s.kept+size > sessionWindow+exchangeWindow {
		b.put()
		return fmt.Errorf("%w: more than was agreed to be under way", errFrame)
	}
	x.s.kept += size
	x.arrived[seq] = &incoming{kind: h.kind(), flags: h.flags(), block: b, size: h.length()}
	switch {
	case h.kind() == frameCancel:
		x.cancel(context.Canceled) // at once, not in its turn
	case x.given: // and the last
		x.s.taken[x.id] = seq + 1
		x.drop()
	case !x.s.client && h.kind() == frameCall && seq == 0:
		x.s.called(x) // which starts a goroutine
	}
	x.s.changed.Broadcast()
	return nil
}

// receive waits for the next frame. Its block is the caller's.
func (x *exchange) receive(ctx context.Context) (*incoming, error) {
	s := x.s
	defer s.wakes(ctx)()
	s.mu.Lock()
	defer s.mu.Unlock()
	for {
		in := x.arrived[x.inNext]
		switch {
		case in != nil:
			delete(x.arrived, x.inNext)
			x.inNext++
			s.kept -= int64(in.size)
			s.taken[x.id] = x.inNext
			if in.last() && s.client {
				x.drop()
			}
			s.changed.Broadcast()
			return in, nil
		case x.live() != nil:
			return nil, x.live()
		case ctx.Err() != nil:
			return nil, context.Cause(ctx)
		}
		s.changed.Wait()
	}
}

// acknowledged lets go of what the other side has taken. Under the lock.
func (x *exchange) acknowledged(before uint64) error {
	if before > x.sent {
		return fmt.Errorf("%w: frames were taken that nobody has sent", errFrame)
	}
	for len(x.unacked) > 0 && x.unacked[0].seq < before {
		o := x.unacked[0]
		x.unacked[0] = nil
		x.unacked = x.unacked[1:]
		x.forget(o)
	}
	if !x.s.client && x.closed && len(x.unacked) == 0 {
		x.drop() // the client has the last of it
	}
	x.s.changed.Broadcast()
	return nil
}

func (x *exchange) forget(o *outgoing) {
	if o.kind == frameData {
		x.underWay -= int64(o.size)
		x.s.underWay -= int64(o.size)
	}
	o.release()
}

// settleTime is how long a call that was given up may take to end over there, before nobody waits
// for that any more.
const settleTime = 5 * time.Second

// withdraw tells the server that the client does not want the answer any more. What was not sent
// of a stream is not.
func (x *exchange) withdraw() {
	reason := &block{b: make([]byte, headerLen)}
	_ = x.send(x.s.ctx, frameCancel, flagLast, reason, 0) // it is over if it cannot be sent
	x.s.mu.Lock()
	defer x.s.mu.Unlock()
	x.unacked = slices.DeleteFunc(x.unacked, func(o *outgoing) bool {
		if o.kind == frameData {
			x.forget(o)
		}
		return o.kind == frameData
	})
	x.s.changed.Broadcast()
}

// settle withdraws a call, and waits a while until it has ended over there: so that what comes
// next does not find it at work.
func (x *exchange) settle() {
	x.withdraw()
	ctx, cancel := context.WithTimeout(x.s.ctx, settleTime)
	defer cancel()
	for {
		in, err := x.receive(ctx)
		if err != nil {
			break
		}
		in.block.put()
	}
	x.giveUp()
}

// giveUp has whatever still comes be thrown away.
func (x *exchange) giveUp() {
	x.s.mu.Lock()
	defer x.s.mu.Unlock()
	if x.over {
		return
	}
	x.given = true
	for seq, in := range x.arrived {
		if in.last() {
			x.s.taken[x.id] = seq + 1
			x.drop()
			break
		}
	}
	x.s.changed.Broadcast()
}

// drop ends the exchange, and gives back all that it has. Under the lock.
func (x *exchange) drop() {
	if x.over {
		return
	}
	x.over = true
	x.cancel(errOver)
	for _, o := range x.unacked {
		x.forget(o)
	}
	for _, in := range x.arrived {
		x.s.kept -= int64(in.size)
		in.block.put()
	}
	for _, p := range x.pieces {
		p.block.put()
	}
	x.unacked, x.arrived, x.pieces = nil, nil, nil
	delete(x.s.exchanges, x.id)
	if !x.s.client {
		x.s.past.add(x.id)
	}
	x.s.changed.Broadcast()
}
