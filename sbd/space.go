package sbd

import (
	"fmt"
	"math"
)

// Unmap, Zero and Fill of a long range are done in pieces that each hold their own range lock,
// so that nothing else waits for the whole: another call may see some pieces done and some not,
// but never half a piece with an Update in the middle. A file system, too, keeps the other
// writers of a file out while it changes its extents, and so for one piece at a time.
const piece = 4 << 20

// Unmap gives the n bytes at off back; they read as zeros. A unit that is not thin keeps the
// space. Always blocks.
func (u *Unit) Unmap(op *Op, off, n int64, durable bool) error {
	do := unmap
	if !u.thin() {
		do = zero
	}
	return u.counts.count(&u.counts.unmap, n, u.inPieces(op, off, n, durable, do))
}

// Zero makes the n bytes at off read as zeros and keeps the space. Always blocks.
func (u *Unit) Zero(op *Op, off, n int64, durable bool) error {
	do := func(s Store, off, n int64) error {
		if err := u.room(op, s, off, n); err != nil {
			return err
		}
		return zero(s, off, n)
	}
	return u.counts.count(&u.counts.zero, n, u.inPieces(op, off, n, durable, do))
}

// Fill writes pattern over the n bytes at off, again and again. The pattern is blocks that are
// all alike: it may begin anew at any of them. Always blocks.
func (u *Unit) Fill(op *Op, pattern []byte, off, n int64, durable bool) error {
	fill := func(s Store, off, n int64) error {
		if err := u.room(op, s, off, n); err != nil {
			return err
		}
		for n > 0 {
			p := pattern[:min(n, int64(len(pattern)))]
			if _, err := s.WriteAt(p, off); err != nil {
				return err
			}
			off += int64(len(p))
			n -= int64(len(p))
		}
		return nil
	}
	return u.counts.count(&u.counts.write, n, u.inPieces(op, off, n, durable, fill))
}

func (u *Unit) thin() bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.cfg.Thin
}

// inPieces runs do on each piece of the n bytes at off, and then makes them durable if asked.
// It ends with ErrStopped as soon as op says so.
func (u *Unit) inPieces(op *Op, off, n int64, durable bool, do func(Store, int64, int64) error) error {
	if !op.MayBlock {
		return ErrWouldBlock
	}
	if size := u.Size(); off < 0 || n < 0 || off > size || n > size-off {
		return u.outOfRange(off, n)
	}
	if err := u.writable(); err != nil {
		return err
	}
	for end := off + n; off < end; {
		if op.Stop != nil && op.Stop() {
			return ErrStopped
		}
		next := min(end, (off/piece+1)*piece)
		if err := u.onePiece(op, off, next-off, do); err != nil {
			return err
		}
		off = next
	}
	if durable || u.Durable() {
		on, err := u.enterStore(op, changes)
		if err != nil {
			return err
		}
		defer u.leave(op)
		return u.sync(on)
	}
	return nil
}

func (u *Unit) onePiece(op *Op, off, n int64, do func(Store, int64, int64) error) error {
	on, err := u.enter(op, off, n, changes)
	if err != nil {
		return err
	}
	defer u.leave(op)
	u.touch(off, n)
	return do(on.store, off, n)
}

// Mapped tells whether the byte at off has space and for how many bytes the answer holds.
// Always blocks.
func (u *Unit) Mapped(op *Op, off int64) (bool, int64, error) {
	if !op.MayBlock {
		return false, 0, ErrWouldBlock
	}
	on, err := u.enterStore(op, reads)
	if err != nil {
		return false, 0, u.counts.fail(err)
	}
	defer u.leave(op)
	size := u.Size()
	if off < 0 || off >= size {
		return false, 0, u.counts.fail(u.outOfRange(off, 1))
	}
	has, n, err := mapped(on.store, off)
	return has, min(n, size-off), u.counts.fail(err)
}

// Prefetch starts to read the n bytes at off. Finding them may wait for the medium: it
// always blocks.
func (u *Unit) Prefetch(op *Op, off, n int64) error {
	if !op.MayBlock {
		return ErrWouldBlock
	}
	on, err := u.enter(op, off, n, reads)
	if err == nil {
		err = prefetch(on.store, off, n)
		u.leave(op)
	}
	return u.counts.fail(err)
}

// Resize changes the capacity, of the store too where it can, and makes that durable. It
// waits until no call is inside the store. A store that cannot be resized must have grown by
// itself.
func (u *Unit) Resize(size int64) error {
	if size <= 0 {
		return fmt.Errorf("unit %s: a size of %d bytes: %w", u.id.Load().GUID, size, ErrOutOfRange)
	}
	op := Op{MayBlock: true}
	on, err := u.claim(&op, gate, whole, alone)
	if err != nil {
		return err
	}
	defer u.leave(&op)
	u.touch(min(size, u.Size()), math.MaxInt64)
	if err := resize(on.store, size); err != nil {
		return fmt.Errorf("unit %s: %w", u.id.Load().GUID, err)
	}
	u.size.Store(size)
	return u.sync(on)
}
