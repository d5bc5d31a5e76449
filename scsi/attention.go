package scsi

import (
	"slices"
	"sync/atomic"
)

// attentions are the unit attentions of a nexus, first come first reported (SAM-5, unit attention
// condition). Each is there once, so there are no more than there are kinds.
type attentions []Sense

func (a *attentions) raise(s Sense) {
	if s == ResetOccurred {
		*a = (*a)[:0] // what came before is implied (SAM-5, unit attention precedence)
	}
	if !slices.Contains(*a, s) {
		*a = append(*a, s)
	}
}

// A path is one I_T_L nexus: what a unit knows about one nexus.
type path struct {
	unit     *LogicalUnit
	nexus    *Nexus
	dealings atomic.Pointer[dealings] // of its initiator with the unit; nil: nothing to count yet

	used    atomic.Int64 // when the nexus last did I/O on the unit: see use
	pending atomic.Int32 // len(attentions), readable without the lock

	// Guarded by unit.mu.
	at         int // in unit.paths, or detached
	attentions attentions

	copies copyLog
}

// detached is the place of a path that its unit has forgotten.
const detached = -1

// raise establishes a unit attention on p.
func (p *path) raise(s Sense) {
	p.unit.mu.Lock()
	defer p.unit.mu.Unlock()
	p.raiseLocked(s)
}

func (p *path) raiseLocked(s Sense) {
	p.attentions.raise(s)
	p.pending.Store(int32(len(p.attentions)))
}

// attention takes the unit attention that is to be reported first; NoSense: there is none.
func (p *path) attention() Sense {
	if p.pending.Load() == 0 {
		return NoSense
	}
	p.unit.mu.Lock()
	defer p.unit.mu.Unlock()
	if len(p.attentions) == 0 {
		return NoSense
	}
	s := p.attentions[0]
	p.attentions = slices.Delete(p.attentions, 0, 1)
	p.pending.Store(int32(len(p.attentions)))
	return s
}

// clear drops the unit attention s.
func (p *path) clear(s Sense) {
	p.unit.mu.Lock()
	defer p.unit.mu.Unlock()
	p.attentions = slices.DeleteFunc(p.attentions, func(a Sense) bool { return a == s })
	p.pending.Store(int32(len(p.attentions)))
}

// raise establishes a unit attention on every path but except, which may be nil, and for the
// nexuses that were lost and may come back.
func (lu *LogicalUnit) raise(s Sense, except *path) {
	lu.mu.Lock()
	defer lu.mu.Unlock()
	for _, p := range lu.paths {
		if p != except {
			p.raiseLocked(s)
		}
	}
	for i := range lu.lost {
		lu.lost[i].attentions.raise(s)
	}
}
