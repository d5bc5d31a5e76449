package iscsi

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/lunarsan/lunar/internal/buffer"
	"github.com/lunarsan/lunar/target"
)

// A Server is the iSCSI port provider of a device: many portals, connections and sessions.
type Server struct {
	device  *target.Device
	pool    *buffer.Pool
	opts    Options
	metrics metrics
	gate    gate
	limiter limiter
	spareRx sync.Pool // of *[rxLen]byte
	turns   *turns    // of the receivers
	lookout lookout
	clock   atomic.Int64 // seconds since the server was made, from 1

	mu       sync.Mutex
	closing  bool
	portals  map[net.Listener]struct{}
	conns    map[*conn]struct{}
	byKey    map[sessionKey]*session // normal sessions, and logins that are about to become one
	byTSIH   map[uint16]*session
	lastTSIH uint16
	lastID   uint64
	ledger   ledger
	still    chan struct{} // closed when there are no connections to watch; nil: there are none

	all sync.WaitGroup // connections
}

// NewServer returns a server that shows device and borrows its buffers from pool.
func NewServer(device *target.Device, pool *buffer.Pool, opts Options) *Server {
	opts.defaults(pool)
	s := &Server{
		device:  device,
		pool:    pool,
		opts:    opts,
		gate:    gate{max: opts.Pending, maxPerAddress: opts.PendingPerAddress},
		limiter: limiter{log: opts.Log},
		turns:   newTurns(),
		portals: make(map[net.Listener]struct{}),
		conns:   make(map[*conn]struct{}),
		byKey:   make(map[sessionKey]*session),
		byTSIH:  make(map[uint16]*session),
	}
	s.clock.Store(1)
	return s
}

// Serve accepts connections on l, as a portal of the portal group tag, until ctx is done or
// the server is shut down; it returns nil then, and l is closed. Connections that it accepted
// go on.
func (s *Server) Serve(ctx context.Context, l net.Listener, tag uint16) error {
	s.mu.Lock()
	if s.closing {
		s.mu.Unlock()
		l.Close()
		return nil
	}
	s.portals[l] = struct{}{}
	s.mu.Unlock()
	stop := context.AfterFunc(ctx, func() { l.Close() })
	defer func() {
		stop()
		l.Close()
		s.mu.Lock()
		delete(s.portals, l)
		s.mu.Unlock()
	}()
	var pause time.Duration
	for {
		nc, err := l.Accept()
		if err == nil {
			pause = 0
			s.accept(nc, tag)
			continue
		}
		if ctx.Err() != nil || s.shut() || errors.Is(err, net.ErrClosed) {
			return nil
		}
		// Out of descriptors or memory, or a peer that was gone at once: the portal goes on.
		pause = min(max(2*pause, 5*time.Millisecond), time.Second)
		s.limiter.write(s.clock.Load(), s.opts.Log, slog.LevelError, "cannot accept a connection",
			"portal", l.Addr(), "error", err, "again in", pause)
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return nil
		}
	}
}

func (s *Server) shut() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.closing
}

// accept starts a connection, if the caps allow.
func (s *Server) accept(nc net.Conn, tag uint16) {
	s.metrics.Accepted.Add(1)
	from := addrPort(nc.RemoteAddr()).Addr()
	if !s.gate.enter(from) {
		s.metrics.TurnedAway.Add(1)
		s.limiter.write(s.clock.Load(), s.opts.Log, slog.LevelWarn, "too many connections that have not logged in", "from", nc.RemoteAddr())
		nc.Close()
		return
	}
	c := &conn{
		server: s,
		nc:     nc,
		tag:    tag,
		log:    s.opts.Log.With("peer", nc.RemoteAddr().String()),
		done:   make(chan struct{}),
		window: &window{},
	}
	ctx, abandon := context.WithTimeout(context.Background(), s.opts.LoginTimeout)
	c.abandon = abandon
	c.rx.src, c.rx.spare = c, &s.spareRx
	c.inlet = newInlet(nc, s.turns)
	c.out.wake = make(chan struct{}, 1)
	c.loan.relief = make(chan struct{}, 1)
	c.out.busy = true
	c.out.batch.reset()

	s.mu.Lock()
	if s.closing {
		s.mu.Unlock()
		abandon()
		s.gate.leave(from)
		nc.Close()
		return
	}
	s.conns[c] = struct{}{}
	s.all.Add(1)
	if s.still == nil {
		s.still = make(chan struct{})
		go s.tick(s.still)
	}
	s.mu.Unlock()
	if err := tune(nc, s.opts.WriteTimeout); err != nil {
		c.warn("cannot set socket options", "error", err)
	}
	go func() {
		defer s.all.Done()
		c.serve(ctx, func() {
			abandon()
			s.gate.leave(from)
		})
		s.mu.Lock()
		defer s.mu.Unlock()
		if delete(s.conns, c); len(s.conns) == 0 {
			close(s.still)
			s.still = nil
		}
	}()
}

// tick moves the clock and has the connections watched, once a second until still is closed.
func (s *Server) tick(still <-chan struct{}) {
	t := time.NewTicker(time.Second)
	defer t.Stop()
	for {
		select {
		case <-t.C:
			now := s.clock.Add(1)
			s.each(func(c *conn) { c.tick(now) })
			s.observe(now)
		case <-still:
			return
		}
	}
}

// each calls do for every connection.
func (s *Server) each(do func(*conn)) {
	s.mu.Lock()
	conns := make([]*conn, 0, len(s.conns))
	for c := range s.conns {
		conns = append(conns, c)
	}
	s.mu.Unlock()
	for _, c := range conns {
		do(c)
	}
}
