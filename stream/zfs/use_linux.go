package zfs

import (
	"context"
	"errors"
	"fmt"
	"syscall"
	"time"

	"github.com/lunarsan/lunar/stream"
)

// probing is how long udev may hold its lock on a node while it looks what is there.
const probing = time.Second

// claim keeps everybody else from the volume at path until leave is called: the kernel, and all
// who lock what they open, as package sbd does. Others cannot be known of. One that somebody has
// is stream.ErrInUse. ZFS would change it under them.
//
// A path that is not there, or that the account may not open, is claimed without more: what is
// served to hosts is served by an account that may.
func claim(ctx context.Context, path string) (leave func(), err error) {
	for end := time.Now().Add(probing); ; {
		fd, err := syscall.Open(path, syscall.O_RDONLY|syscall.O_EXCL|syscall.O_CLOEXEC, 0)
		switch {
		case err == nil:
			if err = syscall.Flock(fd, syscall.LOCK_EX|syscall.LOCK_NB); err == nil {
				return func() { syscall.Close(fd) }, nil
			}
			syscall.Close(fd)
		case errors.Is(err, syscall.EBUSY):
		default:
			return func() {}, nil
		}
		if time.Now().After(end) {
			return nil, fmt.Errorf("%s: %w", path, stream.ErrInUse)
		}
		select {
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		case <-time.After(probing / 50):
		}
	}
}
