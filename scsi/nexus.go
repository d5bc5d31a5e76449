package scsi

import (
	"sync/atomic"

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
	PortGroup     uint16 // target port group, from 1
}

// A Nexus is one I_T nexus (SAM-5 §4.6.2): an initiator port and a target port, and the
// logical units that the one sees through the other. It outlives connections.
type Nexus struct {
	Names
	pool *buffer.Pool
	luns atomic.Pointer[inventory]
}

// A path is one I_T_L nexus: what a unit knows about one nexus.
type path struct{ unit *LogicalUnit }

// inventory is what a nexus sees; it is replaced, never changed.
type inventory struct {
	byNumber map[int]*path
}

type queueEntry struct{}

// NewNexus returns a nexus that sees nothing yet and borrows its buffers from pool.
func NewNexus(n Names, pool *buffer.Pool) *Nexus { panic("unwritten") }

// SetInventory makes the nexus see exactly units, by LUN. Units that stay keep their state;
// for a change after the first call every unit raises REPORTED LUNS DATA HAS CHANGED
// (06/3F/0E). Tasks on units that are no longer seen run to their end.
func (n *Nexus) SetInventory(units map[int]*LogicalUnit) { panic("unwritten") }

// Prepare looks t's unit and command up and enters the task set. It never fails: what is
// wrong is reported by Submit, and OutLen is 0 then.
func (n *Nexus) Prepare(t *Task) { panic("unwritten") }

// Submit executes t. True: the result is in t. False: t.Done will be called.
func (n *Nexus) Submit(t *Task) bool { panic("unwritten") }

// Abandon takes a prepared task that will not be submitted out of the task set.
func (n *Nexus) Abandon(t *Task) { panic("unwritten") }

// Aborted reports whether t was aborted before it could touch the medium: it has no result.
func (t *Task) Aborted() bool { panic("unwritten") }

// Release gives the task's buffers back and makes t ready for another command.
func (t *Task) Release() { panic("unwritten") }

// A Function is a task management function (SAM-5 §7.1).
type Function uint8

const (
	AbortTask Function = iota + 1
	AbortTaskSet
	ClearACA
	ClearTaskSet
	LogicalUnitReset
	TargetReset // every unit that the nexus sees
	QueryTask
	QueryTaskSet
)

// A Response answers a task management function (SAM-5 §7.1).
type Response uint8

const (
	FunctionComplete  Response = iota // done; no affected task touches the medium any more
	FunctionSucceeded                 // query: there is such a task
	TaskNotThere                      // no such task: it was answered before, or never came
	LUNNotThere
	FunctionNotSupported
)

// Manage performs a task management function and calls done when no affected task can touch
// the medium any more: on this goroutine or later on another. tag is the task's for AbortTask
// and QueryTask. Affected tasks come back to their ports as Aborted, each before done,
// unless they had already taken effect: those come back with their true status, before done.
func (n *Nexus) Manage(f Function, lun LUN, tag uint64, done func(Response)) { panic("unwritten") }

// Close ends the nexus (I_T nexus loss): aborts its tasks, drops its reservations and unit
// attentions, and calls drained when none of its tasks can touch the medium any more.
func (n *Nexus) Close(drained func()) { panic("unwritten") }
