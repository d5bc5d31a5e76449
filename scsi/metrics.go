package scsi

import (
	"sync/atomic"
	"time"
)

// CommandMetrics is what one opcode has done on a unit since the start.
type CommandMetrics struct {
	Opcode Opcode
	Name   string
	Failed uint64 // ended with another status than GOOD and CONDITION MET
	// Conflicts are those that another's reservation refused.
	Conflicts uint64
	In, Out   uint64 // bytes moved to and from the initiator
	// Latency counts the commands that ended by how long they took, from Submit to their
	// result: waiting for their turn and for a worker is within, gathering Data-Out is not.
	Latency Latencies
	Took    time.Duration // the sum of what Latency counts
}

// counters holds a unit's counts, by opcode. Opcodes that nobody uses take no memory: there may
// be thousands of units.
type counters [256]atomic.Pointer[opcodeCounters]

type opcodeCounters struct {
	failed, conflicts, in, out atomic.Uint64
	took                       atomic.Int64 // ns
	latency                    [LatencyBuckets]atomic.Uint64
}

// of returns the counts of an opcode, made at its first use.
func (c *counters) of(o Opcode) *opcodeCounters {
	if row := c[o].Load(); row != nil {
		return row
	}
	c[o].CompareAndSwap(nil, new(opcodeCounters))
	return c[o].Load()
}

// count counts t, which has its result, and returns when that came, since the unit's birth.
func (c *counters) count(t *Task) (ended time.Duration) {
	row := c.of(t.CDB.Opcode())
	ended = time.Since(t.lu().born)
	took := ended - t.started
	t.took = took
	if t.Status == Good && t.row.flags&(offline|aside) == 0 {
		t.path.use(ended)
	}
	row.latency[LatencyBucket(took)].Add(1)
	row.took.Add(int64(took))
	switch {
	case t.Status != Good && t.Status != ConditionMet:
		row.failed.Add(1)
		if t.Status == ReservationConflict {
			row.conflicts.Add(1)
		}
	case len(t.In) > 0:
		row.in.Add(uint64(len(t.In)))
	case len(t.Out) > 0:
		row.out.Add(uint64(len(t.Out)))
	}
	return ended
}

// Metrics returns the opcodes that were used, ascending.
func (lu *LogicalUnit) Metrics() []CommandMetrics {
	var used []CommandMetrics
	for i := range lu.metrics {
		row := lu.metrics[i].Load()
		if row == nil {
			continue
		}
		m := CommandMetrics{Opcode: Opcode(i), Name: Opcode(i).String(),
			Failed: row.failed.Load(), Conflicts: row.conflicts.Load(), In: row.in.Load(), Out: row.out.Load(), Took: time.Duration(row.took.Load())}
		for b := range row.latency {
			m.Latency[b] = row.latency[b].Load()
		}
		used = append(used, m)
	}
	return used
}
