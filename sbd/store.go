package sbd

import "io"

// A Store is the medium behind a unit. See the package comment for the contract.
type Store interface {
	io.ReaderAt
	io.WriterAt
	// Size returns the store's capacity in bytes.
	Size() int64
	// Sync makes every write that has returned survive a power loss.
	Sync() error
	// Close gives the store back. No other call may be under way or follow.
	Close() error
}

// A TryReader can read without blocking.
type TryReader interface {
	// TryReadAt is ReadAt, except that it returns ErrWouldBlock, with p in any state,
	// when the bytes are not in memory.
	TryReadAt(p []byte, off int64) (int, error)
}

// A TryWriter can write without blocking.
type TryWriter interface {
	// TryWriteAt is WriteAt, except that it returns ErrWouldBlock, with nothing or a prefix
	// written, when it would have to wait. The caller repeats the whole write.
	TryWriteAt(p []byte, off int64) (int, error)
}

// An Unmapper can give space back.
type Unmapper interface {
	// Unmap deallocates the n bytes at off; they read as zeros afterwards, whether or not
	// all of the space was given back.
	Unmap(off, n int64) error
}

// A Zeroer can write zeros without being handed them.
type Zeroer interface {
	// Zero makes the n bytes at off read as zeros and keeps space for them.
	Zero(off, n int64) error
}

// A Copier can take bytes from another store without their passing through the caller's memory.
type Copier interface {
	// CopyFrom makes the n bytes at off what the n bytes at from of s are, which are not the
	// same ones. shared tells whether both take the same space from then on, until either is
	// written. An error, which is ErrUnsupported of package errors where it cannot be done so,
	// leaves the n bytes at off in any state, and no other byte touched.
	CopyFrom(s Store, from, off, n int64) (shared bool, err error)
}

// A Mapper knows which of its bytes have space.
type Mapper interface {
	// Mapped tells whether the byte at off has space, and for how many bytes from off on
	// that answer holds (n > 0).
	Mapped(off int64) (mapped bool, n int64, err error)
}

// A Sharer knows which of its bytes are also those of something else, a snapshot say, so that
// writing them takes more space.
type Sharer interface {
	// Shared tells so of the byte at off, and for how many bytes from off on that answer holds
	// (n > 0).
	Shared(off int64) (shared bool, n int64, err error)
}

// A Measurer knows what it takes of the place where it lives.
type Measurer interface {
	// Space measures it; what several callers see may differ by what was written meanwhile.
	Space() (Space, error)
}

// A Prefetcher can bring bytes into memory ahead of time.
type Prefetcher interface {
	// Prefetch starts to read the n bytes at off and does not wait.
	Prefetch(off, n int64) error
}

// A Preparer can do beforehand some of what is done to it while its writes stand still.
type Preparer interface {
	// Prepare does it, while writes go on.
	Prepare() error
}

// A Resizer can change its size.
type Resizer interface {
	// Resize makes the store size bytes long; new bytes read as zeros.
	Resize(size int64) error
}

// An Advisor knows how its medium likes to be used.
type Advisor interface {
	Advice() Advice
}

// Advice is how a medium likes to be used; zero fields are unknown. Lengths are in bytes.
type Advice struct {
	Granularity int64 // space is given back in aligned pieces of this length
	Optimal     int64 // preferred length and alignment of I/O
	Rotational  bool  // seeks cost
}
