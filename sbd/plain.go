package sbd

import (
	"errors"
	"fmt"
)

// What a store does where it lacks an optional power.

var zeroes [1 << 20]byte // read only

// unmap gives the n bytes at off of s back; without the power they become zeros.
func unmap(s Store, off, n int64) error {
	if s, ok := s.(Unmapper); ok {
		return s.Unmap(off, n)
	}
	return zero(s, off, n)
}

// zero makes the n bytes at off of s zeros, by writing them if need be.
func zero(s Store, off, n int64) error {
	if s, ok := s.(Zeroer); ok {
		return s.Zero(off, n)
	}
	return writeZeros(s, off, n)
}

func writeZeros(s Store, off, n int64) error {
	for n > 0 {
		p := zeroes[:min(n, int64(len(zeroes)))]
		if _, err := s.WriteAt(p, off); err != nil {
			return err
		}
		off += int64(len(p))
		n -= int64(len(p))
	}
	return nil
}

// copyFrom copies by s if it can; it is for the caller to read and write otherwise.
func copyFrom(s, from Store, fromOff, off, n int64) (shared bool, err error) {
	if from, ok := from.(*shifted); ok {
		return copyFrom(s, from.Store, fromOff+from.by, off, n) // stores know each other by their types
	}
	if s, ok := s.(Copier); ok {
		return s.CopyFrom(from, fromOff, off, n)
	}
	return false, errors.ErrUnsupported
}

// mapped tells whether the byte at off of s has space; without the power all have.
func mapped(s Store, off int64) (bool, int64, error) {
	if s, ok := s.(Mapper); ok {
		return s.Mapped(off)
	}
	return true, s.Size() - off, nil
}

// shared tells whether the byte at off of s is something else's too; without the power none is.
func shared(s Store, off int64) (bool, int64, error) {
	if s, ok := s.(Sharer); ok {
		return s.Shared(off)
	}
	return false, s.Size() - off, nil
}

// prefetch starts to read; without the power nothing is done about a good range.
func prefetch(s Store, off, n int64) error {
	if s, ok := s.(Prefetcher); ok {
		return s.Prefetch(off, n)
	}
	return checkRange("prefetch", off, n, s.Size())
}

// resize makes s size bytes long; without the power s must hold that many already.
func resize(s Store, size int64) error {
	if s, ok := s.(Resizer); ok {
		return s.Resize(size)
	}
	if s.Size() < size {
		return fmt.Errorf("the store holds %d bytes and cannot be made %d: %w", s.Size(), size, ErrOutOfRange)
	}
	return nil
}

// advise returns how s likes to be used, if it says.
func advise(s Store) Advice {
	if s, ok := s.(Advisor); ok {
		return s.Advice()
	}
	return Advice{}
}
