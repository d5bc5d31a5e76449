package sbd

import (
	"errors"
	"fmt"
)

// An Op is one command's claim on a unit. Its zero value is ready; it holds the range lock
// while a call is under way and is reused from call to call without allocation. MayBlock
// false makes every call return ErrWouldBlock rather than wait for a lock, the medium or a
// sync; nothing has changed then, except that a write may have written a prefix of its
// range, which the call that repeats it writes again.
type Op struct {
	MayBlock bool
	// Stop, if not nil, is asked between the pieces of a long call; once it says true, the call
	// ends with ErrStopped, and what was done stays done.
	Stop func() bool

	hold  hold
	wrote bool // the Update under way wrote
}

// ReadAt fills p from off.
func (u *Unit) ReadAt(op *Op, p []byte, off int64) error {
	n := int64(len(p))
	on, err := u.enter(op, off, n, reads)
	if err == nil {
		err = u.read(op, on, p, off)
	}
	return u.counts.count(&u.counts.read, n, err)
}

// read ends op's claim even when the store panics, as write and update do.
func (u *Unit) read(op *Op, on *state, p []byte, off int64) error {
	defer u.leave(op)
	return on.read(p, off, op.MayBlock)
}

// WriteAt writes p at off; durable asks for it to be on the medium before the return. It is
// implied where the unit has no write cache (Durable). A durable write always blocks.
func (u *Unit) WriteAt(op *Op, p []byte, off int64, durable bool) error {
	durable = durable || u.Durable()
	if durable && !op.MayBlock {
		return ErrWouldBlock
	}
	n := int64(len(p))
	on, err := u.enter(op, off, n, changes)
	if err == nil {
		err = u.write(op, on, p, off, durable)
	}
	return u.counts.count(&u.counts.write, n, err)
}

func (u *Unit) write(op *Op, on *state, p []byte, off int64, durable bool) error {
	defer u.leave(op)
	if err := u.writable(); err != nil {
		return err
	}
	if err := u.room(op, on.store, off, int64(len(p))); err != nil {
		return err
	}
	u.touch(off, int64(len(p)))
	if err := on.write(p, off, op.MayBlock); err != nil {
		return err
	}
	if durable {
		return u.sync(on)
	}
	return nil
}

// Update runs f while nothing else touches the n bytes at off: f reads and writes the
// range through the Exclusive it is given, which is void after f. What f wrote is as durable
// as WriteAt would make it, before anyone else sees it. Always blocks: ErrWouldBlock unless
// op.MayBlock.
func (u *Unit) Update(op *Op, off, n int64, durable bool, f func(Exclusive) error) error {
	if !op.MayBlock {
		return ErrWouldBlock
	}
	on, err := u.enter(op, off, n, alone)
	if err == nil {
		err = u.update(op, on, off, n, durable || u.Durable(), f)
	}
	if err == nil {
		u.counts.updates.Add(1)
	}
	// A comparison that fails is an answer, not a fault of the unit.
	if errors.Is(err, ErrMismatch) {
		return err
	}
	return u.counts.fail(err)
}

func (u *Unit) update(op *Op, on *state, off, n int64, durable bool, f func(Exclusive) error) error {
	defer u.leave(op)
	op.wrote = false
	if err := f(Exclusive{unit: u, op: op, on: on, off: off, end: off + n}); err != nil {
		return err
	}
	if op.wrote && durable {
		return u.sync(on)
	}
	return nil
}

// An Exclusive is the right to a locked range.
type Exclusive struct {
	unit     *Unit
	op       *Op
	on       *state
	off, end int64
}

// ReadAt fills p from off, which counts from the start of the unit.
func (x Exclusive) ReadAt(p []byte, off int64) error {
	err := x.within(p, off)
	if err == nil {
		err = x.on.read(p, off, true)
	}
	return x.unit.counts.count(&x.unit.counts.read, int64(len(p)), err)
}

// WriteAt writes p at off, which counts from the start of the unit.
func (x Exclusive) WriteAt(p []byte, off int64) error {
	err := x.within(p, off)
	if err == nil {
		err = x.unit.writable()
	}
	if err == nil {
		err = x.unit.room(x.op, x.on.store, off, int64(len(p)))
	}
	if err == nil {
		x.op.wrote = true
		x.unit.touch(off, int64(len(p)))
		err = x.on.write(p, off, true)
	}
	return x.unit.counts.count(&x.unit.counts.write, int64(len(p)), err)
}

func (x Exclusive) within(p []byte, off int64) error {
	if off < x.off || off > x.end || int64(len(p)) > x.end-off {
		return fmt.Errorf("%d bytes at %d outside the locked range %d to %d: %w",
			len(p), off, x.off, x.end, ErrOutOfRange)
	}
	return nil
}

// Sync makes all answered writes durable. Always blocks.
func (u *Unit) Sync(op *Op) error {
	if !op.MayBlock {
		return ErrWouldBlock
	}
	on, err := u.enterStore(op, changes)
	if err == nil {
		err = u.sync(on)
		u.leave(op)
	}
	return u.counts.fail(err)
}

func (u *Unit) sync(on *state) error {
	u.counts.syncs.Add(1)
	led, err := u.commit.commit(on.store)
	switch {
	case !led:
		return err
	case err != nil:
		u.tell()
	case u.gone.Load() != nil: // it is back: a sync looks whether the store is whole
		u.gone.Store(nil)
	}
	u.counts.commits.Add(1)
	return err
}

// writable tells why nothing can be written, or nil.
func (u *Unit) writable() error {
	if u.readOnly.Load() {
		return ErrReadOnly
	}
	return u.commit.fault()
}

// read fills p from the store; it waits for the medium only with mayBlock.
func (s *state) read(p []byte, off int64, mayBlock bool) (err error) {
	switch {
	case mayBlock:
		_, err = s.store.ReadAt(p, off)
	case s.reader != nil:
		_, err = s.reader.TryReadAt(p, off)
	default:
		err = ErrWouldBlock
	}
	return err
}

// write writes p to the store; it waits for the medium only with mayBlock.
func (s *state) write(p []byte, off int64, mayBlock bool) (err error) {
	switch {
	case mayBlock:
		_, err = s.store.WriteAt(p, off)
	case s.writer != nil:
		_, err = s.writer.TryWriteAt(p, off)
	default:
		err = ErrWouldBlock
	}
	return err
}
