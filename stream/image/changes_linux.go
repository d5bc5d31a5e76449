package image

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// Changes tells from the extents of two files where one may differ from the other: they have in
// common what is at the same place of the medium in both.
type Changes struct{ now, before extents }

// OpenChanges compares the extents of two stores. It returns nil where nothing can be told by
// them, and the bytes have to be compared: of devices, of files with layers, on file systems other
// than xfs and btrfs, whose places are those of one medium, and between two file systems.
//
// Both files are made durable first. Before that, what was written to extents that they share
// has no place of its own yet, and the extents look as they did.
func OpenChanges(now, before *Store) (*Changes, error) {
	if !now.regular || !before.regular || now.layered || before.layered {
		return nil, nil
	}
	a, err := os.Open(now.path)
	if err != nil {
		return nil, err
	}
	b, err := os.Open(before.path)
	if err != nil {
		return nil, errors.Join(err, a.Close())
	}
	c := &Changes{extents{f: a}, extents{f: b}}
	if told, err := sameMedium(a, b); err != nil || !told {
		return nil, errors.Join(err, c.Close())
	}
	if err := errors.Join(a.Sync(), b.Sync()); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return c, nil
}

// sameMedium says whether equal places in the extents of both files are the same place.
func sameMedium(a, b *os.File) (bool, error) {
	var statA, statB unix.Stat_t
	var fs unix.Statfs_t
	if err := errors.Join(unix.Fstat(int(a.Fd()), &statA), unix.Fstat(int(b.Fd()), &statB), unix.Fstatfs(int(a.Fd()), &fs)); err != nil {
		return false, err
	}
	if statA.Dev != statB.Dev {
		return false, nil
	}
	switch fs.Type {
	case unix.BTRFS_SUPER_MAGIC:
		return true, nil
	case unix.XFS_SUPER_MAGIC:
		return realtime(a) == realtime(b), nil // an xfs has a medium of its own for such files
	}
	return false, nil
}

// Close closes both files.
func (c *Changes) Close() error { return errors.Join(c.now.f.Close(), c.before.f.Close()) }

// Next finds the first range from off on that is not at the same place in both. off must not be
// less than it was before.
func (c *Changes) Next(off int64) (from, n int64, err error) {
	for at := off; ; {
		now, err := c.now.at(at)
		if err != nil {
			return 0, 0, err
		}
		before, err := c.before.at(at)
		if err != nil {
			return 0, 0, err
		}
		end := min(now.to, before.to)
		same := now.same(before, at)
		switch {
		case !same && n == 0:
			from, n = at, end-at
		case !same:
			n = end - from
		case n > 0:
			return from, n, nil
		}
		if end == endless {
			return from, n, nil
		}
		at = end
	}
}
