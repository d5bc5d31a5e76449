package iscsi

import (
	"errors"
	"sync"
	"time"

	"github.com/lunarsan/lunar/target"
)

// A sessionKey is what makes a session one of its kind (RFC 7143 §4.4.3): another login with
// the same key and no TSIH takes its place. Addresses are no part of it.
type sessionKey struct {
	initiator string
	isid      [6]byte
	target    string
	tag       uint16
}

// A session is what one initiator port and the target agreed on, and the nexus between them.
// It has one connection at a time (MaxConnections is 1).
type session struct {
	id     uint64
	key    sessionKey
	tsih   uint16
	cid    uint16
	params Params
	nexus  *target.Nexus // nil in a discovery session
	window *window
	since  time.Time
	load   load

	gone     chan struct{} // closed when none of its commands can touch a medium any more
	replaced chan struct{} // closed when a later login has taken its place

	// Guarded by Server.mu.
	conn    *conn
	heir    *conn // a login that takes the session over when conn has ended
	ending  bool  // conn has ended and the session ends with it
	usurped bool  // replaced is closed

	closing sync.Once
	drained chan struct{}
}

var (
	errReinstated = errors.New("the initiator logged in again")
	errUsurped    = errors.New("another login of the same initiator port came later")
)

// end ends the nexus. The channel is closed when none of its tasks can touch a medium.
func (s *session) end() <-chan struct{} {
	s.closing.Do(func() {
		if s.nexus == nil {
			close(s.drained)
			return
		}
		s.nexus.Close(func() { close(s.drained) })
	})
	return s.drained
}

// establish makes c, whose login has come to its end, the connection of a session. It may
// wait for the commands of an earlier connection to drain. The error says what the initiator
// is told.
func (s *Server) establish(c *conn, l *login) error {
	c.params, c.cid = l.params, l.cid
	key := sessionKey{l.params.InitiatorName, l.isid, l.params.TargetName, c.tag}
	switch {
	case l.tsih != 0:
		return s.rejoin(c, key, l.tsih)
	case l.params.Discovery:
		return s.open(c, &session{key: key})
	}
	sess := &session{key: key, gone: make(chan struct{}), replaced: make(chan struct{})}
	s.mu.Lock()
	old := s.byKey[key]
	s.byKey[key] = sess
	sess.conn = c
	if old != nil {
		old.usurp()
	}
	s.mu.Unlock()

	err := s.succeed(sess, old)
	if err == nil {
		err = s.connect(sess)
	}
	if err == nil {
		err = s.open(c, sess)
	}
	if err != nil {
		// Whoever comes next has to wait for the predecessor as well.
		go func() {
			if old != nil {
				<-old.gone
			}
			s.bury(sess)
		}()
	}
	return err
}

// usurp tells a session, or the login that is about to become one, that another has taken its
// place. The caller holds Server.mu.
func (s *session) usurp() {
	if !s.usurped {
		s.usurped = true
		close(s.replaced)
	}
	for _, c := range []*conn{s.conn, s.heir} {
		if c != nil {
			c.close(errReinstated)
		}
	}
}

// succeed waits until old, if there is one, is out of the way.
func (s *Server) succeed(sess, old *session) error {
	if old == nil {
		return nil
	}
	s.metrics.Reinstatements.Add(1)
	patience := time.NewTimer(s.opts.DrainTimeout)
	defer patience.Stop()
	select {
	case <-old.gone:
		return nil
	case <-sess.replaced:
		return &loginError{ServiceUnavailable, nil, errUsurped}
	case <-patience.C:
		return refuse(ServiceUnavailable, "the commands of the session that this login replaces are not done after %v", s.opts.DrainTimeout)
	}
}

// connect gives sess its nexus.
func (s *Server) connect(sess *session) error {
	k := sess.key
	nexus, err := s.device.Connect(k.initiator, k.isid, k.target, k.tag)
	if err != nil {
		return deviceError(err)
	}
	sess.nexus = nexus
	return nil
}

// open registers a session.
func (s *Server) open(c *conn, sess *session) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closing {
		return s.turnAway(sess, refuse(ServiceUnavailable, "the target shuts down"))
	}
	if sess.usurped {
		return s.turnAway(sess, &loginError{ServiceUnavailable, nil, errUsurped})
	}
	if sess.tsih = s.freeTSIH(); sess.tsih == 0 {
		return s.turnAway(sess, refuse(OutOfResources, "there are %d sessions", len(s.byTSIH)))
	}
	s.lastID++
	sess.id, sess.cid, sess.params, sess.window = s.lastID, c.cid, c.params, c.window
	sess.since, sess.conn, sess.drained = time.Now(), c, make(chan struct{})
	sess.load.begin(sess.since)
	s.byTSIH[sess.tsih] = sess
	c.session = sess
	return nil
}

// turnAway undoes connect for a session that does not come about.
func (s *Server) turnAway(sess *session, err error) error {
	if sess.nexus != nil {
		sess.nexus.Close(func() {})
	}
	return err
}

// freeTSIH returns a Target Session Identifying Handle that no session has, or 0. Handles
// are given out in turn, so that an old one is not soon mistaken for a new one.
func (s *Server) freeTSIH() uint16 {
	for range 1 << 16 {
		s.lastTSIH++
		if s.lastTSIH != 0 && s.byTSIH[s.lastTSIH] == nil {
			return s.lastTSIH
		}
	}
	return 0
}

// rejoin makes c the connection of a session that exists: connection reinstatement (RFC 7143
// §6.3.4). It waits until the old connection has ended and its commands are drained.
func (s *Server) rejoin(c *conn, key sessionKey, tsih uint16) error {
	s.mu.Lock()
	sess := s.byTSIH[tsih]
	switch {
	case sess == nil || sess.key != key || sess.ending || sess.heir != nil || c.params.Discovery:
		s.mu.Unlock()
		return refuse(SessionDoesNotExist, "there is no session %d of this initiator port", tsih)
	case sess.cid != c.cid:
		s.mu.Unlock()
		return refuse(TooManyConnections, "session %d has its one connection", tsih)
	}
	old := sess.conn
	sess.heir = c
	s.mu.Unlock()
	old.close(errReinstated)
	s.metrics.Reinstatements.Add(1)

	patience := time.NewTimer(s.opts.DrainTimeout)
	defer patience.Stop()
	select {
	case <-old.done:
	case <-patience.C:
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if sess.conn != c {
		sess.heir = nil
		return refuse(ServiceUnavailable, "the commands of the connection that this login replaces are not done after %v", s.opts.DrainTimeout)
	}
	own := c.params // of the connection: its digests, and the lengths of its segments
	c.session, c.window, c.params = sess, sess.window, sess.params
	c.params.HeaderDigest, c.params.DataDigest = own.HeaderDigest, own.DataDigest
	c.params.PeerMaxRecvSegment, c.params.OwnMaxRecvSegment = own.PeerMaxRecvSegment, own.OwnMaxRecvSegment
	return nil
}

// conclude keeps logins from taking over the session of c, which logs out.
func (s *Server) conclude(c *conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c.session.ending, c.session.heir = true, nil
}

// inherited reports whether a login waits to take over the session of c, which has ended; if
// none does, none can any more.
func (s *Server) inherited(c *conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c.session.heir == nil {
		c.session.ending = true
	}
	return c.session.heir != nil
}

// handOver gives the session of c, whose commands are drained, to the login that waits for
// it. It reports whether that still does.
func (s *Server) handOver(c *conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c.session.heir == nil {
		c.session.ending = true
		return false
	}
	c.session.conn, c.session.heir = c.session.heir, nil
	return true
}

// bury forgets a session that is drained, or never came about.
func (s *Server) bury(sess *session) {
	s.mu.Lock()
	if s.byTSIH[sess.tsih] == sess {
		delete(s.byTSIH, sess.tsih)
		s.ledger.add(sess)
	}
	if s.byKey[sess.key] == sess {
		delete(s.byKey, sess.key)
	}
	s.mu.Unlock()
	if sess.gone != nil {
		close(sess.gone)
	}
}
