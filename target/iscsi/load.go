package iscsi

import (
	"time"

	"github.com/lunarsan/lunar/scsi"
)

// A Load is what sessions have done over a time.
type Load struct {
	Over time.Duration
	Traffic
	Latency scsi.Latencies // of the commands that came to an end in the device server
	Took    time.Duration  // the sum of what Latency counts
}

func (l *Load) add(o *Load) {
	l.Traffic.add(&o.Traffic)
	l.Latency.Add(&o.Latency)
	l.Took += o.Took
}

// load is what a session does as it is counted. Traffic is counted once for all that one write to
// the socket carries. Latencies are counted with each result, where conn.mu is held anyhow, in the
// smaller numbers of a spell; spells follow each other, so that what happened lately can be told
// from what happened since the login. It is some 1.8 KiB.
type load struct {
	traffic

	// Guarded by the mu of the session's connection.
	spell  spell
	before spell // the one before
	past   Load  // spells before that one; Over and Traffic are not used

	// Guarded by Server.mu.
	lastCommands int64     // that were counted when the clock last ticked
	active       time.Time // when it ticked after the last command
}

// spellTicks is how many seconds a spell lasts: what is told of a session's doings covers
// the last one to two spells.
const spellTicks = 5

// A spell is a part of a session's life.
type spell struct {
	since   time.Time
	before  Traffic // of the session when it began
	took    time.Duration
	latency [scsi.LatencyBuckets]uint32
}

// note counts a command that took so long.
func (l *load) note(took time.Duration) {
	l.spell.latency[scsi.LatencyBucket(took)]++
	l.spell.took += took
}

// begin begins the first spell.
func (l *load) begin(now time.Time) {
	l.spell.since, l.before.since, l.active = now, now, now
}

// turn begins the next spell.
func (l *load) turn(now time.Time) {
	l.before.addTo(&l.past)
	l.before = l.spell
	l.spell = spell{since: now, before: l.snapshot()}
}

func (s *spell) addTo(l *Load) {
	for i, n := range s.latency {
		l.Latency[i] += uint64(n)
	}
	l.Took += s.took
}

// total returns what was done since the login, recent what was done in the last two spells.
func (l *load) total() Load {
	all := l.past
	l.before.addTo(&all)
	l.spell.addTo(&all)
	all.Traffic = l.snapshot()
	return all
}

func (l *load) recent(now time.Time) Load {
	r := Load{Over: now.Sub(l.before.since), Traffic: l.snapshot()}
	r.Traffic.subtract(&l.before.before)
	l.before.addTo(&r)
	l.spell.addTo(&r)
	return r
}

// A SessionLoad is what a session does.
type SessionLoad struct {
	Total  Load          // since the login
	Recent Load          // over the last seconds
	Idle   time.Duration // since the last command, to a second
}

// Loads returns what the sessions do, by session ID.
func (s *Server) Loads() map[uint64]SessionLoad {
	now := time.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	loads := make(map[uint64]SessionLoad, len(s.byTSIH))
	for _, sess := range s.byTSIH {
		l := SessionLoad{Idle: now.Sub(sess.load.active)}
		if sess.load.Commands.Load() != sess.load.lastCommands {
			l.Idle = 0
		}
		sess.conn.mu.Lock()
		l.Total, l.Recent = sess.load.total(), sess.load.recent(now)
		sess.conn.mu.Unlock()
		l.Total.Over = now.Sub(sess.since)
		loads[sess.id] = l
	}
	return loads
}

// observe looks at what the sessions do, once a second.
func (s *Server) observe(clock int64) {
	now := time.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, sess := range s.byTSIH {
		l := &sess.load
		if n := l.Commands.Load(); n != l.lastCommands {
			l.lastCommands, l.active = n, now
		}
		if clock%spellTicks == 0 {
			sess.conn.mu.Lock()
			l.turn(now)
			sess.conn.mu.Unlock()
		}
	}
}
