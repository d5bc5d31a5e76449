package scsi

import (
	"github.com/lunarsan/lunar/internal/buffer"
	"github.com/lunarsan/lunar/sbd"
)

// MaxCDB is the longest CDB executed, in bytes. Longer ones (variable length, opcode 7Fh)
// are refused by their opcode, so a port need not keep the rest.
const MaxCDB = 16

// MaxTransfer is the longest Data-In or Data-Out of one command, in bytes. It is published
// as MAXIMUM TRANSFER LENGTH (SBC-4, Block Limits VPD page).
const MaxTransfer = 4 << 20

// Attribute is a task attribute (SAM-5 §8.9). The zero value is SIMPLE.
type Attribute uint8

const (
	Simple Attribute = iota
	Ordered
	HeadOfQueue
	ACA
)

// Status is a SCSI status code (SAM-5 §5.3.1).
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

// A Task is one command on its way through the device server. A port keeps Tasks and uses
// them again; Reset between uses. The zero value is ready.
type Task struct {
	// The request, set by the port before Prepare.
	CDB      [MaxCDB]byte
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

	// The device server's own.
	nexus    *Nexus
	path     *path // nil when the LUN is not mapped
	row      *command
	outLen   int64
	prepare  Sense // what Prepare found wrong; reported by Submit
	mayBlock bool
	inBuf    *buffer.Buffer // behind In
	outBuf   *buffer.Buffer // behind Out once it was copied
	op       sbd.Op
	queued   queueEntry // place in the task set and the worker queue
}
