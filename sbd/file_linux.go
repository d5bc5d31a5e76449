package sbd

import (
	"golang.org/x/sys/unix"
)

// TryWriteAt is WriteAt into the page cache.
func (f *file) TryWriteAt(p []byte, off int64) (int, error) {
	if !f.inMemory && f.noWrite.Load() {
		return 0, ErrWouldBlock
	}
	if err := f.intact(); err != nil {
		return 0, err
	}
	return f.descriptor.TryWriteAt(p, off)
}

// Unmap punches a hole.
func (f *file) Unmap(off, n int64) error {
	return f.allocate("unmap", unix.FALLOC_FL_PUNCH_HOLE|unix.FALLOC_FL_KEEP_SIZE, off, n)
}

// Zero makes the n bytes at off zeros that have space.
func (f *file) Zero(off, n int64) error {
	return f.allocate("zero", unix.FALLOC_FL_ZERO_RANGE|unix.FALLOC_FL_KEEP_SIZE, off, n)
}

// allocate runs fallocate, or writes zeros where the file system does not know mode: tmpfs
// has no zero range, NFS before 4.2 neither.
func (f *file) allocate(what string, mode uint32, off, n int64) error {
	if err := f.checkWrite(off, n); err != nil || n == 0 {
		return err
	}
	if err := f.intact(); err != nil {
		return err
	}
	err := error(unix.EINTR)
	for err == unix.EINTR {
		err = unix.Fallocate(f.fd, mode, off, n)
	}
	switch err {
	case nil:
		return nil
	case unix.EOPNOTSUPP, unix.ENOSYS:
		return writeZeros(f, off, n)
	}
	return f.failed(what, off, n, err)
}

// Advice is that of the file system, and of the disk below where it shows.
func (f *file) Advice() Advice {
	var st unix.Stat_t
	if unix.Fstat(f.fd, &st) != nil {
		return Advice{}
	}
	block := int64(st.Blksize)
	return Advice{
		Granularity: block,
		Optimal:     block,
		Rotational:  queueOf(uint64(st.Dev)).number("rotational") == 1,
	}
}
