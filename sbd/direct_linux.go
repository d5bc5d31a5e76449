package sbd

import (
	"errors"
	"fmt"
	"sync"
	"unsafe"

	"golang.org/x/sys/unix"
)

// A direct is how a descriptor goes past the page cache (O_DIRECT), whose bytes the medium may
// cache once more: a zvol in the ARC. What moves is then aligned, in memory and on the medium.
type direct struct {
	unit   int64     // alignment and least length of what moves, in bytes; 0: through the page cache
	around sync.Pool // of *[pieceAround]byte, aligned: for memory that is not
	edges  sync.Mutex
}

// pieceAround is how much goes by way of other memory at a time, in bytes.
const pieceAround = 256 << 10

// bypass switches the page cache off for blocks of block bytes.
func (d *descriptor) bypass(block int) error {
	var st unix.Statx_t
	unit := int64(block)
	err := unix.Statx(d.fd, "", unix.AT_EMPTY_PATH, unix.STATX_DIOALIGN, &st)
	if err == nil && st.Mask&unix.STATX_DIOALIGN != 0 {
		unit = int64(max(st.Dio_mem_align, st.Dio_offset_align))
	}
	if unit == 0 {
		return fmt.Errorf("%s: the file system cannot go past the page cache: %w", d.path, errors.ErrUnsupported)
	}
	if d.Size()%unit != 0 {
		return fmt.Errorf("%s: its %d bytes are no multiple of the %d that move past the page cache: %w",
			d.path, d.Size(), unit, errors.ErrUnsupported)
	}
	if unit > int64(block) {
		return fmt.Errorf("%s: the medium moves pieces of %d bytes past the page cache, and blocks have %d: %w",
			d.path, unit, block, errors.ErrUnsupported)
	}
	flags, err := unix.FcntlInt(uintptr(d.fd), unix.F_GETFL, 0)
	if err == nil {
		_, err = unix.FcntlInt(uintptr(d.fd), unix.F_SETFL, flags|unix.O_DIRECT)
	}
	if err != nil {
		return fmt.Errorf("%s: going past the page cache: %w", d.path, explain(err))
	}
	d.direct.unit = unit
	d.noRead.Store(true) // it always waits for the medium
	d.noWrite.Store(true)
	return nil
}

// fits reports whether p can move to or from off as it is.
func (d *direct) fits(p []byte, off int64) bool {
	memory := uintptr(unsafe.Pointer(unsafe.SliceData(p)))
	return d.unit == 0 || (int64(memory)|int64(len(p))|off)&(d.unit-1) == 0
}

func (d *direct) take() *[pieceAround]byte {
	if b, _ := d.around.Get().(*[pieceAround]byte); b != nil {
		return b
	}
	return new([pieceAround]byte) // as long as this, the allocator aligns it to pages
}

// readAround is fill for memory, offsets or lengths that do not fit.
func (d *descriptor) readAround(p []byte, off int64) (int, error) {
	b := d.direct.take()
	defer d.direct.around.Put(b)
	for done := 0; done < len(p); {
		at := off + int64(done)
		from := at &^ (d.direct.unit - 1)
		n, err := unix.Pread(d.fd, b[:], from)
		switch {
		case err == unix.EINTR:
			continue
		case err != nil:
			return done, d.failed("read", off, int64(len(p)), err)
		case from+int64(n) <= at:
			return done, d.ended("read", off, int64(len(p)))
		}
		done += copy(p[done:], b[at-from:n])
	}
	return len(p), nil
}

// writeAround is drain for memory, offsets or lengths that do not fit. What lies beside them in
// the same unit is read and written again; blocks are no shorter than that, so nobody else
// writes there meanwhile but by this way.
func (d *descriptor) writeAround(p []byte, off int64) (int, error) {
	d.direct.edges.Lock()
	defer d.direct.edges.Unlock()
	b := d.direct.take()
	defer d.direct.around.Put(b)
	unit := d.direct.unit
	for done := 0; done < len(p); {
		at := off + int64(done)
		from := at &^ (unit - 1)
		n := min(len(p)-done, int(from+pieceAround-at))
		to := (at + int64(n) + unit - 1) &^ (unit - 1)
		window := b[:to-from]
		if from != at || to != at+int64(n) {
			if _, err := d.ReadAt(window, from); err != nil {
				return done, err
			}
		}
		copy(window[at-from:], p[done:done+n])
		if _, err := d.drain(window, from); err != nil {
			return done, err
		}
		done += n
	}
	return len(p), nil
}
