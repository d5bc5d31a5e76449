package vmfs

import (
	"fmt"
	"io"
)

// A Device is where a volume, or an extent of one, lies: a partition, a disk with a partition
// table, or an image of either. It must allow reads at the same time.
type Device struct {
	Name string // for messages
	io.ReaderAt
	Size int64 // bytes
}

// A Slicer is a ReaderAt whose bytes can be looked at where they are, as those of a file in
// memory. Slice returns n bytes at off, or nil for a range that it does not have; they are
// read only, and must stay valid as long as the Volume is in use.
type Slicer interface {
	Slice(off int64, n int) []byte
}

// scratch is memory to read into where bytes cannot be looked at in place. It grows as it is
// used, and is never anything but memory of its own.
type scratch []byte

func (s *scratch) take(n int) []byte {
	if cap(*s) < n {
		*s = make([]byte, n)
	}
	return (*s)[:n]
}

// view returns n bytes at off: where they are when the device can show them, else read into
// buf.
func (d *Device) view(off int64, n int, buf *scratch) ([]byte, error) {
	if s, ok := d.ReaderAt.(Slicer); ok && off >= 0 && off <= d.Size-int64(n) {
		if b := s.Slice(off, n); len(b) == n {
			return b, nil
		}
	}
	p := buf.take(n)
	return p, d.fill(p, off)
}

// fill reads len(p) bytes at off.
func (d *Device) fill(p []byte, off int64) error {
	if off < 0 || off > d.Size-int64(len(p)) {
		return fmt.Errorf("reading %d bytes at %#x of %s, which has %d: %w", len(p), off, d.Name, d.Size, io.ErrUnexpectedEOF)
	}
	n, err := d.ReadAt(p, off)
	if n == len(p) {
		return nil
	}
	if err == io.EOF || err == nil {
		err = io.ErrUnexpectedEOF
	}
	return fmt.Errorf("reading %d bytes at %#x of %s: %w", len(p), off, d.Name, err)
}
