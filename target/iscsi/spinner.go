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

// turns counts the waits of all receivers of a server.
type turns struct {
	taken atomic.Uint64
	// company is how many waits of others, between two of its own, keep a receiver from
	// spinning: half of the processors may spin, the other half has the work.
	company uint64
}

func newTurns() *turns { return &turns{company: uint64(runtime.GOMAXPROCS(0) / 2)} }

// A spinner decides whether a receiver that finds nothing to read looks again for a while. Its
// habit keeps a connection which says little, or nothing, from costing processor time.
type spinner struct {
	turns *turns
	turn  uint64 // the number of its last wait
	habit habit

	began, looked time.Time
}

// begin reports whether to spin.
func (s *spinner) begin() bool {
	turn := s.turns.taken.Add(1)
	others := turn - s.turn - 1
	s.turn = turn
	if others >= s.turns.company || !s.habit.again() {
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
