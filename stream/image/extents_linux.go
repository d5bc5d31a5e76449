package image

import (
	"encoding/binary"
	"fmt"
	"math"
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

// endless is the end of what is behind the last extent of a file.
const endless = math.MaxInt64

// An extent is a run of a file's bytes that lie on the medium one behind another, or a hole.
type extent struct {
	from, to int64 // in the file (bytes)
	place    int64 // on the medium, of from; -1: there is none, it is a hole
	flags    uint32
}

// Flags of extents, as FS_IOC_FIEMAP has them.
const (
	extentLast      = 0x1
	extentUnwritten = 0x800

	// Where one of these is set the place is none, or not of these bytes alone: it is not
	// known, not decided yet, of a compressed or encrypted extent, or inside of metadata.
	extentNoPlace = 0x2 | 0x4 | 0x8 | 0x80 | 0x100 | 0x200 | 0x400
)

// same says whether e and o, which both have byte at of their files, have the same there.
func (e extent) same(o extent, at int64) bool {
	if e.place < 0 || o.place < 0 {
		return e.place < 0 && o.place < 0
	}
	return (e.flags|o.flags)&extentNoPlace == 0 && e.flags&extentUnwritten == o.flags&extentUnwritten &&
		e.place+at-e.from == o.place+at-o.from
}

// extents are those of a file, some at a time.
type extents struct {
	f    *os.File
	some []extent // without holes
	done bool     // nothing is behind some
}

// at is the extent or hole that byte off is in. off must not be less than it was before.
func (x *extents) at(off int64) (extent, error) {
	for {
		for len(x.some) > 0 && x.some[0].to <= off {
			x.some = x.some[1:]
		}
		if len(x.some) > 0 || x.done {
			break
		}
		if err := x.load(off); err != nil {
			return extent{}, err
		}
	}
	switch {
	case len(x.some) == 0:
		return extent{from: off, to: endless, place: -1}, nil
	case off < x.some[0].from:
		return extent{from: off, to: x.some[0].from, place: -1}, nil
	}
	return x.some[0], nil
}

// An extentMap is the argument of FS_IOC_FIEMAP, in the machine's byte order.
//
//	 0  start u64, length u64: what is asked for (bytes)
//	16  flags u32, found u32, room u32, reserved u32
//	32  extents: logical u64, physical u64, length u64, reserved [16], flags u32, reserved [12]
type extentMap [32 + extentRoom*extentLen]byte

const (
	extentRoom = 256
	extentLen  = 56
	fiemap     = 0xC020660B // FS_IOC_FIEMAP
	fiemapSync = 1          // FIEMAP_FLAG_SYNC
)

// load asks for the extents from off on.
func (x *extents) load(off int64) error {
	m := new(extentMap)
	binary.NativeEndian.PutUint64(m[0:], uint64(off))
	binary.NativeEndian.PutUint64(m[8:], uint64(endless-off))
	binary.NativeEndian.PutUint32(m[16:], fiemapSync)
	binary.NativeEndian.PutUint32(m[24:], extentRoom)
	if errno := ioctl(x.f, fiemap, unsafe.Pointer(m)); errno != 0 {
		return fmt.Errorf("%s: find the extents behind byte %d: %w", x.f.Name(), off, errno)
	}
	found := min(extentRoom, int(binary.NativeEndian.Uint32(m[20:])))
	x.some, x.done = x.some[:0:0], found < extentRoom
	for i := range found {
		p := m[32+i*extentLen:][:extentLen]
		e := extent{
			from:  int64(binary.NativeEndian.Uint64(p)),
			place: int64(binary.NativeEndian.Uint64(p[8:])),
			flags: binary.NativeEndian.Uint32(p[40:]),
		}
		e.to = e.from + int64(binary.NativeEndian.Uint64(p[16:]))
		if e.to <= off {
			return fmt.Errorf("%s: find the extents behind byte %d: the file system names one that ends at %d", x.f.Name(), off, e.to)
		}
		x.some = append(x.some, e)
		x.done = x.done || e.flags&extentLast != 0
	}
	return nil
}

// realtime says whether the data of a file of xfs is on the file system's realtime device.
func realtime(f *os.File) bool {
	const (
		get  = 0x801C581F // FS_IOC_FSGETXATTR
		flag = 1          // FS_XFLAG_REALTIME
	)
	var attr [28]byte // xflags u32 first
	return ioctl(f, get, unsafe.Pointer(&attr)) == 0 && binary.NativeEndian.Uint32(attr[:])&flag != 0
}

func ioctl(f *os.File, request uintptr, p unsafe.Pointer) unix.Errno {
	for {
		if _, _, errno := unix.Syscall(unix.SYS_IOCTL, f.Fd(), request, uintptr(p)); errno != unix.EINTR {
			return errno
		}
	}
}
