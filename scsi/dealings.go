package scsi

import (
	"sync/atomic"
	"time"

	"github.com/lunarsan/lunar/sbd"
)

// A Primitive is work that an initiator offloads to the unit. VMware counts the first four as
// VAAI, Windows uses the last.
type Primitive uint8

const (
	Locking  Primitive = iota // ATS: COMPARE AND WRITE
	Cloning                   // XCOPY: EXTENDED COPY(LID1)
	Zeroing                   // WRITE SAME
	Reclaim                   // UNMAP
	TokenUse                  // ODX: POPULATE TOKEN, WRITE USING TOKEN
	Primitives
)

var primitiveNames = [Primitives]string{"ATS", "XCOPY", "WRITE SAME", "UNMAP", "ODX"}

// String returns the name that administrators know.
func (p Primitive) String() string { return primitiveNames[p] }

// primitives says what an opcode offloads, counted from 1; 0: nothing.
var primitives = [256]Primitive{
	opCompareAndWrite:   Locking + 1,
	opWriteSame10:       Zeroing + 1,
	opWriteSame16:       Zeroing + 1,
	opUnmap:             Reclaim + 1,
	opThirdPartyCopyOut: Cloning + 1,
}

// Primitive returns what c offloads, if it does. The third-party copy commands are EXTENDED COPY
// and, from saPopulateToken on, those of tokens.
func (c *CDB) Primitive() (p Primitive, ok bool) {
	n := primitives[c.Opcode()]
	if n == 0 {
		return 0, false
	}
	if p = n - 1; p == Cloning && c.service() >= saPopulateToken {
		p = TokenUse
	}
	return p, true
}

// Trouble is what commands of any kind may meet on a unit.
type Trouble uint8

const (
	Miscompare Trouble = iota // COMPARE AND WRITE found other data: somebody else was first
	Conflict                  // another nexus has reserved the unit
	OutOfSpace                // the store of a thin unit is full (07/27/07)
	NotReady                  // the unit was offline (sense key 02)
	StoreError                // the store failed (sense keys 03 and 04)
	Troubles
)

// A tally counts, without a lock: successful ATS and UNMAP come here.
type tally struct {
	count atomic.Uint64
	last  atomic.Int64 // Unix time in ns
}

func (t *tally) add(at time.Time) {
	t.count.Add(1)
	t.last.Store(at.UnixNano())
}

func (t *tally) account() Tally {
	n := t.count.Load()
	if n == 0 {
		return Tally{}
	}
	return Tally{n, time.Unix(0, t.last.Load())}
}

// dealings are what one initiator asked of one unit and got. They are made when there is
// something to count.
type dealings struct {
	good    [Primitives]tally
	failed  [Primitives]tally
	why     [Primitives]atomic.Uint32 // of the last failure: Status<<24 | Sense
	trouble [Troubles]tally
}

// primitiveCounts count a unit's primitives, whoever asked: good ones, and failed ones.
type primitiveCounts [Primitives][2]atomic.Uint64

// tally counts t, which has ended, if it offloads work or met trouble.
func (t *Task) tally(at time.Time, good bool) {
	p, offloads := t.CDB.Primitive()
	if good {
		if offloads {
			t.lu().primitives[p][0].Add(1)
			if d := t.dealings(); d != nil {
				d.good[p].add(at)
			}
		}
		return
	}
	sense := t.Sense.Sense()
	const unitAttention = 6
	if sense.Key() == unitAttention || sense == NoSense && t.Status == CheckCondition {
		return // it comes again
	}
	trouble := troubleOf(t.Status, sense)
	failed := offloads && trouble != Miscompare
	if failed {
		t.lu().primitives[p][1].Add(1)
	}
	d := t.dealings()
	if d == nil || !failed && trouble == Troubles {
		return
	}
	if failed {
		d.failed[p].add(at)
		d.why[p].Store(uint32(t.Status)<<24 | uint32(sense))
	}
	if trouble != Troubles {
		d.trouble[trouble].add(at)
	}
}

// troubleOf sorts how a command ended; Troubles: it is no trouble with the unit.
func troubleOf(status Status, sense Sense) Trouble {
	switch {
	case status == ReservationConflict:
		return Conflict
	case sense == MiscompareDuringVerify:
		return Miscompare
	case sense == SpaceAllocationFailed:
		return OutOfSpace
	case sense.Key() == 2:
		return NotReady
	case sense.Key() == 3, sense.Key() == 4:
		return StoreError
	}
	return Troubles
}

// dealings returns those of t's initiator with its unit; nil: nobody keeps them.
func (t *Task) dealings() *dealings {
	p := t.path
	if d := p.dealings.Load(); d != nil {
		return d
	}
	d := t.nexus.History.with(t.unit().Identity().GUID)
	if d != nil {
		p.dealings.Store(d)
	}
	return d
}

// with returns the dealings with a unit, made where there is room.
func (h *History) with(unit sbd.GUID) *dealings {
	if h == nil {
		return nil
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if d := h.units[unit]; d != nil {
		return d
	}
	if h.all.dealings.Add(1) > maxDealings {
		h.all.dealings.Add(-1)
		return nil
	}
	if h.units == nil {
		h.units = make(map[sbd.GUID]*dealings)
	}
	d := new(dealings)
	h.units[unit] = d
	return d
}

// A Tally is how often something happened, and when last.
type Tally struct {
	Count uint64
	Last  time.Time
}

// A UnitAccount is what one initiator asked of one unit and got.
type UnitAccount struct {
	Good    [Primitives]Tally
	Failed  [Primitives]Tally
	Status  [Primitives]Status // of the last failure
	Sense   [Primitives]Sense
	Trouble [Troubles]Tally
}

func (d *dealings) account() (a UnitAccount) {
	for p := range Primitives {
		a.Good[p], a.Failed[p] = d.good[p].account(), d.failed[p].account()
		why := d.why[p].Load()
		a.Status[p], a.Sense[p] = Status(why>>24), Sense(why&0xFFFFFF)
	}
	for i := range Troubles {
		a.Trouble[i] = d.trouble[i].account()
	}
	return a
}

// PrimitiveMetrics is how often a primitive succeeded and failed on a unit since the start.
type PrimitiveMetrics struct {
	Primitive    Primitive
	Good, Failed uint64
}

// PrimitiveMetrics returns the counts of all primitives.
func (lu *LogicalUnit) PrimitiveMetrics() (all [Primitives]PrimitiveMetrics) {
	for p := range Primitives {
		c := &lu.primitives[p]
		all[p] = PrimitiveMetrics{p, c[0].Load(), c[1].Load()}
	}
	return all
}
