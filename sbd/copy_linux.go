package sbd

import (
	"errors"

	"golang.org/x/sys/unix"
)

// CopyFrom has the file system share the space of another file's bytes, which takes aligned
// ones and a file system that can (FICLONERANGE), or else has the kernel copy them.
func (f *file) CopyFrom(s Store, from, off, n int64) (shared bool, err error) {
	src, ok := s.(*file)
	if !ok {
		return false, errors.ErrUnsupported
	}
	if err := f.checkWrite(off, n); err != nil {
		return false, err
	}
	if err := src.check(from, n); err != nil {
		return false, err
	}
	if n == 0 {
		return false, nil // to the kernel, no length is up to the end
	}
	for _, whole := range []func() error{src.intact, f.intact} {
		if err := whole(); err != nil {
			return false, err
		}
	}
	span := unix.FileCloneRange{Src_fd: int64(src.fd), Src_offset: uint64(from), Src_length: uint64(n), Dest_offset: uint64(off)}
	if unix.IoctlFileCloneRange(f.fd, &span) == nil {
		return true, nil
	}
	if f.direct.unit > 0 || src.direct.unit > 0 {
		return false, errors.ErrUnsupported // the kernel would go through the page cache, and want all aligned
	}
	for end := off + n; off < end; {
		done, err := unix.CopyFileRange(src.fd, &from, f.fd, &off, int(end-off), 0)
		switch {
		case err == unix.EINTR:
		case err != nil:
			return false, f.failed("copy", off, end-off, err)
		case done == 0:
			return false, src.ended("copy", from, end-off)
		}
	}
	return false, nil
}
