package scsi

import (
	"cmp"
	"slices"
	"sync"
	"time"
)

// DefaultSlow is how long a command takes to be remembered as slow, unless LogicalUnit.Slow
// says otherwise.
const DefaultSlow = 100 * time.Millisecond

// A SlowCommand is a command that took long in the device server: waiting for its turn and
// for a worker is within, gathering its Data-Out is not.
type SlowCommand struct {
	CDB       CDB
	LUN       LUN
	Initiator string
	Ended     time.Time
	Took      time.Duration
	Status    Status
	Sense     Sense
	Aborted   bool // without a status, before it touched the medium
}

// The slow commands that a unit keeps: the last ones, and the slowest of all.
const (
	keptLast    = 32
	keptSlowest = 8
)

// slowLog is a unit's record of slow commands; it takes memory when there are some.
type slowLog struct {
	mu      sync.Mutex
	count   uint64
	last    []SlowCommand // a ring, once it is full
	slowest []SlowCommand // slowest first
}

func (l *slowLog) add(t *Task, ended time.Time, took time.Duration) {
	c := SlowCommand{t.CDB, t.LUN, t.nexus.Initiator, ended, took, t.Status, t.Sense.Sense(), t.Aborted()}
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.last) < keptLast {
		l.last = append(l.last, c)
	} else {
		l.last[l.count%keptLast] = c
	}
	l.count++
	if len(l.slowest) == keptSlowest {
		if l.slowest[keptSlowest-1].Took >= took {
			return
		}
		l.slowest = l.slowest[:keptSlowest-1]
	}
	i, _ := slices.BinarySearchFunc(l.slowest, took, func(c SlowCommand, took time.Duration) int { return cmp.Compare(took, c.Took) })
	l.slowest = slices.Insert(l.slowest, i, c)
}

// cutShort remembers t if it was slow: it was aborted while it waited, and will not finish.
func (t *Task) cutShort() {
	lu, now := t.lu(), time.Now()
	if took := now.Sub(lu.born) - t.started; took >= lu.Slow {
		lu.slow.add(t, now, took)
	}
}

// SlowCommands returns how many commands were slow since the start, and of these the last
// ones and the slowest, each once, latest first.
func (lu *LogicalUnit) SlowCommands() (count uint64, kept []SlowCommand) {
	l := &lu.slow
	l.mu.Lock()
	defer l.mu.Unlock()
	kept = slices.Clone(l.last)
	for _, c := range l.slowest {
		if !slices.Contains(l.last, c) {
			kept = append(kept, c)
		}
	}
	slices.SortStableFunc(kept, func(a, b SlowCommand) int { return b.Ended.Compare(a.Ended) })
	return l.count, kept
}
