package sbd

// An Op is one command's claim on a unit. Its zero value is ready; it holds the range lock
// while a call is under way and is reused from call to call without allocation. MayBlock
// false makes every call return ErrWouldBlock, with nothing changed, rather than wait for a
// lock, the medium or a sync.
type Op struct {
	MayBlock bool
}

// ReadAt fills p from off.
func (u *Unit) ReadAt(op *Op, p []byte, off int64) error { panic("unwritten") }

// WriteAt writes p at off; durable asks for it to be on the medium before the return. It is
// implied where the unit has no write cache (Durable).
func (u *Unit) WriteAt(op *Op, p []byte, off int64, durable bool) error { panic("unwritten") }

// Update runs f while nothing else touches the n bytes at off: f reads and writes the
// range through the Exclusive it is given. Always blocks: ErrWouldBlock unless op.MayBlock.
func (u *Unit) Update(op *Op, off, n int64, durable bool, f func(Exclusive) error) error {
	panic("unwritten")
}

// An Exclusive is the right to a locked range.
type Exclusive struct{}

func (x Exclusive) ReadAt(p []byte, off int64) error  { panic("unwritten") }
func (x Exclusive) WriteAt(p []byte, off int64) error { panic("unwritten") }

// Sync makes all answered writes durable.
func (u *Unit) Sync(op *Op) error { panic("unwritten") }

// Unmap gives the n bytes at off back; they read as zeros.
func (u *Unit) Unmap(op *Op, off, n int64, durable bool) error { panic("unwritten") }

// Zero makes the n bytes at off read as zeros and keeps the space.
func (u *Unit) Zero(op *Op, off, n int64, durable bool) error { panic("unwritten") }

// Mapped tells whether the byte at off has space and for how many bytes the answer holds.
func (u *Unit) Mapped(op *Op, off int64) (bool, int64, error) { panic("unwritten") }

// Prefetch starts to read the n bytes at off.
func (u *Unit) Prefetch(op *Op, off, n int64) error { panic("unwritten") }

// Resize changes the capacity, of the store too where it can.
func (u *Unit) Resize(size int64) error { panic("unwritten") }
