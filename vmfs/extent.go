package vmfs

import (
	"fmt"
	"iter"
)

// A Kind is what an extent of a file is.
type Kind uint8

const (
	Data       Kind = iota // file blocks
	Hole                   // no blocks: zeros
	ToBeZeroed             // blocks that hold what was there before: zeros
	SubBlock               // a part of a block that small files share
	Resident               // in the file's descriptor
	Missing                // on an extent of the volume that is not there
	Damaged                // not to be found: an address that cannot be
)

// String names the kind in a word.
func (k Kind) String() string {
	return [...]string{"data", "hole", "tbz", "sub-block", "resident", "missing", "damaged"}[k]
}

// An Extent is a piece of a file that is in one piece on a member of the volume, or is not
// there in one way.
type Extent struct {
	Offset   int64 // in the file
	Device   int   // index in the volume's Members; -1 for none
	Physical int64 // in the partition of that member
	Length   int64
	Kind     Kind
}

// Zeros reports an extent that reads as zeros whatever is on disk.
func (e Extent) Zeros() bool { return e.Kind == Hole || e.Kind == ToBeZeroed }

// follows reports that e goes on where last ends.
func (e *Extent) follows(last *Extent) bool {
	return e.Kind == last.Kind && e.Device == last.Device && e.Offset == last.Offset+last.Length &&
		(e.Device < 0 || e.Physical == last.Physical+last.Length)
}

// Extents yields where the file is, in order, without gaps, neighbours joined. A part that
// cannot be found is an extent of kind Damaged or Missing with the error that says why, and
// the next one goes on behind it.
func (f *File) Extents() iter.Seq2[Extent, error] { return f.ExtentsIn(0, f.size) }

// ExtentsIn yields the extents of a range of the file. It may go beyond the file's length, to
// blocks that were allocated and not used.
func (f *File) ExtentsIn(from, to int64) iter.Seq2[Extent, error] {
	return func(yield func(Extent, error) bool) {
		var c cursor
		f.walkExtents(&c, from, to, yield)
	}
}

func (f *File) walkExtents(c *cursor, from, to int64, yield func(Extent, error) bool) {
	if f.Type() == RDM {
		if from < to {
			yield(Extent{Offset: from, Device: -1, Length: to - from, Kind: Damaged}, ErrMapped)
		}
		return
	}
	var pending Extent
	for off := from; off < to; {
		e, err := f.extent(c, off, to)
		off += e.Length
		if err == nil && pending.Length > 0 && e.follows(&pending) {
			pending.Length += e.Length
			continue
		}
		if pending.Length > 0 && !yield(pending, nil) {
			return
		}
		pending = e
		if err != nil {
			pending = Extent{}
			if !yield(e, err) {
				return
			}
		}
	}
	if pending.Length > 0 {
		yield(pending, nil)
	}
}

// extent finds the piece of the file at off, and no further than to.
func (f *File) extent(c *cursor, off, to int64) (Extent, error) {
	p, err := f.place(c, off)
	e := Extent{Offset: off, Device: -1, Length: min(p.length, to-off), Kind: p.kind}
	if err != nil || p.kind == Hole {
		return e, err
	}
	m, physical, n := f.v.Locate(p.logical)
	if m < 0 {
		e.Kind = Missing
		if n == 0 {
			e.Kind = Damaged
			return e, f.damaged("the block of offset %#x is at %#x, behind the volume's end", off, p.logical)
		}
		e.Length = min(e.Length, n)
		return e, f.v.missing(p.logical, n)
	}
	e.Device, e.Physical, e.Length = m, physical, min(e.Length, n)
	return e, nil
}

// ReadExtent reads what an extent of a file of the volume holds, or the first part of it.
func (v *Volume) ReadExtent(p []byte, e Extent) error {
	switch {
	case e.Zeros():
		clear(p)
		return nil
	case e.Device < 0 || e.Device >= len(v.Members):
		return fmt.Errorf("reading %d bytes at offset %#x: %w", e.Length, e.Offset, ErrMissing)
	}
	_, err := v.Members[e.Device].ReadAt(p, e.Physical)
	return err
}
