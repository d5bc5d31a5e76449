package sbd

import (
	"fmt"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// Space is what the file takes of its file system. What is kept for root counts as taken.
func (f *file) Space() (Space, error) {
	var st unix.Stat_t
	if err := unix.Fstat(f.fd, &st); err != nil {
		return Space{}, fmt.Errorf("%s: %w", f.path, describe(err))
	}
	var fs unix.Statfs_t
	err := error(unix.EINTR)
	for err == unix.EINTR {
		err = unix.Fstatfs(f.fd, &fs)
	}
	if err != nil {
		return Space{}, fmt.Errorf("%s: %w", f.path, describe(err))
	}
	const sector = 512 // of st_blocks, whatever the file system's blocks are
	return Space{
		Pool: mountPoint(f.path, uint64(st.Dev)),
		Used: st.Blocks * sector,
		Size: int64(fs.Blocks-fs.Bfree+fs.Bavail) * int64(fs.Frsize),
		Free: int64(fs.Bavail) * int64(fs.Frsize),
	}, nil
}

// mountPoint returns the uppermost folder above path on the device dev.
func mountPoint(path string, dev uint64) string {
	if real, err := filepath.EvalSymlinks(path); err == nil {
		path = real
	}
	top := filepath.Dir(path)
	for {
		var st unix.Stat_t
		parent := filepath.Dir(top)
		if parent == top || unix.Stat(parent, &st) != nil || uint64(st.Dev) != dev {
			return top
		}
		top = parent
	}
}
