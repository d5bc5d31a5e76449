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

// How long a client waits between attempts to connect again.
const (
	firstPause = 20 * time.Millisecond
	mostPause  = 10 * time.Second
	progress   = 64 << 10 // bytes: a connection that has carried as many was worth making
)

// closingTime is how long the other side is given to hear that a link is closed.
const closingTime = 2 * time.Second

// A client keeps the connections of a session to a server.
type client struct {
	s     *session
	dial  Dial
	o     Options
	log   *slog.Logger
	lanes sync.WaitGroup
}

// newClient begins a session. Its first connection has to succeed.
func newClient(ctx context.Context, dial Dial, o Options) (*client, error) {
	c := &client{s: newSession(newSessionID(), true, o.Name, o.Memory), dial: dial, o: o, log: o.log().With("peer", o.Name)}
	c.s.limit, c.s.packed, c.s.width = o.Limit, o.Compress, max(1, min(o.Connections, MostConnections))
	first, err := c.connect(ctx, 0, true)
	if err != nil {
		c.s.fail(err)
		return nil, err
	}
	c.lanes.Go(func() { c.keep(0, first) })
	for n := 1; n < min(o.Connections, MostConnections); n++ {
		c.lanes.Go(func() { c.keep(n, nil) })
	}
	return c, nil
}

// close tells the server that nothing more comes, and ends the session.
func (c *client) close() {
	c.s.mu.Lock()
	c.s.closing = true
	for _, lane := range c.s.lanes {
		lane.retiring = true
	}
	c.s.changed.Broadcast()
	c.s.mu.Unlock()
	late := time.AfterFunc(closingTime, func() { c.s.fail(errClosed) })
	defer late.Stop()
	if c.lanesLeft() == 0 {
		c.s.fail(errClosed)
	}
	c.lanes.Wait()
	c.s.fail(errClosed)
}

func (c *client) lanesLeft() int {
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	return len(c.s.lanes)
}

// connected notes that a connection took the place of one that was lost.
func (c *client) connected(n int) {
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	c.s.traffic.Reconnects++
	c.log.Info("connected again", "connection", n)
}

// tripped notes how long the way to the server and back took.
func (c *client) tripped(trip time.Duration) {
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	if c.s.trip == 0 || trip < c.s.trip {
		c.s.trip = trip
	}
}

// keep keeps a connection in a lane for as long as the link lasts.
func (c *client) keep(n int, lane *lane) {
	pause := firstPause
	for again := lane != nil; ; {
		err := error(nil)
		if lane == nil {
			lane, err = c.connect(c.s.ctx, n, false)
			if err == nil && again {
				c.connected(n)
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
		case c.ending():
			return
		case errors.Is(err, errRetired):
			continue
		case isFinal(err):
			c.s.fail(fmt.Errorf("%w: %w", ErrLink, err))
			return
		case c.silence() > c.o.patience(clientPatience):
			c.s.fail(fmt.Errorf("%w: %s did not answer for %s: %w", ErrLink, c.o.Name, c.silence().Round(time.Second), err))
			return
		}
		c.log.Warn("a connection is lost, another is made", "connection", n, "err", err)
		select {
		case <-time.After(pause/2 + rand.N(pause/2)):
			pause = min(2*pause, mostPause)
		case <-c.s.ctx.Done():
			return
		}
	}
}

// ending tells whether the link is on its way out.
func (c *client) ending() bool {
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	return c.s.closing || c.s.err != nil
}

// silence is how long there was no connection at all.
func (c *client) silence() time.Duration {
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	if len(c.s.lanes) > 0 {
		return 0
	}
	return time.Since(c.s.alive)
}

// isFinal tells what trying again does not mend.
func isFinal(err error) bool {
	return errors.Is(err, ErrUnknownKey) || errors.Is(err, errForgotten)
}

// connect makes a connection, and agrees on it with the server what there is still to send.
func (c *client) connect(ctx context.Context, n int, first bool) (*lane, error) {
	ctx, cancel := context.WithTimeout(ctx, greetingTime)
	defer cancel()
	conn, err := c.dial(ctx)
	if err != nil {
		return nil, err
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	g := c.s.greeting(n)
	g.New = first
	lane, err := c.greet(conn, g)
	if !stop() && err == nil {
		err = ctx.Err()
	}
	if err != nil {
		_ = conn.Close() // it is of no use
		return nil, err
	}
	return lane, nil
}

func (c *client) greet(conn io.ReadWriteCloser, g *greeting) (*lane, error) {
	if err := greet(conn, frameHello, g); err != nil {
		return nil, unknownThere(err)
	}
	sent := time.Now()
	theirs, err := greeted(conn, frameWelcome)
	trip := max(1, time.Since(sent))
	if err != nil {
		return nil, unknownThere(err)
	}
	if theirs.Refused != nil {
		return nil, theirs.Refused.error(c.o.Name)
	}
	if theirs.Session != g.Session || theirs.Lane != g.Lane {
		return nil, fmt.Errorf("%w: a welcome to somebody else", errFrame)
	}
	if err := c.s.reconcile(theirs); err != nil {
		return nil, err
	}
	c.tripped(trip)
	return c.s.addLane(g.Lane, conn)
}
