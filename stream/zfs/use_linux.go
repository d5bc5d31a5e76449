package zfs

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sys/unix"

	"github.com/lunarsan/lunar/stream"
)

// udev locks nodes, too: for nobody else for a moment, when somebody who wrote to one has closed it,
// while it reads the partitions again; and for who shares the lock while it looks what is there.
const (
	rescanning = 5 * time.Second
	probing    = 30 * time.Second
)

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

// lock locks a node for nobody else. Who writes has such a lock, too; it is waited for as long as it
// may be udev's.
func lock(ctx context.Context, fd int) error {
	for begun := time.Now(); ; {
		err := unix.Flock(fd, unix.LOCK_EX|unix.LOCK_NB)
		if !errors.Is(err, unix.EWOULDBLOCK) {
			return err
		}
		patience, did := probing, "shared a lock of it"
		if shared := unix.Flock(fd, unix.LOCK_SH|unix.LOCK_NB); shared != nil {
			patience, did = rescanning, "locked it"
		} else if err := unix.Flock(fd, unix.LOCK_UN); err != nil {
			return err
		}
		if time.Since(begun) >= patience {
			return fmt.Errorf("%w: for %v somebody has %s", stream.ErrInUse, patience, did)
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(20 * time.Millisecond):
		}
	}
}
