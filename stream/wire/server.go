package wire

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"time"
)

// A Server answers clients. What they have under way outlives their connections for a while.
type Server struct {
	o       Options
	log     *slog.Logger
	folder  string         // where other processes with sessions are found; "": there are none
	serving sync.WaitGroup // calls

	mu       sync.Mutex
	sessions map[sessionID]*hosted
	takings  map[takingKey]*taking
	closed   bool
}

// A hosted session is one that a client has with us.
type hosted struct {
	*session
	client string     // who it is: nobody else goes on with it
	door   sync.Mutex // one connection comes in at a time

	// Under the server's lock:
	conns int         // that are here, or on their way in
	left  *time.Timer // runs while there is none
}

// mostSessions is how many a client may have at once.
const mostSessions = 32

// NewServer makes a server. Options' Name and Connections are not for it.
func NewServer(o Options) *Server {
	o.Memory = cmp.Or(o.Memory, new(Memory))
	return &Server{o: o, log: o.log(), sessions: make(map[sessionID]*hosted)}
}

// Serve serves a connection until it ends, and closes it. client says who is at the other end: a
// session is gone on with by the one who has begun it alone. host is what a session that begins
// here may use.
func (v *Server) Serve(ctx context.Context, conn io.ReadWriteCloser, client string, host Host) error {
	defer func() { _ = conn.Close() }()                         // a second time does nothing
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })() // which ends what waits for it
	g, err := hello(conn, conn)
	if err != nil {
		return fmt.Errorf("greeting %s: %w", client, err)
	}
	h, err := v.enter(g, client, host)
	if err != nil {
		return fmt.Errorf("greeting %s: %w", client, refuse(conn, g, err))
	}
	return v.carry(h, conn, g)
}

// hello reads the greeting of a client from r, which is conn's or behind it.
func hello(conn io.Closer, r io.Reader) (*greeting, error) {
	late := time.AfterFunc(greetingTime, func() { _ = conn.Close() })
	defer late.Stop()
	return greeted(r, frameHello)
}

// carry has a session that a connection has entered go over it until that ends.
func (v *Server) carry(h *hosted, conn io.ReadWriteCloser, g *greeting) error {
	defer v.leave(h)
	l, err := h.welcome(conn, g)
	if err != nil {
		return fmt.Errorf("greeting %s: %w", h.client, err)
	}
	err = l.run()
	if errors.Is(err, errRetired) || errors.Is(err, errClosed) {
		return nil
	}
	return err
}

// refuse tells a client why there is no session for it, and returns that.
func refuse(conn io.ReadWriteCloser, g *greeting, err error) error {
	late := time.AfterFunc(greetingTime, func() { _ = conn.Close() })
	defer late.Stop()
	return errors.Join(err, greet(conn, frameWelcome, &greeting{Protocol: protocol, Session: g.Session, Lane: g.Lane, Refused: failureOf(err)}))
}

// welcome agrees with the client on what there is still to send.
func (h *hosted) welcome(conn io.ReadWriteCloser, g *greeting) (*lane, error) {
	h.door.Lock()
	defer h.door.Unlock()
	h.replace(g.Lane)
	if err := h.reconcile(g); err != nil {
		return nil, err
	}
	late := time.AfterFunc(greetingTime, func() { _ = conn.Close() })
	defer late.Stop()
	if err := greet(conn, frameWelcome, h.greeting(g.Lane)); err != nil {
		return nil, err
	}
	return h.addLane(g.Lane, conn)
}

// replace ends the connection that a lane still has: the client has made another.
func (s *session) replace(n int) {
	s.mu.Lock()
	old := s.lanes[n]
	if old != nil {
		old.kill(errReplaced)
	}
	s.mu.Unlock()
	if old != nil {
		<-old.gone
	}
}

var errReplaced = errors.New("the client has made another connection")

// enter finds or begins a session for a connection, which has it wait for its client no more. The
// caller calls leave when the connection has ended.
func (v *Server) enter(g *greeting, client string, host Host) (*hosted, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	h := v.sessions[g.Session]
	switch {
	case v.closed:
		return nil, errors.New("it is shutting down")
	case h == nil && !g.New, h != nil && h.client != client:
		return nil, errForgotten
	case h != nil:
		h.conns++
		if h.left != nil {
			h.left.Stop()
			h.left = nil
		}
		return h, nil
	}
	if err := v.makeRoom(client); err != nil {
		return nil, err
	}
	h = &hosted{session: newSession(g.Session, false, client, v.o.Memory), client: client, conns: 1}
	h.limit, h.packed = v.o.Limit, v.o.Compress
	h.receives = func(ctx context.Context, volume string) (func(), error) { return v.take(ctx, h, volume) }
	h.called = func(x *exchange) {
		v.serving.Go(func() {
			if err := x.serve(host); err != nil && h.failed() == nil && x.ctx.Err() == nil {
				v.log.Warn("a call was not answered", "client", client, "err", err)
			}
		})
	}
	v.sessions[g.Session] = h
	context.AfterFunc(h.ctx, func() {
		v.mu.Lock()
		defer v.mu.Unlock()
		delete(v.sessions, g.Session)
	})
	return h, nil
}

// makeRoom gives up the session of a client that was left longest ago, where it has too many.
// Under the lock.
func (v *Server) makeRoom(client string) error {
	n := 0
	var oldest *hosted
	for _, h := range v.sessions {
		if h.client != client {
			continue
		}
		n++
		if h.left != nil && (oldest == nil || h.since().Before(oldest.since())) {
			oldest = h
		}
	}
	switch {
	case n < mostSessions:
	case oldest == nil:
		return fmt.Errorf("you have %d links here already", n)
	default:
		oldest.fail(fmt.Errorf("%w: its client has made too many others", ErrLink))
	}
	return nil
}

// since is when a session had its last lane.
func (s *session) since() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.alive
}

// idlePatience is for a session that is a process of its own, and has nothing under way.
const idlePatience = 10 * time.Second

// idle tells whether there is nothing under way.
func (s *session) idle() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.exchanges) == 0
}

// leave notes that a connection has gone. A session that has no other waits for its client.
func (v *Server) leave(h *hosted) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if h.conns--; h.conns > 0 || h.failed() != nil {
		return
	}
	wait := v.o.patience(serverPatience)
	if v.folder != "" && h.idle() {
		wait = min(wait, idlePatience)
	}
	h.left = time.AfterFunc(wait, func() {
		v.mu.Lock()
		defer v.mu.Unlock()
		if h.conns > 0 {
			return // it came back at this moment
		}
		h.fail(fmt.Errorf("%w: %s did not come back within %s", ErrLink, h.client, wait))
	})
}

// Sessions is how many clients' sessions there are.
func (v *Server) Sessions() int {
	v.mu.Lock()
	defer v.mu.Unlock()
	return len(v.sessions)
}

// Close ends all sessions, and waits until the calls of clients have ended.
func (v *Server) Close() error {
	v.mu.Lock()
	v.closed = true
	all := make([]*hosted, 0, len(v.sessions))
	for _, h := range v.sessions {
		all = append(all, h)
	}
	v.mu.Unlock()
	for _, h := range all {
		h.fail(fmt.Errorf("%w: the server is shutting down", ErrLink))
	}
	v.serving.Wait()
	return nil
}
