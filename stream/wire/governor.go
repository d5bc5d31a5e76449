package wire

import "time"

// A governor chooses how hard a stream is compressed. Where the link is what everything waits
// for, harder; where the compressors are, less hard. Where neither is, the stream's source or
// the receiver's disk is, and nothing is changed.
type governor struct {
	level  int
	fixed  bool
	begun  time.Time
	chunks int
	work   time.Duration // waited for compressors
	wire   time.Duration // waited for room on the link
	vote   int           // what the last look was for
	ceil   int           // the level that was too slow lately
	wait   int           // looks until that may be tried again
	again  int           // how many looks it was the last time
}

// A look at the times is due after so many chunks, and so long.
const (
	lookChunks = 8
	lookTime   = 100 * time.Millisecond
)

func newGovernor(c Compression, now time.Time) *governor {
	g := &governor{level: levelFirst, begun: now, ceil: levelSlowest + 1, again: 8}
	if c.fixed > 0 {
		g.level, g.fixed = c.fixed-1, true
	}
	return g
}

// note takes how long the chunk that has just gone out was waited for, and how long it waited.
func (g *governor) note(work, wire time.Duration, now time.Time) {
	g.chunks++
	g.work += work
	g.wire += wire
	took := now.Sub(g.begun)
	if g.fixed || g.chunks < lookChunks || took < lookTime {
		return
	}
	vote := 0
	switch work, wire := float64(g.work)/float64(took), float64(g.wire)/float64(took); {
	case wire > 0.5 && work < 0.2:
		vote = 1
	case work > 0.4 && wire < 0.1:
		vote = -1
	}
	if vote != 0 && vote == g.vote {
		g.move(vote)
		vote = 0
	}
	if g.wait--; g.wait <= 0 {
		g.ceil = levelSlowest + 1
	}
	g.begun, g.chunks, g.work, g.wire, g.vote = now, 0, 0, 0, vote
}

// move goes a level up or down. A level that was too slow is tried again only after a while, and
// each time after twice as long.
func (g *governor) move(by int) {
	to := g.level + by
	if to < 0 || to > levelSlowest || to >= g.ceil {
		return
	}
	if by < 0 {
		g.ceil, g.wait = g.level, g.again
		g.again = min(g.again*2, 1024)
	}
	g.level = to
}
