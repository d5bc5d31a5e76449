package dmu

import (
	"errors"
	"fmt"
	"io"
)

// ErrPackage is why a package cannot be merged with anything.
var ErrPackage = errors.New("it is a package")

// Rebase makes one stream of two of a volume, of which newer goes on where older ends: from what
// older goes on from, or from nothing, to what newer ends with. Both are read side by side. What
// newer has of the volume counts, and of older only what newer has not.
func Rebase(older, newer *Reader, out io.Writer) error {
	a, b := &lane{r: older, name: "the older stream"}, &lane{r: newer, name: "the newer stream"}
	begin, err := rebasedBegin(a, b)
	if err != nil {
		return err
	}
	m := &merge{w: NewWriter(out, newer.Order()), older: a, newer: b, guid: begin.ToGUID()}
	if err := m.w.Write(begin.Record(), nil); err != nil {
		return err
	}
	for _, object := range []uint64{ZvolData, ZvolProps} {
		if err := m.object(object); err != nil {
			return err
		}
	}
	for _, l := range []*lane{a, b} {
		if !l.ended {
			return fmt.Errorf("%s has %v of object %d, which volumes have not", l.name, l.rec.Type(), l.object)
		}
	}
	freed := b.freed
	if freed == nil {
		freed = a.freed
	}
	if freed != nil {
		if err := m.put(freed, nil); err != nil {
			return err
		}
	}
	if err := m.put(NewRecord(TypeEnd), nil); err != nil {
		return err
	}
	return m.w.Close()
}

// rebasedBegin reads both BEGINs, and the record behind each, and makes one BEGIN of them.
func rebasedBegin(a, b *lane) (*Begin, error) {
	for _, l := range []*lane{a, b} {
		if err := l.begin(); err != nil {
			return nil, err
		}
	}
	old, begin := *a.r.Begin(), *b.r.Begin()
	switch {
	case begin.FromGUID() != old.ToGUID():
		return nil, fmt.Errorf("the newer stream goes on from snapshot %d, the older one ends with %d, %s", begin.FromGUID(), old.ToGUID(), old.ToName())
	case a.r.Order() != b.r.Order():
		return nil, errors.New("the streams are of machines with different orders of bytes")
	}
	begin.SetFromGUID(old.FromGUID())
	begin.SetVersion(Substream, old.Features()|begin.Features())
	begin.SetFlags(old.Flags() | begin.Flags())
	begin.SetPayloadLen(0)
	return &begin, nil
}

// A lane is one of the streams that are merged, at one of its records.
type lane struct {
	r      *Reader
	name   string
	rec    *Record
	object uint64
	from   uint64  // of the range that rec is about, of which what came before is done
	to     uint64  // its end, ToEnd when it has none
	freed  *Record // FREEOBJECTS, which goes to the end
	ended  bool
}

func (l *lane) begin() error {
	if _, err := l.r.Next(); err != nil {
		return fmt.Errorf("%s: %w", l.name, firstError(err))
	}
	b := l.r.Begin()
	switch {
	case b.Kind() == Compound:
		return fmt.Errorf("%s: %w", l.name, ErrPackage)
	case b.Objset() != ObjsetZvol:
		return fmt.Errorf("%s: %w", l.name, errNotVolume)
	case b.Features().Has(FeatureRaw):
		return fmt.Errorf("%s: %w", l.name, errRaw)
	case b.Features()&(FeatureResuming|FeatureRedacted) != 0:
		return fmt.Errorf("%s does not have all of its snapshot: it is %v", l.name, b.Features()&(FeatureResuming|FeatureRedacted))
	}
	return l.next()
}

// next goes on to the next record of an object.
func (l *lane) next() error {
	behind, at := l.object, l.from
	for {
		rec, err := l.r.Next()
		if err != nil {
			return fmt.Errorf("%s: %w", l.name, firstError(err))
		}
		l.rec = rec
		switch rec.Type() {
		case TypeObject:
			l.object, l.from, l.to = rec.Object().Object(), 0, 0
		case TypeWrite:
			w := rec.Write()
			l.object, l.from, l.to = w.Object(), w.Offset(), w.Offset()+w.LogicalSize()
		case TypeWriteEmbedded:
			w := rec.WriteEmbedded()
			l.object, l.from, l.to = w.Object(), w.Offset(), w.Offset()+w.Length()
		case TypeFree:
			f := rec.Free()
			l.object, l.from, l.to = f.Object(), f.Offset(), f.Offset()+f.Length()
			if f.Length() == ToEnd {
				l.to = ToEnd
			}
		case TypeFreeObjects:
			if rec.FreeObjects().First() <= ZvolProps {
				return fmt.Errorf("%s frees the volume", l.name)
			}
			freed := *rec
			l.freed = &freed
			continue
		case TypeEnd:
			return l.finish()
		default:
			return fmt.Errorf("%s has a record that volumes have not: %v", l.name, rec.Type())
		}
		if l.object < behind || l.object == behind && l.from < at && rec.Type() != TypeObject {
			return fmt.Errorf("%s is not in order: %v of object %d at %d, behind object %d at %d", l.name, rec.Type(), l.object, l.from, behind, at)
		}
		return nil
	}
}

// finish sees to it that the stream is whole.
func (l *lane) finish() error {
	l.ended = true
	if _, err := l.r.Next(); err != io.EOF {
		return fmt.Errorf("%s: %w", l.name, err)
	}
	return nil
}

// on says whether the lane is at a record of the object.
func (l *lane) on(object uint64) bool { return !l.ended && l.object == object }

// head takes what a sender puts in front of an object's blocks: OBJECT, and FREE from behind the
// last block to the end, which alone is out of order.
func (l *lane) head(object uint64) (o *Object, tail uint64, err error) {
	tail = ToEnd
	if !l.on(object) || l.rec.Type() != TypeObject {
		return nil, tail, nil
	}
	kept := *l.rec.Object()
	if err := l.next(); err != nil {
		return nil, 0, err
	}
	if l.on(object) && l.rec.Type() == TypeFree && l.to == ToEnd {
		tail = l.from
		l.from = 0 // order begins behind it
		if err := l.next(); err != nil {
			return nil, 0, err
		}
	}
	return &kept, tail, nil
}

// A merge writes what two lanes make together.
type merge struct {
	w            *Writer
	older, newer *lane
	guid         uint64
	freeing      Free
}

func (m *merge) put(rec *Record, payload []byte) error {
	rec.SetToGUID(m.guid)
	return m.w.Write(rec, payload)
}

// object merges the records of one object.
func (m *merge) object(object uint64) error {
	was, oldTail, err := m.older.head(object)
	if err != nil {
		return err
	}
	is, tail, err := m.newer.head(object)
	if err != nil {
		return err
	}
	if was != nil && is != nil && was.BlockSize() != is.BlockSize() {
		return fmt.Errorf("object %d has blocks of %d bytes, and later of %d", object, was.BlockSize(), is.BlockSize())
	}
	if is == nil {
		is = was
	}
	if is != nil {
		if err := m.put(is.Record(), nil); err != nil {
			return err
		}
	}
	// What either freed to the end is free, until the newer writes there again.
	if first := min(oldTail, tail); first != ToEnd {
		if err := m.free(object, first, ToEnd); err != nil {
			return err
		}
	}
	for m.older.on(object) || m.newer.on(object) {
		if err := m.step(object, tail); err != nil {
			return err
		}
	}
	return nil
}

// step writes, drops or cuts one record. What the older stream has from tail on is gone.
func (m *merge) step(object, tail uint64) error {
	a, b := m.older, m.newer
	if a.on(object) && a.to > tail {
		if a.from >= tail {
			return a.next()
		}
		if a.rec.Type() != TypeFree {
			return fmt.Errorf("the block at %d of object %d is freed in part, from %d on: the streams differ in the length of blocks", a.from, object, tail)
		}
		a.to = tail
	}
	switch {
	case !b.on(object) || a.on(object) && a.to <= b.from:
		return m.emit(a)
	case !a.on(object) || b.to <= a.from:
		return m.emit(b)
	case a.from < b.from: // a begins in front of b, and goes on into it
		if err := m.part(a, b.from); err != nil {
			return err
		}
		a.from = b.from
		return nil
	case a.to <= b.to:
		return a.next()
	}
	if a.rec.Type() != TypeFree {
		return m.misaligned(a, b)
	}
	a.from = b.to
	return nil
}

// part writes what a has up to an offset; only holes have parts.
func (m *merge) part(a *lane, to uint64) error {
	if a.rec.Type() != TypeFree {
		return m.misaligned(a, m.newer)
	}
	return m.free(a.object, a.from, to)
}

func (m *merge) misaligned(a, b *lane) error {
	return fmt.Errorf("the block at %d of object %d is changed in part, from %d to %d: the streams differ in the length of blocks", a.from, a.object, b.from, b.to)
}

// emit writes the record of a lane, or what is left of it, and goes on to its next.
func (m *merge) emit(l *lane) error {
	var err error
	if l.rec.Type() == TypeFree {
		err = m.free(l.object, l.from, l.to)
	} else if l.rec.Type() == TypeObject {
		err = fmt.Errorf("%s has OBJECT %d twice", l.name, l.object)
	} else {
		rec := *l.rec
		err = m.put(&rec, l.r.Payload())
	}
	if err != nil {
		return err
	}
	return l.next()
}

func (m *merge) free(object, from, to uint64) error {
	f := &m.freeing
	f.Record().Reset(TypeFree)
	f.SetObject(object)
	f.SetOffset(from)
	f.SetLength(to - from)
	if to == ToEnd {
		f.SetLength(ToEnd)
	}
	return m.put(f.Record(), nil)
}
