package scsi

import (
	"errors"

	"github.com/lunarsan/lunar/sbd"
)

// EXTENDED COPY(LID1) (SPC-5): an initiator has the device server copy blocks within a unit and
// between units, of those that it sees itself. ESXi clones virtual disks with it.

// What an EXTENDED COPY may ask for, as RECEIVE COPY OPERATING PARAMETERS and the Third-party
// Copy VPD page publish it.
const (
	maxCSCDs        = 64
	maxSegments     = 64
	maxCopyList     = maxCSCDs*cscdLen + maxSegments*blockSegmentLen // bytes of descriptors
	maxSegmentBytes = 256 << 20
)

func copyListLengths(t *Task) (out, in int64, err error) {
	if n := t.CDB.length(); n <= copyHeaderLen+maxCopyList {
		return int64(n), 0, nil
	}
	return 0, 0, ParameterListLength
}

// extendedCopy copies the segments of the parameter list in their order. What is wrong with the
// list is said before anything is copied.
func extendedCopy(t *Task) error {
	list, err := parseCopyList(t.Out)
	if err != nil || list == nil {
		return err
	}
	extents := make([]copyExtent, 0, len(list.segments))
	for i := range list.segments {
		e, err := t.extentOf(list, i)
		if err != nil {
			return err
		}
		extents = append(extents, e)
	}
	if !t.mayBlock {
		return sbd.ErrWouldBlock
	}
	record, err := t.path.copies.begin(list.key(), t.CDB.service())
	if err != nil {
		return err
	}
	return record.end(t, t.copySegments(record, extents))
}

// A copyExtent is a segment whose units are found: n bytes.
type copyExtent struct {
	from, into       *path
	fromOff, intoOff int64
	n                int64
}

// copySegments copies extents. A fault names the segment that it ended in.
func (t *Task) copySegments(record *copyRecord, extents []copyExtent) error {
	longest := int64(0)
	for _, e := range extents {
		longest = max(longest, e.n)
	}
	run, err := t.beginCopy(record, longest)
	if err != nil {
		return err
	}
	defer run.leave()
	for i, e := range extents {
		if err := run.copy(e, nil); errors.Is(err, errCancelled) {
			return err
		} else if err != nil {
			_ = run.sync() // of what came before; the unit remembers if that fails
			return copyAborted(i, err)
		}
		record.segment()
	}
	if err := run.sync(); err != nil {
		return copyAborted(len(extents)-1, err)
	}
	return nil
}

// copyAborted is what an initiator is told when segment i of its list has ended in err, with the
// status and sense data of the unit that failed (SPC-5, errors during segment processing).
func copyAborted(i int, err error) error {
	side, cause := byte(copyDestination), err
	var failed *sbd.CopyError
	var refused *refusal
	switch {
	case errors.As(err, &failed):
		cause = failed.Err
		if failed.Source {
			side = copySource
		}
	case errors.As(err, &refused):
		cause, side = refused.cause, refused.side
	case errors.Is(err, CopyResourcesExhausted):
		return &Fault{Sense: CopyResourcesExhausted, copy: &copyFault{segment: uint16(i)}}
	default:
		return err // the task was aborted
	}
	f := &Fault{Sense: ThirdPartyDeviceFailure, cause: err, copy: &copyFault{segment: uint16(i), side: side}}
	switch {
	case errors.As(cause, &f.copy.status):
		return f
	case errors.Is(cause, sbd.ErrOutOfRange):
		f.Sense = CopyAborted
	case errors.Is(cause, sbd.ErrOffline), errors.Is(cause, sbd.ErrGone):
		f.Sense = CopyTargetNotReachable
	}
	f.copy.forward(side, faultOf(cause, side == copyDestination))
	return f
}

// forward says that a side of the copy has failed with f.
func (c *copyFault) forward(side byte, f *Fault) {
	c.side, c.status = side, CheckCondition
	c.sense.encode(f, false)
}

// extentOf finds what segment i of list copies, and refuses what is not there.
func (t *Task) extentOf(list *copyList, i int) (e copyExtent, err error) {
	s := list.segments[i]
	aborted := func(sense Sense, field int) *Fault {
		f := sense.At(field)
		f.copy = &copyFault{segment: uint16(i), within: true}
		return f
	}
	outOfRange := func(side byte, field int) *Fault {
		f := aborted(CopyAborted, field)
		f.copy.forward(side, &Fault{Sense: LBAOutOfRange})
		return f
	}
	for _, side := range []struct {
		index uint16
		field int
		path  **path
	}{{s.source(), segmentSource, &e.from}, {s.destination(), segmentDestination, &e.into}} {
		if side.index == thisUnit {
			*side.path = t.path
			continue
		}
		if int(side.index) >= len(list.cscds) {
			return e, aborted(UnreachableCopyTarget, side.field)
		}
		d := list.cscds[side.index]
		p := t.nexus.find(d)
		switch {
		case p == nil:
			return e, aborted(UnreachableCopyTarget, side.field)
		case d.deviceType() != p.unit.unit.Identity().DeviceType:
			return e, aborted(IncorrectCopyTargetType, side.field)
		case d.blockLength() != 0 && int64(d.blockLength()) != p.unit.blockSize:
			return e, InvalidFieldInParameters.At(copyHeaderLen + int(side.index)*cscdLen + cscdBlockLength)
		}
		*side.path = p
	}
	from, into := e.from.unit, e.into.unit
	var ok bool
	if e.n = s.bytes(from.blockSize, into.blockSize); e.n > maxSegmentBytes {
		return e, aborted(CopyResourcesExhausted, segmentCount)
	}
	if !s.exact() && (e.n%from.blockSize != 0 || e.n%into.blockSize != 0) {
		return e, aborted(UnexpectedInexactSegment, segmentCount)
	}
	if e.fromOff, ok = from.within(s.sourceLBA(), s.sourceByte(), e.n); !ok {
		return e, outOfRange(copySource, segmentSourceLBA)
	}
	if e.intoOff, ok = into.within(s.destinationLBA(), s.destinationByte(), e.n); !ok {
		return e, outOfRange(copyDestination, segmentDestinationLBA)
	}
	return e, nil
}

// within returns where a block and a byte after its beginning are, and whether the n bytes from
// there on are in the unit.
func (lu *LogicalUnit) within(lba uint64, after, n int64) (off int64, ok bool) {
	size := lu.unit.Size()
	if lba > uint64(size/lu.blockSize) {
		return 0, false
	}
	off = int64(lba)*lu.blockSize + after
	return off, off <= size && n <= size-off
}

// find returns the path to the unit that d names, if the nexus sees it: nobody copies from or to
// what they could not read or write themselves.
func (n *Nexus) find(d *cscd) *path {
	guid, ok := d.naa()
	if !ok {
		return nil
	}
	for _, p := range n.luns.Load().paths {
		if p.unit.unit.Identity().GUID == guid {
			return p
		}
	}
	return nil
}
