package wire

import (
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"
)

// A lane carries a session over one connection. A session has as many as the client likes;
// frames go out on whichever is free, and when a connection ends another takes its place.
//
// Three goroutines: run reads, write writes, watch looks after signs of life and closes.
type lane struct {
	s    *session
	n    int
	conn io.ReadWriteCloser

	heard  atomic.Int64 // when something came last (ns since begun)
	bytes  atomic.Int64 // both ways
	begun  time.Time
	killed chan struct{} // closed: conn is to be
	silent chan struct{} // closed: write has ended
	gone   chan struct{} // closed: all has

	// Under the session's lock:
	dead     error // why it ends
	retiring bool  // it says bye when it has sent what it is at
	pingDue  bool
}

const (
	// MostConnections is how many connections a link may have.
	MostConnections = 16
	// TLSConnections is how many do where nobody says: a few get through losses that hold one back.
	// Over ssh each is a process at either side.
	TLSConnections = 4
)

const (
	pingEvery   = 5 * time.Second
	deadAfter   = 20 * time.Second // without a sign of life
	retireAfter = 64 << 30         // bytes: far below what one AES-GCM key is good for (RFC 8446 §5.5)
)

var (
	errRetired = errors.New("the connection has done enough")
	errSilent  = fmt.Errorf("nothing has come for %s", deadAfter)
)

// addLane makes a lane of a connection that was greeted. Under no lock.
func (s *session) addLane(n int, conn io.ReadWriteCloser) (*lane, error) {
	l := &lane{s: s, n: n, conn: conn, begun: time.Now(), killed: make(chan struct{}), silent: make(chan struct{}), gone: make(chan struct{})}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err != nil {
		return nil, s.err
	}
	s.lanes[n] = l
	s.width = max(s.width, n+1)
	s.changed.Broadcast()
	return l, nil
}

// run carries the session until the connection ends, and returns why it has.
func (l *lane) run() error {
	var both sync.WaitGroup
	both.Go(l.write)
	both.Go(l.watch)
	l.finish(l.read())
	both.Wait()
	l.s.mu.Lock()
	defer l.s.mu.Unlock()
	if l.s.lanes[l.n] == l {
		delete(l.s.lanes, l.n)
		l.s.alive = time.Now()
	}
	close(l.gone)
	l.s.changed.Broadcast()
	return l.dead
}

// kill ends the lane. Under the session's lock.
func (l *lane) kill(err error) {
	if l.dead == nil {
		l.dead = err
		close(l.killed)
		l.s.changed.Broadcast()
	}
}

func (l *lane) finish(err error) {
	l.s.mu.Lock()
	defer l.s.mu.Unlock()
	l.kill(err)
}

// retire ends the lane when it has sent what it is at. Nothing is lost then.
func (l *lane) retire() {
	l.s.mu.Lock()
	defer l.s.mu.Unlock()
	l.retiring = true
	l.s.changed.Broadcast()
}

// Read counts, and notes that the other side lives.
func (l *lane) Read(p []byte) (int, error) {
	n, err := l.conn.Read(p)
	if n > 0 {
		l.heard.Store(int64(time.Since(l.begun)))
		l.bytes.Add(int64(n))
	}
	return n, err
}

// read takes what comes, until nothing more does.
func (l *lane) read() error {
	var h header
	for {
		if _, err := io.ReadFull(l, h[:]); err != nil {
			return err
		}
		if err := h.check(); err != nil {
			return err
		}
		switch t := h.kind(); {
		case t == framePing:
		case t == frameBye && h.last():
			l.s.fail(errClosed)
			return errClosed
		case t == frameBye:
			l.retire()
			<-l.silent
			return errRetired
		case t == frameTaken:
			if err := l.s.deliver(&h, nil); err != nil {
				return err
			}
		case t.numbered():
			b, err := l.payload(&h)
			if err == nil && b != nil {
				err = l.s.deliver(&h, b)
			}
			if err != nil {
				return err
			}
		default:
			return fmt.Errorf("%w: a frame %s at this time", errFrame, t)
		}
	}
}

// payload reads what belongs to a header. Of a chunk that is cut the beginning is kept. There is
// no block where nobody wants it any more.
func (l *lane) payload(h *header) (*block, error) {
	b, wanted, err := l.s.begin(h)
	if err != nil {
		return nil, err
	}
	p := b.b[headerLen:][:h.length()]
	n, err := io.ReadFull(l, p[h.skip():])
	if err != nil {
		l.s.keep(h, b, h.skip()+n)
		return nil, err
	}
	if !wanted { // and its beginning is not there to be checked
		b.put()
		return nil, nil
	}
	if err := h.checkPayload(p); err != nil {
		b.put()
		return nil, err
	}
	return b, nil
}

// begin finds memory for a payload: where its beginning is, if that has come before. It is not
// wanted where it is the rest of what was thrown away.
func (s *session) begin(h *header) (b *block, wanted bool, err error) {
	if h.kind() != frameData {
		return &block{b: make([]byte, headerLen+h.length())}, true, nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if x := s.exchanges[h.exchange()]; x != nil && x.pieces[h.seq()] != nil {
		p := x.pieces[h.seq()]
		delete(x.pieces, h.seq())
		if h.skip() == p.n && len(p.block.b) >= headerLen+h.length() {
			return p.block, true, nil
		}
		p.block.put()
	}
	wanted = h.skip() == 0
	if !wanted && !s.forgotten(h.exchange()) {
		return nil, false, fmt.Errorf("%w: the rest of a chunk that never began", errFrame)
	}
	return s.pool.get(max(0, h.length()-chunkHeaderLen)), wanted, nil
}

// forgotten tells whether an exchange is over: what comes for it is thrown away. Under the lock.
func (s *session) forgotten(id uint32) bool {
	return s.exchanges[id] == nil && (s.client || s.past.has(id))
}

// keep keeps the beginning of a payload, as many of a session as it can have connections: more of
// them would come of somebody who cuts connections on purpose.
func (s *session) keep(h *header, b *block, n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	x := s.exchanges[h.exchange()]
	if h.kind() != frameData || n == 0 || x == nil || x.given || h.seq() < x.inNext || x.arrived[h.seq()] != nil ||
		x.pieces[h.seq()] != nil || s.pieces() >= MostConnections {
		b.put()
		return
	}
	if x.pieces == nil {
		x.pieces = make(map[uint64]*piece)
	}
	x.pieces[h.seq()] = &piece{b, n}
}

// pieces is how many beginnings there are. Under the lock.
func (s *session) pieces() (n int) {
	for _, x := range s.exchanges {
		n += len(x.pieces)
	}
	return n
}

// write sends what there is.
func (l *lane) write() {
	defer close(l.silent)
	for {
		o, short, ok := l.s.take(l)
		if !ok {
			return
		}
		var err error
		if o == nil {
			_, err = l.conn.Write(short[:])
		} else {
			err = l.writeFrame(o)
		}
		if err != nil {
			l.finish(err)
			return
		}
		if o == nil && short.kind() == frameBye {
			return
		}
		if l.s.client && l.bytes.Load() > retireAfter {
			l.retire()
		}
	}
}

// writeFrame sends a frame, or what the other side does not have of it.
func (l *lane) writeFrame(o *outgoing) (err error) {
	sent := 0
	defer func() { l.s.written(o, sent) }()
	frame := o.frame()
	if o.skip > 0 {
		h := header(frame)
		h.setSkip(o.skip)
		if _, err := l.conn.Write(h[:]); err != nil {
			return err
		}
		frame = frame[headerLen+o.skip:]
	}
	for len(frame) > 0 {
		p := frame
		if o.kind == frameData {
			if p, err = l.s.limit.next(p, l.killed); err != nil {
				return err
			}
		}
		n, err := l.conn.Write(p)
		sent += n
		l.bytes.Add(int64(n))
		if err != nil {
			return err
		}
		frame = frame[n:]
	}
	return nil
}

// watch asks for signs of life, and closes the connection when it is to end.
func (l *lane) watch() {
	tick := time.NewTicker(pingEvery)
	defer tick.Stop()
	for {
		select {
		case <-l.killed:
			_ = l.conn.Close() // whatever it says, it is of no use any more
			return
		case <-tick.C:
		}
		l.s.mu.Lock()
		if time.Since(l.begun)-time.Duration(l.heard.Load()) > deadAfter {
			l.kill(errSilent)
		}
		l.pingDue = true
		l.s.changed.Broadcast()
		l.s.mu.Unlock()
	}
}
