package sbd

import (
	"fmt"
	"path/filepath"
	"strings"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

const deviceMode = unix.S_IFBLK

// probing is how long udev may hold its lock on a device while it looks what is on it.
const probing = time.Second

// A device is a store on a block device or zvol.
type device struct {
	descriptor
	block   int64 // logical block length
	advice  Advice
	discard int64 // BLKDISCARD leaves zeros in aligned pieces of this length; 0: no promise
}

func openDevice(path string, o OpenOptions) (Store, error) {
	d := new(device)
	flags := 0
	if !o.ReadOnly && !o.Unlocked {
		flags = unix.O_EXCL // refused while the kernel has the device mounted or in use
	}
	if err := d.open(path, o, flags, probing); err != nil {
		return nil, err
	}
	d.intact = d.whole
	err := d.measure()
	if err == nil && o.Direct > 0 {
		err = d.bypass(o.Direct)
	}
	if err != nil {
		d.Close()
		return nil, err
	}
	return d, nil
}

// measure finds the size and the ways of the device.
func (d *device) measure() error {
	var st unix.Stat_t
	if err := unix.Fstat(d.fd, &st); err != nil {
		return fmt.Errorf("%s: %w", d.path, describe(err))
	}
	size, err := d.length()
	if err != nil {
		return err
	}
	block, err := unix.IoctlGetInt(d.fd, unix.BLKSSZGET)
	if err != nil {
		return fmt.Errorf("%s: logical block size: %w", d.path, describe(err))
	}
	if size == 0 {
		return fmt.Errorf("%s: the device is empty: %w", d.path, ErrOutOfRange)
	}
	d.size.Store(size)
	d.block = int64(block)
	q := queueOf(st.Rdev)
	d.advice = Advice{
		Granularity: q.number("discard_granularity"),
		Optimal:     q.number("optimal_io_size"),
		Rotational:  q.number("rotational") == 1,
	}
	// A zvol frees whole volume blocks on discard and reads them as zeros; the block layer
	// knows no way to say so, and offers for it no zeroing that frees space.
	if strings.HasPrefix(filepath.Base(filepath.Dir(string(q))), "zd") && d.advice.Granularity > 0 {
		d.discard = max(d.advice.Granularity, int64(unix.Getpagesize())) // part of a page would stay cached
	}
	return nil
}

// length asks the kernel for the capacity in bytes.
func (d *device) length() (int64, error) {
	var size uint64
	_, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(d.fd), unix.BLKGETSIZE64, uintptr(unsafe.Pointer(&size)))
	if errno != 0 {
		return 0, fmt.Errorf("%s: size: %w", d.path, describe(errno))
	}
	return int64(size), nil
}

// whole tells whether the device is still there with all its bytes.
func (d *device) whole() error {
	size, err := d.length()
	if err != nil {
		return fmt.Errorf("%w: %w", ErrGone, err)
	}
	if was := d.size.Load(); size < was {
		return fmt.Errorf("%s: the device shrank to %d of %d bytes: %w", d.path, size, was, ErrGone)
	}
	return nil
}

// Size returns the capacity in bytes, which grows with the device.
func (d *device) Size() int64 {
	if size, err := d.length(); err == nil && size > d.size.Load() {
		d.size.Store(size)
	}
	return d.size.Load()
}

// Advice is that of the device's queue.
func (d *device) Advice() Advice { return d.advice }

// Unmap frees what the device can free with zeros in its place, and writes zeros elsewhere.
func (d *device) Unmap(off, n int64) error {
	if d.discard > 0 {
		return d.aligned(off, n, d.discard, d.discardZeros)
	}
	return d.aligned(off, n, d.block, func(off, n int64) error {
		return d.allocate("unmap", unix.FALLOC_FL_PUNCH_HOLE|unix.FALLOC_FL_KEEP_SIZE, off, n)
	})
}

// Zero has the device write zeros where it can, and the kernel where it cannot.
func (d *device) Zero(off, n int64) error {
	return d.aligned(off, n, d.block, func(off, n int64) error {
		return d.allocate("zero", unix.FALLOC_FL_ZERO_RANGE|unix.FALLOC_FL_KEEP_SIZE, off, n)
	})
}

// aligned runs f on the part of the n bytes at off that is made of whole units, and writes
// zeros around it.
func (d *device) aligned(off, n, unit int64, f func(off, n int64) error) error {
	if err := d.checkWrite(off, n); err != nil {
		return err
	}
	end := off + n
	from, to := (off+unit-1)/unit*unit, end/unit*unit
	if from >= to {
		return writeZeros(d, off, n)
	}
	if err := writeZeros(d, off, from-off); err != nil {
		return err
	}
	if err := f(from, to-from); err != nil {
		return err
	}
	return writeZeros(d, to, end-to)
}

// allocate runs fallocate, which keeps the page cache true. On a device, a hole is punched
// only if it reads as zeros afterwards (EOPNOTSUPP otherwise), and zeroing a range is
// BLKZEROOUT.
func (d *device) allocate(what string, mode uint32, off, n int64) error {
	err := error(unix.EINTR)
	for err == unix.EINTR {
		err = unix.Fallocate(d.fd, mode, off, n)
	}
	switch {
	case err == nil:
		return nil
	case err == unix.EOPNOTSUPP && mode&unix.FALLOC_FL_PUNCH_HOLE != 0:
		return d.allocate(what, unix.FALLOC_FL_ZERO_RANGE|unix.FALLOC_FL_KEEP_SIZE, off, n)
	case err == unix.EOPNOTSUPP:
		return writeZeros(d, off, n)
	}
	return d.failed(what, off, n, err)
}

// discardZeros frees whole units of d.discard.
func (d *device) discardZeros(off, n int64) error {
	span := [2]uint64{uint64(off), uint64(n)}
	_, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(d.fd), unix.BLKDISCARD, uintptr(unsafe.Pointer(&span)))
	switch errno {
	case 0:
		return nil
	case unix.EOPNOTSUPP:
		return writeZeros(d, off, n)
	}
	return d.failed("discard", off, n, errno)
}
