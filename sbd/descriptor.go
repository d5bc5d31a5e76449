//go:build unix

package sbd

import (
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// A descriptor is an open file or device: what a file store and a device store share. The
// descriptor stays raw, because an os.File would take a lock for each call.
type descriptor struct {
	fd       int
	path     string
	size     atomic.Int64
	readOnly bool
	// intact tells whether what was opened is still there, whole: nil, or an error that
	// wraps ErrGone.
	intact func() error
	quick
	direct direct
}

// open opens path with flags and locks it against every other store, unless o says not to;
// read-only ones may share it. It tries for as long as patience says.
func (d *descriptor) open(path string, o OpenOptions, flags int, patience time.Duration) (err error) {
	mode, lock := unix.O_RDWR, unix.LOCK_EX
	if o.ReadOnly {
		mode, lock = unix.O_RDONLY, unix.LOCK_SH
	}
	d.path, d.readOnly = path, o.ReadOnly
	if d.fd, err = unix.Open(path, mode|flags|unix.O_CLOEXEC, 0); err != nil {
		return fmt.Errorf("%s: open: %w", path, explain(err))
	}
	if o.Unlocked {
		return nil
	}
	for limit := time.Now().Add(patience); ; time.Sleep(patience / 100) {
		if err = flock(d.fd, lock|unix.LOCK_NB); err != unix.EWOULDBLOCK || time.Now().After(limit) {
			break
		}
	}
	if err != nil {
		unix.Close(d.fd)
		if err == unix.EWOULDBLOCK {
			err = ErrInUse
		}
		return fmt.Errorf("%s: lock: %w", path, err)
	}
	return nil
}

// Size returns the capacity in bytes.
func (d *descriptor) Size() int64 { return d.size.Load() }

// ReadAt fills p from off.
func (d *descriptor) ReadAt(p []byte, off int64) (int, error) {
	if err := d.check(off, int64(len(p))); err != nil {
		return 0, err
	}
	if !d.direct.fits(p, off) {
		return d.readAround(p, off)
	}
	for done := 0; done < len(p); {
		n, err := unix.Pread(d.fd, p[done:], off+int64(done))
		switch {
		case err == unix.EINTR:
		case err != nil:
			return done, d.failed("read", off, int64(len(p)), err)
		case n == 0:
			return done, d.ended("read", off, int64(len(p)))
		}
		done += max(n, 0)
	}
	return len(p), nil
}

// WriteAt writes p at off.
func (d *descriptor) WriteAt(p []byte, off int64) (int, error) {
	if err := d.checkWrite(off, int64(len(p))); err != nil {
		return 0, err
	}
	if !d.direct.fits(p, off) {
		return d.writeAround(p, off)
	}
	return d.drain(p, off)
}

// drain writes all of p at off.
func (d *descriptor) drain(p []byte, off int64) (int, error) {
	for done := 0; done < len(p); {
		n, err := unix.Pwrite(d.fd, p[done:], off+int64(done))
		switch {
		case err == unix.EINTR:
		case err != nil:
			return done, d.failed("write", off, int64(len(p)), err)
		case n == 0:
			return done, d.ended("write", off, int64(len(p)))
		}
		done += max(n, 0)
	}
	return len(p), nil
}

// Sync makes every write that has returned survive a power loss.
func (d *descriptor) Sync() error {
	if d.readOnly {
		return nil
	}
	err := error(unix.EINTR)
	for err == unix.EINTR {
		err = datasync(d.fd)
	}
	if err != nil {
		return d.failed("sync", 0, 0, err)
	}
	return d.intact()
}

// Close gives the file or device back. A child process that was forked and has not executed
// anything yet has a copy of the descriptor, and would keep the lock for that moment.
func (d *descriptor) Close() error {
	_ = flock(d.fd, unix.LOCK_UN) // where there is none, nothing happens
	if err := unix.Close(d.fd); err != nil {
		return fmt.Errorf("%s: close: %w", d.path, describe(err))
	}
	return nil
}

func (d *descriptor) check(off, n int64) error {
	return checkRange(d.path, off, n, d.size.Load())
}

func (d *descriptor) checkWrite(off, n int64) error {
	if d.readOnly {
		return fmt.Errorf("%s: opened so: %w", d.path, ErrReadOnly)
	}
	return d.check(off, n)
}

// failed explains err, which n bytes at off met.
func (d *descriptor) failed(what string, off, n int64, err error) error {
	if gone := d.intact(); gone != nil {
		return gone
	}
	return fmt.Errorf("%s: %s %d bytes at %d: %w", d.path, what, n, off, describe(err))
}

// ended explains why the medium ended before Size.
func (d *descriptor) ended(what string, off, n int64) error {
	if gone := d.intact(); gone != nil {
		return gone
	}
	return fmt.Errorf("%s: %s %d bytes at %d: it ends before that: %w", d.path, what, n, off, ErrGone)
}

// describe wraps what a call on an open store met in the sentinel that says what it means.
func describe(err error) error {
	if means := meaning(err); means != nil {
		return fmt.Errorf("%w: %w", means, err)
	}
	return fmt.Errorf("%w: %w", ErrMedium, err)
}

// explain is describe for what happens before a store is open, when the medium is not to
// blame for what has no sentinel.
func explain(err error) error {
	if means := meaning(err); means != nil {
		return fmt.Errorf("%w: %w", means, err)
	}
	return err
}

func meaning(err error) error {
	for _, row := range causes {
		if errors.Is(err, row.errno) {
			return row.means
		}
	}
	return nil
}

// causes lists what an errno means.
var causes = [...]struct {
	errno unix.Errno
	means error
}{
	{unix.ENOSPC, ErrNoSpace},
	{unix.EDQUOT, ErrNoSpace},
	{unix.EROFS, ErrReadOnly},
	{unix.EPERM, ErrReadOnly}, // sealed, or immutable
	{unix.ETXTBSY, ErrInUse},
	{unix.EBUSY, ErrInUse},
	{unix.ENOENT, ErrGone},
	{unix.ENXIO, ErrGone},
	{unix.ENODEV, ErrGone},
	{unix.ESTALE, ErrGone},
}
