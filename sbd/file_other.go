//go:build unix && !linux

package sbd

import (
	"errors"
	"fmt"
	"io"
	"os"

	"golang.org/x/sys/unix"
)

// Away from Linux, a store has no optional powers.

// deviceMode is that of a disk: raw devices are character devices.
const deviceMode = unix.S_IFCHR

type quick struct{}

func (d *descriptor) learn() {}

// A direct goes past the cache: on Linux alone.
type direct struct{}

func (d *descriptor) bypass(int) error {
	return fmt.Errorf("%s: going past the page cache: %w", d.path, errors.ErrUnsupported)
}

func (direct) fits([]byte, int64) bool { return true }

func (d *descriptor) readAround(p []byte, off int64) (int, error)  { return 0, errors.ErrUnsupported }
func (d *descriptor) writeAround(p []byte, off int64) (int, error) { return 0, errors.ErrUnsupported }

func openDevice(path string, o OpenOptions) (Store, error) {
	d := new(descriptor)
	if err := d.open(path, o, 0, 0); err != nil {
		return nil, err
	}
	d.intact = func() error { return nil }
	size, err := unix.Seek(d.fd, 0, io.SeekEnd)
	if err == nil && size == 0 {
		err = unix.ENXIO
	}
	if err != nil {
		d.Close()
		return nil, fmt.Errorf("%s: size: %w", path, describe(err))
	}
	d.size.Store(size)
	if o.Direct > 0 {
		if err := d.bypass(o.Direct); err != nil {
			d.Close()
			return nil, err
		}
	}
	return d, nil
}

func flock(fd, how int) error { return unix.Flock(fd, how) }

func datasync(fd int) error { return unix.Fsync(fd) }

// reserve keeps size bytes of space for f by writing them.
func reserve(f *os.File, size int64) error {
	for off := int64(0); off < size; off += int64(len(zeroes)) {
		if _, err := f.WriteAt(zeroes[:min(size-off, int64(len(zeroes)))], off); err != nil {
			return err
		}
	}
	return nil
}
