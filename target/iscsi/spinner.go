package iscsi

import (
	"runtime"
	"sync/atomic"
	"time"
)

// How long a receiver looks for input again and again before it parks. An initiator that sends
// one command at a time answers a response within this; what it takes to wake a processor
// that fell asleep meanwhile is as long.
const spinTime = 50 * time.Microsecond

// stolen is the time between two looks that says that the processor went to somebody else
// meanwhile: there is none to spare.
const stolen = 20 * time.Microsecond

// mostMisses bounds how long a spinner rests: 1,024 waits.
const mostMisses = 10

// turns counts the waits of all receivers of a server.
type turns struct {
	taken atomic.Uint64
	// company is how many waits of others, between two of its own, keep a receiver from
	// spinning: half of the processors may spin, the other half has the work.
	company uint64
}

func newTurns() *turns { return &turns{company: uint64(runtime.GOMAXPROCS(0) / 2)} }

// A spinner decides whether a receiver that finds nothing to read looks again for a while. Each
// time that nothing came it lets twice as many waits pass before it tries again, so that a
// connection which says little, or nothing, costs no processor time.
type spinner struct {
	turns  *turns
	turn   uint64 // the number of its last wait
	misses int    // in a row
	rest   int    // waits to let pass

	began, looked time.Time
}

// begin reports whether to spin.
func (s *spinner) begin() bool {
	turn := s.turns.taken.Add(1)
	others := turn - s.turn - 1
	s.turn = turn
	switch {
	case others >= s.turns.company:
		return false
	case s.rest > 0:
		s.rest--
		return false
	}
	s.began = time.Now()
	s.looked = s.began
	return true
}

// on reports whether to look again.
func (s *spinner) on() bool {
	now := time.Now()
	robbed := now.Sub(s.looked) > stolen
	s.looked = now
	return !robbed && now.Sub(s.began) < spinTime
}

// end learns from what spinning has brought; hit: something came.
func (s *spinner) end(hit bool) {
	if hit {
		s.misses = 0
		return
	}
	s.misses = min(s.misses+1, mostMisses)
	s.rest = 1 << s.misses
}
