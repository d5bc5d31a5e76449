package sbd

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
)

// CopyPiece is the length of the pieces in which a copy is done, in bytes. Each holds its own
// locks: the source's shared, the destination's exclusively, so that a WRITE, an UNMAP or a
// comparison sees a piece as it was or as it will be, and waits for no more than one.
const CopyPiece = 1 << 20

// A Copy is a range of a unit that is to be in another one, or elsewhere in the same. Where
// the two overlap, it comes out as if all had been read before anything was written.
type Copy struct {
	From    *Unit
	FromOff int64
	Off, N  int64 // of the destination
	Durable bool  // see Unit.WriteAt
	Late    bool  // not durable at its end: the caller, who has more to copy, calls Sync

	// Buffers of CopyPiece bytes each, one at least, are what the bytes pass through that the
	// stores cannot hand over by themselves. As many pieces are under way at a time.
	Buffers [][]byte
	// Between, if not nil, is called before each piece, one call at a time. Its error ends
	// the copy.
	Between func() error
	// Watch, if not nil, is of the source: the copy ends with ErrChanged once it has changed.
	Watch *Watch
	// Done, if not nil, counts the bytes that are copied.
	Done *atomic.Int64
}

// A CopyError says which side of a copy has failed, and where.
type CopyError struct {
	Source bool
	Off    int64 // in that unit
	Err    error
}

func (e *CopyError) Error() string {
	side := "destination"
	if e.Source {
		side = "source"
	}
	return fmt.Sprintf("copy: the %s at %d: %v", side, e.Off, e.Err)
}

func (e *CopyError) Unwrap() error { return e.Err }

// CopyFrom does c with u as the destination. It always blocks. When it returns, nothing of it
// touches either unit any more; after an error, which is a *CopyError unless it is that of
// Between or ErrChanged, any of its pieces may have been copied.
func (u *Unit) CopyFrom(c Copy) error {
	err := u.copyFrom(c)
	var failed *CopyError
	switch {
	case err == nil:
		u.counts.copies.Add(1)
	case !errors.As(err, &failed):
	case failed.Source:
		c.From.counts.fail(failed.Err)
	default:
		u.counts.fail(failed.Err)
	}
	return err
}

func (u *Unit) copyFrom(c Copy) error {
	if size := c.From.Size(); c.FromOff < 0 || c.N < 0 || c.FromOff > size || c.N > size-c.FromOff {
		return &CopyError{true, c.FromOff, c.From.outOfRange(c.FromOff, c.N)}
	}
	if size := u.Size(); c.Off < 0 || c.Off > size || c.N > size-c.Off {
		return &CopyError{false, c.Off, u.outOfRange(c.Off, c.N)}
	}
	r := &copyRun{Copy: c, into: u, shift: c.FromOff - c.Off, end: c.Off + c.N, thin: u.thin()}
	// A unit that keeps its space must not come to share it: writing to it would need more.
	r.share = r.thin && c.From.thin()
	r.overlap = c.From == u && -c.N < r.shift && r.shift < c.N
	helpers := r.Buffers[1:]
	if r.overlap {
		helpers = nil
	}
	var wg sync.WaitGroup
	for _, b := range helpers {
		wg.Go(func() { r.work(b) })
	}
	r.work(r.Buffers[0])
	wg.Wait()
	if r.panicked != nil {
		panic(r.panicked)
	}
	if r.err != nil {
		return r.err
	}
	if c.N > 0 && !c.Late && (c.Durable || u.Durable()) {
		op := Op{MayBlock: true}
		on, err := u.enterStore(&op, changes)
		if err == nil {
			err = u.sync(on)
			u.leave(&op)
		}
		if err != nil {
			return &CopyError{false, c.Off, err}
		}
	}
	return nil
}

// A copyRun is a copy under way. Off and end bound what is left of it.
type copyRun struct {
	Copy
	into    *Unit
	shift   int64 // from an offset in the destination to that in the source
	thin    bool  // the destination gives space back
	share   bool  // source and destination may share space
	overlap bool  // one piece at a time, each read as a whole before it is written

	mu       sync.Mutex
	end      int64
	err      error
	panicked any
}

// work copies pieces through b until there are none, or one has failed.
func (r *copyRun) work(b []byte) {
	// A store that panics on a goroutine of ours would take the process with it.
	defer func() {
		if p := recover(); p != nil {
			r.mu.Lock()
			defer r.mu.Unlock()
			r.panicked, r.err = p, ErrMedium
		}
	}()
	p := &copyPiece{copyRun: r, buffer: b, srcOp: Op{MayBlock: true}, dstOp: Op{MayBlock: true}}
	for p.next() {
		err := p.copy()
		if err == nil && r.Watch != nil && r.Watch.Changed() {
			err = ErrChanged
		}
		if err != nil {
			r.fail(err)
			return
		}
		if r.Done != nil {
			r.Done.Add(p.n)
		}
	}
}

// fail ends the copy with err, unless it has failed before.
func (r *copyRun) fail(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.err == nil {
		r.err = err
	}
}
