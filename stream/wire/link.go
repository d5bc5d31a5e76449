package wire

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
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

// How long a client waits between attempts to connect again.
const (
	firstPause = 20 * time.Millisecond
	mostPause  = 10 * time.Second
	progress   = 64 << 10 // bytes: a connection that has carried as many was worth making
)

// closingTime is how long the other side is given to hear that a link is closed.
const closingTime = 2 * time.Second

// A Link is a client's side: calls go through it to the volumes of a server, over connections
// that come and go.
type Link struct {
	s     *session
	dial  Dial
	o     Options
	log   *slog.Logger
	lanes sync.WaitGroup
}

// Connect makes a link. The first connection has to succeed; those that are lost afterwards are
// made again. ErrUnknownKey.
func Connect(ctx context.Context, dial Dial, o Options) (*Link, error) {
	s := newSession(newSessionID(), true, o.Name)
	s.limit, s.packed = o.Limit, o.Compress
	l := &Link{s: s, dial: dial, o: o, log: o.log().With("peer", o.Name)}
	first, err := l.connect(ctx, 0, true)
	if err != nil {
		s.fail(err)
		return nil, fmt.Errorf("connecting to %s: %w", o.Name, err)
	}
	l.lanes.Go(func() { l.keep(0, first) })
	for n := 1; n < min(o.Connections, MostConnections); n++ {
		l.lanes.Go(func() { l.keep(n, nil) })
	}
	return l, nil
}

// Traffic is what has gone through so far.
func (l *Link) Traffic() Traffic { return l.s.total() }

// Close ends the link, and all that is under way on it.
func (l *Link) Close() error {
	l.s.mu.Lock()
	l.s.closing = true
	for _, lane := range l.s.lanes {
		lane.retiring = true
	}
	l.s.changed.Broadcast()
	l.s.mu.Unlock()
	late := time.AfterFunc(closingTime, func() { l.s.fail(errClosed) })
	defer late.Stop()
	if l.lanesLeft() == 0 {
		l.s.fail(errClosed)
	}
	l.lanes.Wait()
	l.s.fail(errClosed)
	return nil
}

func (l *Link) lanesLeft() int {
	l.s.mu.Lock()
	defer l.s.mu.Unlock()
	return len(l.s.lanes)
}

// connected notes that a connection took the place of one that was lost.
func (l *Link) connected(n int) {
	l.s.mu.Lock()
	defer l.s.mu.Unlock()
	l.s.traffic.Reconnects++
	l.log.Info("connected again", "connection", n)
}

// keep keeps a connection in a lane for as long as the link lasts.
func (l *Link) keep(n int, lane *lane) {
	pause := firstPause
	for again := lane != nil; ; {
		err := error(nil)
		if lane == nil {
			lane, err = l.connect(l.s.ctx, n, false)
			if err == nil && again {
				l.connected(n)
			}
			again = again || err == nil
		}
		if err == nil {
			err = lane.run()
			if lane.bytes.Load() > progress {
				pause = firstPause
			}
			lane = nil
		}
		switch {
		case l.ending():
			return
		case errors.Is(err, errRetired):
			continue
		case isFinal(err):
			l.s.fail(fmt.Errorf("%w: %w", ErrLink, err))
			return
		case l.silence() > l.o.patience(clientPatience):
			l.s.fail(fmt.Errorf("%w: %s did not answer for %s: %w", ErrLink, l.o.Name, l.silence().Round(time.Second), err))
			return
		}
		l.log.Warn("a connection is lost, another is made", "connection", n, "err", err)
		select {
		case <-time.After(pause/2 + rand.N(pause/2)):
			pause = min(2*pause, mostPause)
		case <-l.s.ctx.Done():
			return
		}
	}
}

// ending tells whether the link is on its way out.
func (l *Link) ending() bool {
	l.s.mu.Lock()
	defer l.s.mu.Unlock()
	return l.s.closing || l.s.err != nil
}

// silence is how long there was no connection at all.
func (l *Link) silence() time.Duration {
	l.s.mu.Lock()
	defer l.s.mu.Unlock()
	if len(l.s.lanes) > 0 {
		return 0
	}
	return time.Since(l.s.alive)
}

// isFinal tells what trying again does not mend.
func isFinal(err error) bool {
	return errors.Is(err, ErrUnknownKey) || errors.Is(err, errForgotten)
}

// connect makes a connection, and agrees on it with the server what there is still to send.
func (l *Link) connect(ctx context.Context, n int, first bool) (*lane, error) {
	ctx, cancel := context.WithTimeout(ctx, greetingTime)
	defer cancel()
	conn, err := l.dial(ctx)
	if err != nil {
		return nil, err
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	g := l.s.greeting(n)
	g.New = first
	lane, err := l.greet(conn, g)
	if !stop() && err == nil {
		err = ctx.Err()
	}
	if err != nil {
		_ = conn.Close() // it is of no use
		return nil, err
	}
	return lane, nil
}

func (l *Link) greet(conn io.ReadWriteCloser, g *greeting) (*lane, error) {
	if err := greet(conn, frameHello, g); err != nil {
		return nil, unknownThere(err)
	}
	theirs, err := greeted(conn, frameWelcome)
	if err != nil {
		return nil, unknownThere(err)
	}
	if theirs.Refused != nil {
		return nil, theirs.Refused.error(l.o.Name)
	}
	if theirs.Session != g.Session || theirs.Lane != g.Lane {
		return nil, fmt.Errorf("%w: a welcome to somebody else", errFrame)
	}
	if err := l.s.reconcile(theirs); err != nil {
		return nil, err
	}
	return l.s.addLane(g.Lane, conn)
}
