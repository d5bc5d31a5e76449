package scsi

import (
	"github.com/lunarsan/lunar/internal/buffer"
	"github.com/lunarsan/lunar/sbd"
)

// A LogicalUnit is the device server of one sbd.Unit, however many nexuses see it.
type LogicalUnit struct {
	unit      *sbd.Unit
	blockSize int64 // bytes
}

// NewLogicalUnit returns the device server of u.
func NewLogicalUnit(u *sbd.Unit, pool *buffer.Pool) *LogicalUnit { panic("unwritten") }

// Unit returns what the device server serves.
func (lu *LogicalUnit) Unit() *sbd.Unit { return lu.unit }

// CapacityChanged tells every nexus (06/2A/09).
func (lu *LogicalUnit) CapacityChanged() { panic("unwritten") }

// Close waits until no task is inside and stops the workers. No nexus may see the unit.
func (lu *LogicalUnit) Close() { panic("unwritten") }
