package scsi

import (
	"fmt"
	"sync/atomic"
	"time"

	"github.com/lunarsan/lunar/internal/buffer"
	"github.com/lunarsan/lunar/sbd"
)

// MaxCDB is the longest CDB executed, in bytes. Longer ones (variable length, opcode 7Fh)
// are refused by their opcode, so a port need not keep the rest.
const MaxCDB = 16

// MaxTransfer is the longest Data-In or Data-Out of one command, in bytes. It is published
// as MAXIMUM TRANSFER LENGTH (SBC-4, Block Limits VPD page).
const MaxTransfer = buffer.MaxLen

// Attribute is a task attribute (SAM-5). The zero value is SIMPLE.
type Attribute uint8

const (
	Simple Attribute = iota
	Ordered
	HeadOfQueue
	ACA // treated as SIMPLE: NACA is refused, so there never is an ACA condition
)

// Status is a SCSI status code (SAM-5).
type Status uint8

const (
	Good                Status = 0x00
	CheckCondition      Status = 0x02
	ConditionMet        Status = 0x04
	Busy                Status = 0x08
	ReservationConflict Status = 0x18
	TaskSetFull         Status = 0x28
	ACAActive           Status = 0x30
	TaskAborted         Status = 0x40
)

// Error makes a Status what a handler may return: CONDITION MET, RESERVATION CONFLICT.
func (s Status) Error() string { return fmt.Sprintf("status %02Xh", uint8(s)) }

// A Task is one command on its way through the device server. A port keeps Tasks and uses
// them again; Release between uses. The zero value is ready.
type Task struct {
	// The request, set by the port before Prepare.
	CDB      CDB
	LUN      LUN
	Tag      uint64 // unique among the nexus's live tasks
	Attr     Attribute
	Expected int64       // bytes that the initiator expects to move (EDTL); bounds Data-In
	Done     func(*Task) // called once when Submit returned false, from any goroutine; must not block

	// Out is the Data-Out that arrived, set by the port before Submit: min(OutLen, Expected)
	// bytes. It stays the port's.
	Out []byte
	// OutBorrowed says that Out lies in memory that the port takes back when Submit returns.
	// A task that leaves for a worker copies it first.
	OutBorrowed bool

	// The result, valid after Submit returned true or in Done.
	Status Status
	In     []byte // Data-In, no longer than Expected
	InLen  int64  // bytes the command would have sent (for the residual; len(In) ≤ InLen)
	Sense  SenseData
	Cause  error // the store's, behind a CHECK CONDITION; for the log

	// The device server's own.
	nexus    *Nexus
	path     *path // nil when the LUN is not mapped
	row      *command
	outLen   int64 // Data-Out that the CDB asks for
	inLen    int64 // Data-In that the CDB asks for: blocks, or the allocation length
	refused  error // what Prepare found wrong; reported by Submit
	checked  bool  // what comes before the handler was done
	mayBlock bool
	inBuf    *buffer.Buffer // behind In
	inWanted int            // the Data-In buffer that the budget did not allow, in bytes
	outBuf   *buffer.Buffer // behind Out once it was copied
	op       sbd.Op
	cancel   atomic.Bool   // it is to be aborted while its handler runs
	started  time.Duration // when it was submitted, since the unit's birth
	took     time.Duration // from then to its result
	queued   queueEntry    // place in the task set
}

// What a handler may use. A handler is func(t *Task) error: nil is GOOD, and a Sense, *Fault,
// Status or error of package sbd is what it says.
//
//   - It reads CDB and Out. Out may be shorter than outLen (the initiator announced less):
//     a handler acts on whole blocks of what is there.
//   - It makes Data-In by reserveIn (to fill in place) or, as the last thing that it does,
//     by reply (to copy): at most once, and as much when it runs again.
//   - It passes &t.op to every call on unit(), and returns their errors as they are.
//   - While mayBlock is false it must not wait, and may return sbd.ErrWouldBlock only before
//     it has changed anything: it then runs again, from its start, with mayBlock true.
//   - On a worker, one that works for long asks cancelled between its pieces.

// errCancelled ends a handler that was asked to: its task was aborted, and has no result. The
// long calls on a unit end with it by themselves, if Task.op.Stop is cancelled.
var errCancelled = sbd.ErrStopped

// cancelled reports whether t is to be aborted. A handler on a worker may then stop where it
// is and return errCancelled, once nothing that it began can touch the medium any more.
func (t *Task) cancelled() bool { return t.cancel.Load() }

// unit returns what the task's device server serves. The task's LUN is mapped.
func (t *Task) unit() *sbd.Unit { return t.path.unit.unit }

// lu returns the task's device server.
func (t *Task) lu() *LogicalUnit { return t.path.unit }

// offers reports whether the unit has the command of row, for t's nexus.
func (t *Task) offers(row *command) bool {
	return row.run != nil && (row.flags&thin == 0 || t.lu().thin) &&
		(row.flags&explicit == 0 || t.nexus.access.Load().explicit)
}

// blockSize returns the unit's logical block length in bytes.
func (t *Task) blockSize() int64 { return t.path.unit.blockSize }

// capacity returns the unit's capacity in blocks.
func (t *Task) capacity() uint64 { return uint64(t.unit().Size() / t.blockSize()) }

// targetPorts returns the ports that are known to lead to the unit.
func (t *Task) targetPorts() []TargetPort {
	if ports := t.lu().TargetPorts; ports != nil {
		return ports()
	}
	return []TargetPort{{t.nexus.TargetPort, t.nexus.RelativePort}}
}

// extent converts blocks to bytes and refuses what reaches past the end of the unit.
func (t *Task) extent(lba, blocks uint64) (off, n int64, err error) {
	if size := t.capacity(); lba > size || blocks > size-lba {
		return 0, 0, LBAOutOfRange
	}
	return int64(lba) * t.blockSize(), int64(blocks) * t.blockSize(), nil
}

// reserveIn makes n bytes of Data-In and returns the part that the initiator expects, at
// most n bytes and perhaps none, for the handler to fill to the last byte: it holds what the
// last borrower left. sbd.ErrWouldBlock when the buffer budget is spent; the handler then
// runs again, on a worker, when there is memory.
func (t *Task) reserveIn(n int64) ([]byte, error) {
	want := int(min(n, max(t.Expected, 0)))
	if want > 0 && t.inBuf == nil {
		if t.inBuf = t.nexus.pool.TryGet(want); t.inBuf == nil {
			t.inWanted = want
			return nil, sbd.ErrWouldBlock
		}
	}
	t.InLen, t.In = n, nil
	if want > 0 {
		t.In = t.inBuf.Bytes()[:want]
	}
	return t.In, nil
}

// reply answers with p, cut to the allocation length, and copies it. It never waits, since it
// is what the commands that describe the unit answer with.
func (t *Task) reply(p []byte) error {
	t.InLen = min(int64(len(p)), t.inLen)
	p = p[:min(t.InLen, max(t.Expected, 0))]
	if len(p) == 0 {
		return nil
	}
	t.inBuf = t.nexus.pool.Overdraw(len(p))
	t.In = t.inBuf.Bytes()
	copy(t.In, p)
	return nil
}

// scratch lends n bytes for the length of a handler, which gives them back with Put. A
// handler that may not block gets sbd.ErrWouldBlock when the budget is spent; one that may
// gets them whatever the budget: workers never wait for memory, or those that hold some could
// wait for each other. Keep n to 1 MiB and work in pieces.
func (t *Task) scratch(n int) (*buffer.Buffer, error) {
	if b := t.lu().pool.TryGet(n); b != nil {
		return b, nil
	}
	if !t.mayBlock {
		return nil, sbd.ErrWouldBlock
	}
	return t.lu().pool.Overdraw(n), nil
}

// keepOut copies Out, which the port is about to take back.
func (t *Task) keepOut() {
	if !t.OutBorrowed || len(t.Out) == 0 {
		return
	}
	t.outBuf = t.lu().pool.Overdraw(len(t.Out))
	copy(t.outBuf.Bytes(), t.Out)
	t.Out, t.OutBorrowed = t.outBuf.Bytes(), false
}

// OutLen returns the bytes of Data-Out that the command wants, which may differ from what
// the initiator announced (Expected).
func (t *Task) OutLen() int64 { return t.outLen }

// Aborted reports whether t was aborted before it could touch the medium: it has no result.
func (t *Task) Aborted() bool { return t.queued.aborted }

// Took returns how long t was with the device server, from Submit to its result: waiting for its
// turn and for a worker is within, gathering Data-Out is not.
func (t *Task) Took() time.Duration { return t.took }

// Release gives the task's buffers back and makes t ready for another command.
func (t *Task) Release() {
	if t.inBuf != nil {
		t.inBuf.Put()
	}
	if t.outBuf != nil {
		t.outBuf.Put()
	}
	op := t.op // keeps what it has allocated
	op.MayBlock, op.Stop = false, nil
	*t = Task{Done: t.Done, op: op}
}
