package sbd

import (
	"fmt"
	"math"
)

// Shift returns the part of s from offset bytes on as a store, for a unit whose bytes begin behind
// something else. It owns s. The powers that s lacks are those that a Unit makes up for, done the
// same way.
func Shift(s Store, offset int64) (Store, error) {
	if offset < 0 || offset >= s.Size() {
		return nil, fmt.Errorf("data at %d in a store of %d bytes: %w", offset, s.Size(), ErrOutOfRange)
	}
	o := &shifted{Store: s, by: offset}
	o.reader, _ = s.(TryReader)
	o.writer, _ = s.(TryWriter)
	return o, nil
}

// A shifted is a store in which another one begins.
type shifted struct {
	Store
	by     int64
	reader TryReader // nil where Store lacks it
	writer TryWriter
}

func (o *shifted) Size() int64 { return o.Store.Size() - o.by }

// check keeps a caller from what is before by, or beyond what an offset can be.
func (o *shifted) check(off, n int64) error { return checkRange("shifted store", off, n, o.Size()) }

func (o *shifted) ReadAt(p []byte, off int64) (int, error) {
	if err := o.check(off, int64(len(p))); err != nil {
		return 0, err
	}
	return o.Store.ReadAt(p, off+o.by)
}

func (o *shifted) WriteAt(p []byte, off int64) (int, error) {
	if err := o.check(off, int64(len(p))); err != nil {
		return 0, err
	}
	return o.Store.WriteAt(p, off+o.by)
}

func (o *shifted) TryReadAt(p []byte, off int64) (int, error) {
	if o.reader == nil {
		return 0, ErrWouldBlock
	}
	if err := o.check(off, int64(len(p))); err != nil {
		return 0, err
	}
	return o.reader.TryReadAt(p, off+o.by)
}

func (o *shifted) TryWriteAt(p []byte, off int64) (int, error) {
	if o.writer == nil {
		return 0, ErrWouldBlock
	}
	if err := o.check(off, int64(len(p))); err != nil {
		return 0, err
	}
	return o.writer.TryWriteAt(p, off+o.by)
}

func (o *shifted) Unmap(off, n int64) error {
	if err := o.check(off, n); err != nil {
		return err
	}
	return unmap(o.Store, off+o.by, n)
}

func (o *shifted) Zero(off, n int64) error {
	if err := o.check(off, n); err != nil {
		return err
	}
	return zero(o.Store, off+o.by, n)
}

func (o *shifted) CopyFrom(s Store, from, off, n int64) (bool, error) {
	if err := checkRange("source of a copy", from, n, s.Size()); err != nil {
		return false, err
	}
	if err := o.check(off, n); err != nil {
		return false, err
	}
	return copyFrom(o.Store, s, from, off+o.by, n)
}

func (o *shifted) Mapped(off int64) (bool, int64, error) {
	if err := o.check(off, 1); err != nil {
		return false, 0, err
	}
	return mapped(o.Store, off+o.by)
}

func (o *shifted) Shared(off int64) (bool, int64, error) {
	if err := o.check(off, 1); err != nil {
		return false, 0, err
	}
	return shared(o.Store, off+o.by)
}

func (o *shifted) Space() (Space, error) { return measure(o.Store) }

func (o *shifted) Prefetch(off, n int64) error {
	if err := o.check(off, n); err != nil {
		return err
	}
	return prefetch(o.Store, off+o.by, n)
}

func (o *shifted) Resize(size int64) error {
	if size > math.MaxInt64-o.by {
		return fmt.Errorf("%d bytes behind %d: %w", size, o.by, ErrOutOfRange)
	}
	return resize(o.Store, size+o.by)
}

// Advice is that of the store, without the lengths that the unit's offsets are no multiples of.
func (o *shifted) Advice() Advice {
	a := advise(o.Store)
	if a.Granularity > 0 && o.by%a.Granularity != 0 {
		a.Granularity = 0
	}
	if a.Optimal > 0 && o.by%a.Optimal != 0 {
		a.Optimal = 0
	}
	return a
}
