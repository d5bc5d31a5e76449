package sbd

import (
	"encoding/binary"
	"unsafe"

	"golang.org/x/sys/unix"
)

// An extentMap is the argument of FS_IOC_FIEMAP: a header of 32 bytes, and room for extents of 56
// bytes each. The fields are the kernel's, in the machine's byte order.
//
//	 0 start (8)     what is asked for, in bytes
//	 8 length (8)
//	16 flags (4)
//	20 found (4)     extents filled in
//	24 room (4)      extents there is room for
//	32 extents: logical (8), physical (8), length (8), reserved, flags (4) at 40
type extentMap [32 + extentRoom*56]byte

const (
	extentRoom = 16
	extentLen  = 56
	fiemap     = 0xC020660B // FS_IOC_FIEMAP
)

// extents asks for the extents from off on, up to n bytes.
func (f *file) extents(m *extentMap, off, n int64) error {
	*m = extentMap{}
	binary.NativeEndian.PutUint64(m[0:], uint64(off))
	binary.NativeEndian.PutUint64(m[8:], uint64(n))
	binary.NativeEndian.PutUint32(m[24:], extentRoom)
	errno := unix.EINTR
	for errno == unix.EINTR {
		_, _, errno = unix.Syscall(unix.SYS_IOCTL, uintptr(f.fd), fiemap, uintptr(unsafe.Pointer(m)))
	}
	if errno != 0 {
		return errno
	}
	return nil
}

// found returns how many extents were found, and span the bytes of one of them.
func (m *extentMap) found() int { return int(binary.NativeEndian.Uint32(m[20:])) }

func (m *extentMap) span(i int) (from, to int64) {
	p := m[32+i*extentLen:]
	from = int64(binary.NativeEndian.Uint64(p))
	return from, from + int64(binary.NativeEndian.Uint64(p[16:]))
}

// Mapped looks for the extent at off. Space that was reserved and never written counts: it was
// asked for by a Zero. A file system that knows no extents tells its data from its holes instead.
func (f *file) Mapped(off int64) (bool, int64, error) {
	size := f.Size()
	if err := checkRange(f.path, off, 1, size); err != nil {
		return false, 0, err
	}
	var m extentMap
	switch err := f.extents(&m, off, size-off); err {
	case nil:
	case unix.EOPNOTSUPP, unix.ENOTTY, unix.ENOSYS, unix.EINVAL:
		return f.data(off, size)
	default:
		return false, 0, f.failed("find the extents of", off, 1, err)
	}
	if m.found() == 0 {
		return false, size - off, f.intact()
	}
	from, end := m.span(0)
	if from > off {
		return false, min(from, size) - off, nil
	}
	for i := 1; i < m.found(); i++ {
		next, to := m.span(i)
		if next != end {
			break
		}
		end = to
	}
	return true, min(end, size) - off, nil
}

// data asks for the next byte with, or without, data.
func (f *file) data(off, size int64) (bool, int64, error) {
	data, err := unix.Seek(f.fd, off, unix.SEEK_DATA)
	if err == unix.ENXIO {
		return false, size - off, f.intact()
	}
	if err != nil {
		return false, 0, f.failed("seek data", off, 1, err)
	}
	if data > off {
		return false, min(data, size) - off, nil
	}
	hole, err := unix.Seek(f.fd, off, unix.SEEK_HOLE)
	if err != nil {
		return false, 0, f.failed("seek hole", off, 1, err)
	}
	return true, min(hole, size) - off, nil
}
