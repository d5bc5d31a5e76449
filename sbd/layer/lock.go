//go:build unix

package layer

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"

	"github.com/lunarsan/lunar/sbd"
)

// A lock keeps others out, of this process and of others, until it is closed. It goes with
// whoever has it.
type lock struct{ *os.File }

// try takes the lock at path at once, or answers sbd.ErrInUse.
func try(path string, exclusive bool) (lock, error) { return take(path, exclusive, unix.LOCK_NB) }

// await takes the lock at path, and waits for those who have it for a moment.
func await(path string) (lock, error) { return take(path, true, 0) }

func take(path string, exclusive bool, how int) (lock, error) {
	if how |= unix.LOCK_SH; exclusive {
		how = how&^unix.LOCK_SH | unix.LOCK_EX
	}
	for {
		f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
		if err != nil {
			return lock{}, err
		}
		err = unix.EINTR
		for err == unix.EINTR {
			err = unix.Flock(int(f.Fd()), how)
		}
		if err != nil {
			f.Close()
			if err == unix.EWOULDBLOCK {
				err = sbd.ErrInUse
			}
			return lock{}, fmt.Errorf("%s: lock: %w", path, err)
		}
		// One that was removed meanwhile keeps out nobody who comes later.
		ours, err := f.Stat()
		if err == nil {
			var there os.FileInfo
			if there, err = os.Stat(path); err == nil && os.SameFile(ours, there) {
				return lock{f}, nil
			}
		}
		f.Close()
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			return lock{}, err
		}
	}
}

// retryPause is how long it takes until a lock that somebody has for long is tried again.
const retryPause = 100 * time.Millisecond

// turn takes the lock at path when its time comes.
func turn(ctx context.Context, path string) (lock, error) {
	for {
		l, err := try(path, true)
		if !errors.Is(err, sbd.ErrInUse) {
			return l, err
		}
		select {
		case <-ctx.Done():
			return lock{}, ctx.Err()
		case <-time.After(retryPause):
		}
	}
}

// unlock ends a lock; one that was never had will do.
func (l lock) unlock() {
	if l.File != nil {
		_ = unix.Flock(int(l.Fd()), unix.LOCK_UN) // a child that was just forked has a copy of it
		l.Close()
	}
}

func (p place) lockTop(exclusive bool) (lock, error) {
	return try(filepath.Join(p.folder, "top.lock"), exclusive)
}

func (p place) lockStack() (lock, error) { return await(filepath.Join(p.folder, "stack.lock")) }

func (p place) lockMerge(ctx context.Context) (lock, error) {
	return turn(ctx, filepath.Join(p.folder, "merge.lock"))
}

// lockPin is had by who reads a layer, and exclusively by who ends it.
func (p place) lockPin(id uint64, exclusive bool) (lock, error) { return try(p.pin(id), exclusive) }

// open says whether somebody has the volume open for writing.
func (p place) opened() bool {
	l, err := p.lockTop(false)
	l.unlock()
	return errors.Is(err, sbd.ErrInUse)
}
