package image

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// Clone makes a new file at to that has what the file at from has at this instant, and shares its
// extents until either is written: FICLONE of xfs and btrfs. It is not durable yet. An error that
// is errors.ErrUnsupported says that this cannot be done there.
func Clone(from, to string) (err error) {
	source, err := os.Open(from)
	if err != nil {
		return err
	}
	defer source.Close()
	dest, err := os.OpenFile(to, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	defer func() {
		if err = errors.Join(err, dest.Close()); err != nil {
			_ = os.Remove(to) // what is left has no use
		}
	}()
	sameChecksums(dest, source)
	for {
		err = unix.IoctlFileClone(int(dest.Fd()), int(source.Fd()))
		switch err {
		case unix.EINTR:
			continue
		case nil:
			return nil
		case unix.EOPNOTSUPP, unix.ENOTTY, unix.ENOSYS, unix.EXDEV, unix.EINVAL:
			err = fmt.Errorf("%w: %w", errors.ErrUnsupported, err)
		}
		return fmt.Errorf("%s: share the extents of %s: %w", to, from, err)
	}
}

// sameChecksums has btrfs keep checksums of dest's data if and only if it does of source's: files
// of both kinds do not share extents. Elsewhere it does nothing.
func sameChecksums(dest, source *os.File) {
	const noCow = 0x00800000 // FS_NOCOW_FL
	flags, err := unix.IoctlGetInt(int(source.Fd()), unix.FS_IOC_GETFLAGS)
	if err == nil && flags&noCow != 0 {
		if own, err := unix.IoctlGetInt(int(dest.Fd()), unix.FS_IOC_GETFLAGS); err == nil {
			_ = unix.IoctlSetPointerInt(int(dest.Fd()), unix.FS_IOC_SETFLAGS, own|noCow) // FICLONE says so if it matters
		}
	}
}

// Exclusive is how much of a file's space no other file shares (bytes); -1 where that is not
// known.
func Exclusive(path string) (n int64, err error) {
	f, err := os.Open(path)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if told, err := sameMedium(f, f); err != nil || !told {
		return -1, err
	}
	const shared = 0x2000 // FIEMAP_EXTENT_SHARED
	x := extents{f: f}
	for at := int64(0); ; {
		e, err := x.at(at)
		if err != nil || e.to == endless {
			return n, err
		}
		if e.place >= 0 && e.flags&shared == 0 {
			n += e.to - e.from
		}
		at = e.to
	}
}
