package iscsi

import (
	"context"
	"fmt"
	"time"
)

// Shutdown stops accepting and ends every session: what has arrived is executed and answered,
// and initiators are told to come again after wait, in whole seconds. What is left after three
// quarters of the time that ctx allows (three seconds at most) is closed. It returns when the
// commands of all connections are drained, or ctx's error when that does not happen in time.
func (s *Server) Shutdown(ctx context.Context, wait time.Duration) error {
	grace := 3 * time.Second
	if deadline, ok := ctx.Deadline(); ok {
		grace = min(grace, time.Until(deadline)*3/4)
	}
	s.mu.Lock()
	s.closing = true
	for l := range s.portals {
		l.Close()
	}
	s.mu.Unlock()
	s.each(func(c *conn) {
		if c.inFull() {
			c.dismiss(errShutdown, wait)
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
			c.dismiss(cause, time.Duration(c.params.DefaultTime2Wait)*time.Second)
		} else {
			c.close(cause)
		}
	}
	return len(conns)
}
