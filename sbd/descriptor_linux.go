package sbd

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"

	"golang.org/x/sys/unix"
)

// quick is what a descriptor knows about not waiting for the medium.
type quick struct {
	inMemory        bool        // the file system never waits: tmpfs, ramfs
	noRead, noWrite atomic.Bool // RWF_NOWAIT was answered with EOPNOTSUPP
}

// learn finds out whether the file system is in memory: it says EOPNOTSUPP to RWF_NOWAIT
// where plain calls would do.
func (d *descriptor) learn() {
	var st unix.Statfs_t
	if unix.Fstatfs(d.fd, &st) == nil {
		kind := uint32(st.Type)
		d.inMemory = kind == unix.TMPFS_MAGIC || kind == unix.RAMFS_MAGIC
	}
}

// TryReadAt is ReadAt of bytes in the page cache.
func (d *descriptor) TryReadAt(p []byte, off int64) (int, error) {
	if d.inMemory {
		return d.ReadAt(p, off)
	}
	if d.noRead.Load() {
		return 0, ErrWouldBlock
	}
	if err := d.check(off, int64(len(p))); err != nil {
		return 0, err
	}
	n, err := unix.Preadv2(d.fd, [][]byte{p}, off, unix.RWF_NOWAIT)
	if err == unix.EOPNOTSUPP || err == unix.ENOSYS {
		d.noRead.Store(true)
	}
	if err != nil || n < len(p) {
		return 0, ErrWouldBlock // ReadAt tells errors and the end of the file
	}
	return n, nil
}

// TryWriteAt is WriteAt into the page cache.
func (d *descriptor) TryWriteAt(p []byte, off int64) (int, error) {
	if d.inMemory {
		return d.WriteAt(p, off)
	}
	if d.noWrite.Load() {
		return 0, ErrWouldBlock
	}
	if err := d.checkWrite(off, int64(len(p))); err != nil {
		return 0, err
	}
	n, err := unix.Pwritev2(d.fd, [][]byte{p}, off, unix.RWF_NOWAIT)
	if err == unix.EOPNOTSUPP || err == unix.ENOSYS {
		d.noWrite.Store(true)
	}
	if err != nil || n < len(p) {
		return 0, ErrWouldBlock
	}
	return n, nil
}

// Prefetch starts to read the n bytes at off.
func (d *descriptor) Prefetch(off, n int64) error {
	if err := checkRange(d.path, off, n, d.Size()); err != nil {
		return err
	}
	if err := unix.Fadvise(d.fd, off, n, unix.FADV_WILLNEED); err != nil {
		return d.failed("prefetch", off, n, err)
	}
	return nil
}

func flock(fd, how int) error { return unix.Flock(fd, how) }

func datasync(fd int) error { return unix.Fdatasync(fd) }

// reserve keeps size bytes of space for f.
func reserve(f *os.File, size int64) error {
	err := error(unix.EINTR)
	for err == unix.EINTR {
		err = unix.Fallocate(int(f.Fd()), 0, 0, size)
	}
	if err == unix.EOPNOTSUPP {
		return fmt.Errorf("the file system cannot reserve space, make the file thin: %w", err)
	}
	return err
}

// A queue is the sysfs folder of a block device's request queue.
type queue string

// queueOf returns the queue of the device number dev, of the disk for a partition; empty if
// the kernel shows none, as for the anonymous device of a network file system.
func queueOf(dev uint64) queue {
	disk, err := filepath.EvalSymlinks(fmt.Sprintf("/sys/dev/block/%d:%d", unix.Major(dev), unix.Minor(dev)))
	if err != nil {
		return ""
	}
	for _, folder := range []string{filepath.Join(disk, "queue"), filepath.Join(disk, "../queue")} {
		if _, err := os.Stat(folder); err == nil {
			return queue(folder)
		}
	}
	return ""
}

// number returns the attribute's value, or 0.
func (q queue) number(attribute string) int64 {
	if q == "" {
		return 0
	}
	text, err := os.ReadFile(filepath.Join(string(q), attribute))
	if err != nil {
		return 0
	}
	n, _ := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64)
	return n
}
