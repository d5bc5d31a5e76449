package sbd

import (
	"errors"
	"fmt"
)

// A Space tells what a store takes and what is left where it lives, in bytes.
type Space struct {
	Pool string // where it lives: the stores of one pool share what is free
	Used int64  // taken by the store
	Size int64  // of the pool
	Free int64  // what stores may still take of the pool
}

// Measure asks the store what it takes and what is left. A store that cannot tell is
// errors.ErrUnsupported. It may wait for the medium.
func (u *Unit) Measure() (Space, error) {
	op := Op{MayBlock: true}
	on, err := u.enterStore(&op, reads)
	if err != nil {
		return Space{}, err
	}
	defer u.leave(&op)
	return measure(on.store)
}

// SetSpace keeps what was measured last, for Space.
func (u *Unit) SetSpace(s Space) { u.space.Store(&s) }

// Space returns what was measured last; false: nothing is known.
func (u *Unit) Space() (Space, bool) {
	s := u.space.Load()
	if s == nil {
		return Space{}, false
	}
	return *s, true
}

// SetFull makes what needs more space answer ErrNoSpace, before the pool is so full that nothing
// else in it can be written either; what has its space goes on.
func (u *Unit) SetFull(full bool) { u.full.Store(full) }

// room tells whether the n bytes at off may be written: ErrNoSpace where they have no space and
// must not take any, ErrWouldBlock where finding out has to wait. It costs one atomic load while
// there is space.
func (u *Unit) room(op *Op, s Store, off, n int64) error {
	if !u.full.Load() {
		return nil
	}
	if !op.MayBlock {
		return ErrWouldBlock
	}
	for end := off + n; off < end; {
		has, run, err := mapped(s, off)
		if err != nil {
			return err
		}
		if has {
			var taken bool
			var n int64
			taken, n, err = shared(s, off)
			has, run = !taken, min(run, n)
		}
		if err != nil {
			return err
		}
		if !has {
			return fmt.Errorf("%d bytes at %d have no space, and what is left of the pool is kept in reserve: %w", end-off, off, ErrNoSpace)
		}
		off += run
	}
	return nil
}

// measure asks s what it takes; without the power that is not known.
func measure(s Store) (Space, error) {
	if s, ok := s.(Measurer); ok {
		return s.Space()
	}
	return Space{}, fmt.Errorf("the store does not know its space: %w", errors.ErrUnsupported)
}
