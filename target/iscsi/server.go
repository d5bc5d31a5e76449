package iscsi

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/lunarsan/lunar/internal/buffer"
	"github.com/lunarsan/lunar/target"
)

// Options are the limits that a server keeps to. A zero field means the default.
type Options struct {
	Log *slog.Logger // nil: nothing is logged

	LoginTimeout time.Duration // from connection to full feature phase; 15 s
	WriteTimeout time.Duration // for the initiator to take what is sent; 30 s
	PingInterval time.Duration // of silence before a NOP-In asks for a sign of life; 30 s
	PingTimeout  time.Duration // for that sign; 30 s
	GapTimeout   time.Duration // for a missing command to come; 10 s
	DrainTimeout time.Duration // for the commands of a session that a login replaces; 10 s

	Window        int   // commands in flight of a session; 128, at most 480
	SessionMemory int64 // bytes that a session's commands may hold before its window stays shut; a quarter of the pool's budget

	Pending           int // connections that have not logged in, in all; 1024
	PendingPerAddress int // and from one address; 64
}

func (o *Options) defaults(pool *buffer.Pool) {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	o.LoginTimeout = cmp.Or(o.LoginTimeout, 15*time.Second)
	o.WriteTimeout = cmp.Or(o.WriteTimeout, 30*time.Second)
	o.PingInterval = cmp.Or(o.PingInterval, 30*time.Second)
	o.PingTimeout = cmp.Or(o.PingTimeout, 30*time.Second)
	o.GapTimeout = cmp.Or(o.GapTimeout, 10*time.Second)
	o.DrainTimeout = cmp.Or(o.DrainTimeout, 10*time.Second)
	o.Window = min(cmp.Or(o.Window, 128), maxWindow)
	o.SessionMemory = cmp.Or(o.SessionMemory, pool.Budget()/4)
	o.Pending = cmp.Or(o.Pending, 1024)
	o.PendingPerAddress = cmp.Or(o.PendingPerAddress, 64)
}

// A Server is the iSCSI port provider of a device: many portals, connections and sessions.
type Server struct {
	device  *target.Device
	pool    *buffer.Pool
	opts    Options
	metrics metrics
	gate    gate
	limiter limiter
	clock   atomic.Int64 // seconds since the server was made, from 1

	mu       sync.Mutex
	closing  bool
	portals  map[net.Listener]struct{}
	conns    map[*conn]struct{}
	byKey    map[sessionKey]*session // normal sessions, and logins that are about to become one
	byTSIH   map[uint16]*session
	lastTSIH uint16
	lastID   uint64
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
	c.rx.src = c
	c.out.wake = make(chan struct{}, 1)
	c.out.busy = true
	c.out.batch.reset()

	s.mu.Lock()
	if s.closing {
		s.mu.Unlock()
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
		c.serve(func() { s.gate.leave(from) })
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
		case <-still:
			return
		}
	}
}

// Shutdown stops accepting, asks every initiator to log out, and closes what is left after
// half of the time that ctx allows (three seconds at most). It returns when the commands of
// all connections are drained, or ctx's error when that does not happen in time.
func (s *Server) Shutdown(ctx context.Context) error {
	grace := 3 * time.Second
	if deadline, ok := ctx.Deadline(); ok {
		grace = min(grace, time.Until(deadline)/2)
	}
	s.mu.Lock()
	s.closing = true
	for l := range s.portals {
		l.Close()
	}
	s.mu.Unlock()
	s.each(func(c *conn) {
		if c.inFull() {
			c.askLogout(grace)
		} else {
			c.close(errShutdown)
		}
	})
	ended := make(chan struct{})
	go func() {
		s.all.Wait()
		close(ended)
	}()
	late := time.NewTimer(grace)
	defer late.Stop()
	select {
	case <-ended:
		return nil
	case <-late.C:
	case <-ctx.Done():
	}
	s.each(func(c *conn) { c.close(errShutdown) })
	select {
	case <-ended:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("shut down with commands still running: %w", ctx.Err())
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

// A SessionInfo describes a session.
type SessionInfo struct {
	ID            uint64 // of this server, never used again
	Initiator     string
	ISID          [6]byte
	Target        string // empty in a discovery session
	Tag           uint16 // portal group
	TSIH          uint16
	Params        Params // with the initiator's alias and the CHAP user
	Remote, Local netip.AddrPort
	Since         time.Time
	Traffic       Traffic
}

// Sessions lists the sessions, oldest first.
func (s *Server) Sessions() []SessionInfo {
	s.mu.Lock()
	defer s.mu.Unlock()
	infos := make([]SessionInfo, 0, len(s.byTSIH))
	for _, sess := range s.byTSIH {
		infos = append(infos, SessionInfo{
			ID:        sess.id,
			Initiator: sess.key.initiator,
			ISID:      sess.key.isid,
			Target:    sess.key.target,
			Tag:       sess.key.tag,
			TSIH:      sess.tsih,
			Params:    sess.params,
			Remote:    addrPort(sess.conn.nc.RemoteAddr()),
			Local:     addrPort(sess.conn.nc.LocalAddr()),
			Since:     sess.since,
			Traffic:   sess.load.snapshot(),
		})
	}
	slices.SortFunc(infos, func(a, b SessionInfo) int { return cmp.Compare(a.ID, b.ID) })
	return infos
}

// CloseSession ends the session with the given ID and reports whether there was one. The
// initiator is told, and may come again.
func (s *Server) CloseSession(id uint64) bool {
	return s.dismiss(errOperator, func(sess *session) bool { return sess.id == id }) > 0
}

// CloseTarget ends all sessions with the named target and returns how many there were.
func (s *Server) CloseTarget(name string) int { return s.closeTarget(name, errOperator) }

func (s *Server) closeTarget(name string, cause error) int {
	return s.dismiss(cause, func(sess *session) bool { return sess.nexus != nil && sess.key.target == name })
}

// dismiss ends the sessions that match.
func (s *Server) dismiss(cause error, match func(*session) bool) int {
	var conns []*conn
	s.mu.Lock()
	for _, sess := range s.byTSIH {
		if match(sess) {
			conns = append(conns, sess.conn)
		}
	}
	s.mu.Unlock()
	for _, c := range conns {
		if c.inFull() {
			c.dismiss(cause)
		} else {
			c.close(cause)
		}
	}
	return len(conns)
}

// quiet reports whether err is a connection's ordinary end.
func quiet(err error) bool {
	return err == nil || errors.Is(err, io.EOF) || errors.Is(err, errLoggedOut) || errors.Is(err, net.ErrClosed)
}
