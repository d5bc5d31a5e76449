package scsi

import (
	"maps"
	"sync"
	"sync/atomic"
	"time"

	"github.com/lunarsan/lunar/internal/buffer"
)

// Names of the two ports of an I_T nexus, as VPD page 83h, persistent reservations and
// logs need them.
type Names struct {
	Initiator     string // initiator name, "iqn.…"
	InitiatorPort string // initiator port name, "iqn.…,i,0x00023d000001"
	Target        string // target device name, "iqn.…"
	TargetPort    string // target port name, "iqn.…,t,0x0001"
	RelativePort  uint16 // relative target port identifier, from 1
}

// A Nexus is one I_T nexus (SAM-5): an initiator port and a target port, and the
// logical units that the one sees through the other. It outlives connections.
type Nexus struct {
	Names
	// History, set before the first use, remembers what the initiator asks for; nil: nothing does.
	History *History
	// ChangeStates, set before the first use, changes the states of target port groups that
	// are Explicit, for the task asked: SetAccess follows on all nexuses of the device, and
	// what has changed is saved when it returns nil. It may block.
	ChangeStates func(asked *Task, wanted []StateChange) error

	pool     *buffer.Pool
	hash     uint64        // of the ports' names
	commands *commandTable // of LUNs that are not mapped too
	luns     atomic.Pointer[inventory]
	access   atomic.Pointer[access]

	mu     sync.Mutex            // one SetInventory or Close at a time
	former map[*LogicalUnit]bool // no longer seen, where tasks may still run
}

// inventory is what a nexus sees; it is replaced, never changed.
type inventory struct {
	paths map[int]*path // by LUN
}

// NewNexus returns a nexus that sees nothing yet and borrows its buffers from pool. Until
// SetAccess, its target port is alone in the target port group 1.
func NewNexus(n Names, pool *buffer.Pool) *Nexus {
	nexus := &Nexus{Names: n, pool: pool, hash: hashPorts(n.InitiatorPort, n.TargetPort), commands: &commands, former: make(map[*LogicalUnit]bool)}
	nexus.luns.Store(&inventory{})
	nexus.access.Store(&access{Access: Access{[]PortGroup{{Number: 1, Ports: []uint16{n.RelativePort}}}, 1}})
	return nexus
}

// SetInventory makes the nexus see exactly units, by LUN. Units that stay where they are keep
// their state; for a change after the first call every unit raises REPORTED LUNS DATA HAS
// CHANGED (06/3F/0E). Tasks on units that are no longer seen run to their end.
func (n *Nexus) SetInventory(units map[int]*LogicalUnit) {
	n.mu.Lock()
	defer n.mu.Unlock()
	maps.DeleteFunc(n.former, func(u *LogicalUnit, _ bool) bool { return !u.tasks.has(n.owns) })
	old := n.luns.Load()
	seen := &inventory{make(map[int]*path, len(units))}
	changed := len(units) != len(old.paths)
	for number, unit := range units {
		p := old.paths[number]
		if p == nil || p.unit != unit {
			p = unit.attach(n)
			changed = true
		}
		seen.paths[number] = p
	}
	n.luns.Store(seen)
	for number, p := range old.paths {
		if seen.paths[number] != p {
			p.unit.detach(p)
			n.former[p.unit] = true
		}
	}
	if first := old.paths == nil; changed && !first {
		for _, p := range seen.paths {
			p.raise(ReportedLUNsHasChanged)
		}
	}
}

// Prepare looks t's unit and command up and enters the task set. It never fails: what is
// wrong is reported by Submit, and OutLen is 0 then.
func (n *Nexus) Prepare(t *Task) {
	t.nexus = n
	if number, ok := t.LUN.Number(); ok {
		t.path = n.luns.Load().paths[number]
	}
	row, known := n.commands.row(&t.CDB)
	t.row = row
	switch {
	case t.path == nil && (row == nil || row.flags&unmapped == 0):
		t.refused = LogicalUnitNotSupported
	case row == nil && known:
		t.refused = InvalidFieldInCDB.AtBit(1, 4)
	case row == nil:
		t.refused = InvalidOpcode
	case t.path != nil && !t.offers(row):
		t.refused = n.lacks(t)
	case t.CDB.naca():
		t.refused = InvalidFieldInCDB.AtBit(t.CDB.size()-1, 2)
	case row.lengths != nil:
		var out, in int64
		if out, in, t.refused = row.lengths(t); t.refused == nil {
			t.outLen, t.inLen = out, in
		}
	}
	if t.path != nil {
		t.lu().tasks.enter(t)
	}
}

// lacks is why t, whose row the unit does not offer, is refused: for its service action where the
// opcode has another one that is offered.
func (n *Nexus) lacks(t *Task) Sense {
	if services := n.commands[t.CDB.Opcode()].services; services != nil {
		for i := range services {
			if t.offers(&services[i]) {
				return InvalidFieldInCDB
			}
		}
	}
	return InvalidOpcode
}

// Submit executes t. True: the result is in t. False: t.Done will be called, or was already.
func (n *Nexus) Submit(t *Task) bool {
	if t.path == nil {
		t.finish(t.execute())
		return true
	}
	t.started = time.Since(t.lu().born)
	done, _ := t.lu().tasks.submit(t, false)
	return done
}

// SubmitHere is Submit by a goroutine that has nothing better to do than to wait for the medium.
// An errand, if there is one, is the rest of t, which blocks: the caller runs it, or leaves it.
// A worker would be woken for it, and would have to wake somebody for what comes of it.
func (n *Nexus) SubmitHere(t *Task) (done bool, errand *Errand) {
	if t.path == nil {
		return n.Submit(t), nil
	}
	t.started = time.Since(t.lu().born)
	return t.lu().tasks.submit(t, true)
}

// Abandon takes a prepared task that will not be submitted out of the task set.
func (n *Nexus) Abandon(t *Task) {
	if t.path != nil {
		t.lu().tasks.abandon(t)
	}
}

// Close ends the nexus (I_T nexus loss): aborts its tasks, drops its reservations, and calls drained when none of its tasks can touch the medium any more. Tasks
// that were prepared are still to be submitted or abandoned.
func (n *Nexus) Close(drained func()) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, p := range n.luns.Swap(&inventory{}).paths {
		p.unit.lose(p)
		n.former[p.unit] = true
	}
	b := newBarrier(drained)
	for unit := range n.former {
		unit.tasks.abort(b, n.owns, never)
	}
	b.settle(false)
}

func (n *Nexus) owns(t *Task) bool { return t.nexus == n }
