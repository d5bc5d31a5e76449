package wire

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// A session is what two sides have under way, whichever connections there are between them at a
// moment, or none. It ends when one of them says so, or when no connection came for too long.
type session struct {
	id     sessionID
	client bool
	name   string // of the other side, for people
	pool   *pool
	codecs *codecs
	limit  *Limiter
	packed Compression
	called func(*exchange) // server: a client's call has come; in a goroutine of its own
	// receives, of a server's session, enters that it receives into a volume until end is called.
	receives func(ctx context.Context, volume string) (end func(), err error)
	ctx      context.Context // ends with the session
	end      context.CancelCauseFunc

	mu        sync.Mutex
	changed   sync.Cond
	exchanges map[uint32]*exchange
	lastID    uint32            // client: of its latest exchange
	past      past              // server: exchanges that were there
	urgent    []*outgoing       // short frames, which overtake
	bulk      []*outgoing       // chunks, in the order in which they go out
	taken     map[uint32]uint64 // what is to be acknowledged
	underWay  int64             // of chunks that were not taken there (bytes)
	kept      int64             // of frames that were not taken here (bytes)
	lanes     map[int]*lane
	width     int           // how many lanes there are when all are up
	trip      time.Duration // there and back, at best; 0: not known
	alive     time.Time     // when there was a lane last
	closing   bool          // it ends when the lanes have said so
	traffic   Traffic
	err       error // why the session has ended
}

// What a session may have under way, at the most: what it is sent and does not take stays in
// its memory.
const (
	sessionWindow  = 48 << 20 // bytes of chunks of all exchanges
	exchangeWindow = 16 << 20 // of one
	mostExchanges  = 256
	mostAhead      = 4096 // frames of an exchange behind one that is missing
)

// Traffic is what has gone through a link, in both directions.
type Traffic struct {
	Raw        int64  `json:"raw"`   // bytes of streams, as they are made and taken
	Wire       int64  `json:"wire"`  // bytes of chunks as they were sent and received, with what was sent again
	Again      int64  `json:"again"` // bytes of chunks that were sent again
	Codec      string `json:"codec"` // of the latest chunk
	Reconnects int    `json:"reconnects"`
}

func newSession(id sessionID, client bool, name string, m *Memory) *session {
	s := &session{
		id: id, client: client, name: name, pool: &m.blocks,
		codecs: &m.codecs, width: 1, alive: time.Now(),
		exchanges: make(map[uint32]*exchange), taken: make(map[uint32]uint64), lanes: make(map[int]*lane),
	}
	s.changed.L = &s.mu
	s.ctx, s.end = context.WithCancelCause(context.Background())
	return s
}

// ErrLink says that the link to the other side is lost, and with it what was under way. What
// has come there of a stream is kept there: see stream.Volume's Partial.
var ErrLink = errors.New("the link is lost")

// errClosed is why a session ends that nobody needs any more.
var errClosed = fmt.Errorf("%w: it was closed", ErrLink)

// fail ends the session: what waits for it gets err.
func (s *session) fail(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err != nil {
		return
	}
	s.err = err
	s.end(err)
	for _, x := range s.exchanges {
		x.drop()
	}
	for _, l := range s.lanes {
		l.kill(err)
	}
	s.changed.Broadcast()
}

// failed is why the session has ended; nil while it has not.
func (s *session) failed() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err
}

// call begins an exchange.
func (s *session) call() (*exchange, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err != nil {
		return nil, s.err
	}
	s.lastID++
	return s.exchangeOf(s.lastID), nil
}

// exchangeOf makes an exchange. Under the lock.
func (s *session) exchangeOf(id uint32) *exchange {
	x := &exchange{s: s, id: id, arrived: make(map[uint64]*incoming)}
	x.ctx, x.cancel = context.WithCancelCause(s.ctx)
	s.exchanges[id] = x
	return x
}

// deliver takes a numbered frame, or an acknowledgement, from a connection.
func (s *session) deliver(h *header, b *block) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if h.kind() == frameData {
		s.traffic.Wire += int64(h.length() - h.skip())
	}
	x, err := s.addressee(h)
	if x == nil || err != nil || s.err != nil {
		if b != nil {
			b.put()
		}
		return err
	}
	if h.kind() == frameTaken {
		return x.acknowledged(h.seq())
	}
	return x.arrive(h, b)
}

// addressee finds the exchange of a frame, or begins it where a client has; nil when it is over.
func (s *session) addressee(h *header) (*exchange, error) {
	x := s.exchanges[h.exchange()]
	switch {
	case x != nil, s.client, s.past.has(h.exchange()), h.kind() == frameTaken, s.err != nil:
		return x, nil
	case len(s.exchanges) >= mostExchanges:
		return nil, fmt.Errorf("%w: more than %d calls at once", errFrame, mostExchanges)
	}
	return s.exchangeOf(h.exchange()), nil
}

// take chooses what a lane sends next: signs of what was taken, then short frames, then chunks.
// It waits for something, and returns false when the lane is to send no more.
func (s *session) take(l *lane) (o *outgoing, short header, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for {
		switch {
		case l.dead != nil:
			return nil, short, false
		case len(s.taken) > 0:
			for id, seq := range s.taken {
				delete(s.taken, id)
				putHeader(short[:], frameTaken, 0, id, seq, nil)
				return nil, short, true
			}
		case l.retiring:
			flags := uint8(0)
			if s.closing {
				flags = flagLast
			}
			putHeader(short[:], frameBye, flags, 0, 0, nil)
			return nil, short, true
		}
		if o = next(&s.urgent); o == nil {
			o = next(&s.bulk)
		}
		switch {
		case o != nil:
			o.lane, o.writing = l.n, true
			return o, short, true
		case l.pingDue:
			l.pingDue = false
			putHeader(short[:], framePing, 0, 0, 0, nil)
			return nil, short, true
		}
		s.changed.Wait()
	}
}

// next takes the first of a queue that is still wanted.
func next(queue *[]*outgoing) *outgoing {
	for len(*queue) > 0 {
		o := (*queue)[0]
		(*queue)[0] = nil
		*queue = (*queue)[1:]
		if o.block != nil {
			return o
		}
	}
	return nil
}

// written is the end of writing what take has chosen: n bytes of it.
func (s *session) written(o *outgoing, n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	o.writing = false
	if o.kind == frameData {
		s.traffic.Wire += int64(n)
		s.traffic.Again += int64(min(n, max(0, o.out+n-o.size-headerLen)))
		o.out += n
	}
	if o.unwanted {
		o.release()
	}
}

// total is what has gone through so far.
func (s *session) total() Traffic {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.traffic
}

// A past knows which exchanges are over: all up to a number, and some behind.
type past struct {
	all  uint32
	some map[uint32]bool
}

func (p *past) has(id uint32) bool { return id <= p.all || p.some[id] }

func (p *past) add(id uint32) {
	if p.some == nil {
		p.some = make(map[uint32]bool)
	}
	for p.some[id] = true; p.some[p.all+1]; p.all++ {
		delete(p.some, p.all+1)
	}
}
