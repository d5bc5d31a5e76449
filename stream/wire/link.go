package wire

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"time"
)

// Dial makes a connection to the other side, on which both already know who they talk to.
type Dial func(ctx context.Context) (io.ReadWriteCloser, error)

// Options say how a side of a link works.
type Options struct {
	// Name is what errors call the other side.
	Name string
	// Connections is how many there are to be, up to MostConnections; 0 is one.
	Connections int
	// Compress says how streams that go out are compressed.
	Compress Compression
	// Limit holds what goes out to a limit; nil: none.
	Limit *Limiter
	// Patience is how long a link may be cut before what is under way is given up; 0 is ten
	// minutes, and at the server fifteen.
	Patience time.Duration
	// Memory is what this and others have in common; nil: it has its own.
	Memory *Memory
	// Log is told of cuts and connections; nil: nobody is.
	Log *slog.Logger
}

const (
	clientPatience = 10 * time.Minute
	serverPatience = 15 * time.Minute // longer, so that it is the client who gives up
)

func (o Options) patience(otherwise time.Duration) time.Duration {
	if o.Patience > 0 {
		return o.Patience
	}
	return otherwise
}

func (o Options) log() *slog.Logger {
	if o.Log == nil {
		return slog.New(slog.DiscardHandler)
	}
	return o.Log
}

// A Link is a client's side: calls go through it to the volumes of a server, over connections
// that come and go. What was under way ends with ErrLink where the server was started anew, or
// no connection came for too long; what is called after that begins again.
type Link struct {
	dial Dial
	o    Options

	mu     sync.Mutex
	now    *client
	past   Traffic // of clients that were there before
	closed bool
}

// Connect makes a link. The first connection has to succeed; those that are lost afterwards are
// made again. ErrUnknownKey.
func Connect(ctx context.Context, dial Dial, o Options) (*Link, error) {
	o.Memory = cmp.Or(o.Memory, new(Memory))
	l := &Link{dial: dial, o: o}
	if _, err := l.session(ctx); err != nil {
		return nil, err
	}
	return l, nil
}

// session is what calls go through, made anew where the one before has ended.
func (l *Link) session(ctx context.Context) (*session, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.closed:
		return nil, errClosed
	case l.now != nil && l.now.s.failed() == nil:
		return l.now.s, nil
	}
	l.retire()
	c, err := newClient(ctx, l.dial, l.o)
	if err != nil {
		return nil, fmt.Errorf("connecting to %s: %w", l.o.Name, err)
	}
	l.now = c
	return c.s, nil
}

// retire waits for the end of a client, and adds up what it has done. Under the lock.
func (l *Link) retire() {
	if l.now != nil {
		l.now.close()
		l.past = l.past.add(l.now.s.total())
		l.now = nil
	}
}

// Traffic is what has gone through so far.
func (l *Link) Traffic() Traffic {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.now == nil {
		return l.past
	}
	return l.past.add(l.now.s.total())
}

// add adds up what went through before, and since.
func (t Traffic) add(since Traffic) Traffic {
	since.Raw += t.Raw
	since.Wire += t.Wire
	since.Again += t.Again
	since.Reconnects += t.Reconnects
	return since
}

// Close ends the link, and all that is under way on it.
func (l *Link) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	l.retire()
	return nil
}
