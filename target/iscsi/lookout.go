package iscsi

import (
	"sync"
	"time"
)

// A lookout has receivers relieved that are away on an errand for long. It looks every so often
// while there are any, and sleeps otherwise.
type lookout struct {
	mu      sync.Mutex
	tick    uint64
	away    *conn // the first of a list, linked by loan.next
	looking bool
}

// A loan is a connection's place in the lookout's list. Guarded by lookout.mu.
type loan struct {
	since          uint64 // the tick at which the receiver left
	next, previous *conn
	relieved       bool          // while it is away
	relief         chan struct{} // holds a token: the receiving is to be taken over
}

// lookoutEvery is the time between two looks. A receiver is relieved at the second: what it has
// not read may have to wait for twice as long.
const lookoutEvery = 2 * time.Millisecond

// lookoutIdle is the number of looks that find nobody away before the lookout goes to sleep.
const lookoutIdle = 50

// lend notes that c's receiver leaves for an errand. It reports whether it may: an earlier one,
// who was relieved, may be on its way back.
func (l *lookout) lend(c *conn) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if c.loan.relieved {
		return false
	}
	c.loan.since, c.loan.next = l.tick, l.away
	if l.away != nil {
		l.away.loan.previous = c
	}
	l.away = c
	if !l.looking {
		l.looking = true
		go l.look()
	}
	return true
}

// end notes that it is back, and reports whether it is still the receiver.
func (l *lookout) end(c *conn) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !c.loan.relieved {
		l.strike(c)
		return true
	}
	c.loan.relieved = false
	select {
	case <-c.loan.relief: // nobody has taken over yet
		return true
	default:
		return false
	}
}

// strike takes c off the list. The caller holds l.mu.
func (l *lookout) strike(c *conn) {
	if c.loan.previous != nil {
		c.loan.previous.loan.next = c.loan.next
	} else {
		l.away = c.loan.next
	}
	if c.loan.next != nil {
		c.loan.next.loan.previous = c.loan.previous
	}
	c.loan.next, c.loan.previous = nil, nil
}

// look relieves those that are away for long.
func (l *lookout) look() {
	t := time.NewTicker(lookoutEvery)
	defer t.Stop()
	for idle := 0; idle < lookoutIdle; {
		<-t.C
		idle = l.relieve(idle)
	}
}

// relieve looks once, after idle looks that found nobody, and returns what idle is then.
func (l *lookout) relieve(idle int) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.tick++
	if l.away == nil {
		idle++
		l.looking = idle < lookoutIdle
		return idle
	}
	for c := l.away; c != nil; {
		next := c.loan.next
		if l.tick-c.loan.since >= 2 {
			l.strike(c)
			c.loan.relieved = true
			c.loan.relief <- struct{}{}
		}
		c = next
	}
	return 0
}
