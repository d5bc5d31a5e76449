package sbd

import (
	"errors"
	"fmt"
	"sync/atomic"
)

// Metrics are what a unit has done since it was made. Only calls that succeeded count as
// operations; a call that answered ErrWouldBlock counts nowhere.
type Metrics struct {
	Reads, ReadBytes   uint64
	Writes, WriteBytes uint64
	Unmaps, UnmapBytes uint64
	Zeros, ZeroBytes   uint64
	Copies             uint64 // copies into the unit, and their bytes by how they came:
	CopySharedBytes    uint64 // as space that both sides share (reflink)
	CopyBelowBytes     uint64 // by the kernel (copy_file_range)
	CopyMovedBytes     uint64 // read and written
	CopyHoleBytes      uint64 // not at all: the source has no space for them
	Updates            uint64 // atomic updates, beside the reads and writes in them
	Syncs              uint64 // calls that asked for durability
	Commits            uint64 // syncs of the store that served them
	Errors             uint64 // calls that failed
}

func (m Metrics) String() string {
	return fmt.Sprintf("reads %d (%d bytes), writes %d (%d bytes), unmaps %d (%d bytes), zeros %d (%d bytes), "+
		"copies %d (bytes: %d shared, %d below, %d moved, %d of holes), updates %d, syncs %d in %d commits, errors %d",
		m.Reads, m.ReadBytes, m.Writes, m.WriteBytes, m.Unmaps, m.UnmapBytes, m.Zeros, m.ZeroBytes,
		m.Copies, m.CopySharedBytes, m.CopyBelowBytes, m.CopyMovedBytes, m.CopyHoleBytes,
		m.Updates, m.Syncs, m.Commits, m.Errors)
}

// Metrics returns the counts so far.
func (u *Unit) Metrics() Metrics {
	c := &u.counts
	return Metrics{
		Reads: c.read.ops.Load(), ReadBytes: c.read.bytes.Load(),
		Writes: c.write.ops.Load(), WriteBytes: c.write.bytes.Load(),
		Unmaps: c.unmap.ops.Load(), UnmapBytes: c.unmap.bytes.Load(),
		Zeros: c.zero.ops.Load(), ZeroBytes: c.zero.bytes.Load(),
		Copies: c.copies.Load(), CopySharedBytes: c.copiedShared.Load(), CopyBelowBytes: c.copiedBelow.Load(),
		CopyMovedBytes: c.copiedMoved.Load(), CopyHoleBytes: c.copiedHoles.Load(),
		Updates: c.updates.Load(), Syncs: c.syncs.Load(), Commits: c.commits.Load(),
		Errors: c.errors.Load(),
	}
}

// counts are the live form of Metrics.
type counts struct {
	read, write, unmap, zero traffic
	updates, syncs, commits  atomic.Uint64

	copies, copiedShared, copiedBelow, copiedMoved, copiedHoles atomic.Uint64

	errors atomic.Uint64
	failed func(error) // hears of each of errors
}

type traffic struct{ ops, bytes atomic.Uint64 }

// count books a call of n bytes under t by its outcome, which it returns.
func (c *counts) count(t *traffic, n int64, err error) error {
	if err != nil {
		return c.fail(err)
	}
	t.ops.Add(1)
	t.bytes.Add(uint64(n))
	return nil
}

// fail books the failure of a call, if it is one, and returns it.
func (c *counts) fail(err error) error {
	if err != nil && !errors.Is(err, ErrWouldBlock) && !errors.Is(err, ErrStopped) {
		c.errors.Add(1)
		c.failed(err)
	}
	return err
}
