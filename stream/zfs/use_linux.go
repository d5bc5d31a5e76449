package zfs

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sys/unix"

	"github.com/lunarsan/lunar/stream"
)

// probing is how long udev may hold its lock on a node while it looks what is there.
const probing = 30 * time.Second

// claim keeps everybody else from the volume at path until leave is called: the kernel, and all
// who lock what they open, as package sbd does. Others cannot be known of. One that somebody has
// is stream.ErrInUse: ZFS would change it under them. What the kernel had cached of the volume is
// forgotten in the end.
//
// A path that is not there, or that the account may not open, is claimed without more: what is
// served to hosts is served by an account that may.
func claim(ctx context.Context, path string) (leave func(), err error) {
	var fd int
	for err = unix.EINTR; err == unix.EINTR; {
		fd, err = unix.Open(path, unix.O_RDONLY|unix.O_EXCL|unix.O_CLOEXEC, 0)
	}
	switch err {
	case nil:
	case unix.EBUSY:
		return nil, fmt.Errorf("%s: %w: the kernel does not give it to us alone", path, stream.ErrInUse)
	case unix.ENOENT, unix.ENOTDIR, unix.ENXIO, unix.ENODEV, unix.EACCES, unix.EPERM:
		return func() {}, nil
	default:
		return nil, fmt.Errorf("whether %s is in use: %w", path, err)
	}
	if err := lock(ctx, fd); err != nil {
		unix.Close(fd)
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return func() {
		// Only the last to close a device has its cache dropped, and udev may have it open.
		_ = unix.Fadvise(fd, 0, 0, unix.FADV_DONTNEED)
		unix.Close(fd)
	}, nil
}

// lock locks a node for nobody else. Who writes has such a lock, too; one that can be shared may be
// udev's, which looks at a node whenever it was written to, and is waited for.
func lock(ctx context.Context, fd int) error {
	for end := time.Now().Add(probing); ; {
		err := unix.Flock(fd, unix.LOCK_EX|unix.LOCK_NB)
		if !errors.Is(err, unix.EWOULDBLOCK) {
			return err
		}
		if shared := unix.Flock(fd, unix.LOCK_SH|unix.LOCK_NB); shared != nil {
			return fmt.Errorf("%w: somebody has locked it", stream.ErrInUse)
		}
		if time.Now().After(end) {
			return fmt.Errorf("%w: for %v somebody has shared a lock of it", stream.ErrInUse, probing)
		}
		if err := unix.Flock(fd, unix.LOCK_UN); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(20 * time.Millisecond):
		}
	}
}
