package vmfs

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"sync"
)

// maxFileSize is more than a file of any version can have. Blocks beyond it are not looked at.
const maxFileSize = 1 << 47

// maxLink bounds what is read of a symlink.
const maxLink = 4096

// A File is a file of any type. It is not changed after it was opened, and may be read from
// many goroutines.
type File struct {
	v    *Volume
	d    Descriptor
	at   int64 // L of the descriptor
	name string
	size int64

	levels    int   // of pointer blocks
	blockSize int64 // bytes that an address stands for
	fan       int64 // addresses in a pointer block
	capacity  int64 // bytes that the addresses can reach

	cursors sync.Pool // of *cursor, for reads
}

// File opens the file whose descriptor is at addr.
func (v *Volume) File(addr FDAddress) (*File, error) {
	var buf scratch
	d, at, err := v.descriptor(addr, &buf)
	if err != nil {
		return nil, err
	}
	return v.fileFrom(d, at)
}

// Descriptor returns the descriptor at addr, in place or in buf when that is long enough. It is
// checked to be one, and the one.
func (v *Volume) Descriptor(addr FDAddress, buf []byte) (Descriptor, error) {
	s := scratch(buf[:0])
	d, _, err := v.descriptor(addr, &s)
	return d, err
}

func (v *Volume) descriptor(addr FDAddress, buf *scratch) (d Descriptor, at int64, err error) {
	if !addr.Valid() {
		return nil, 0, fmt.Errorf("%s is not the address of a file descriptor: %w", addr, ErrCorrupt)
	}
	if d, at, err = v.slot(addr, buf); err != nil {
		return nil, 0, fmt.Errorf("file descriptor %s: %w", addr, err)
	}
	if err := d.check(addr); err != nil {
		return nil, 0, damaged("file descriptor "+addr.String(), at, "%v", err)
	}
	return d, at, nil
}

// slot reads what is where the descriptor at addr belongs.
func (v *Volume) slot(addr FDAddress, buf *scratch) (d Descriptor, at int64, err error) {
	fdc := v.files[FDCSlot]
	if fdc == nil {
		return nil, 0, v.why[FDCSlot]
	}
	off, err := fdc.offset(addr.Cluster(), addr.Resource())
	if err != nil {
		return nil, 0, err
	}
	at, _, ok := fdc.find(off)
	if !ok {
		return nil, 0, damaged(fdc.name, fdc.at, "it has nothing at %#x", off)
	}
	d, err = fdc.view(off, v.sb.descriptorLen(), buf)
	return d, at, err
}

// Slot returns what is where the descriptor at addr belongs, be it one or not: of a file, of a
// file that was deleted, or zeros. buf is used when it is long enough.
func (v *Volume) Slot(addr FDAddress, buf []byte) (Descriptor, error) {
	s := scratch(buf[:0])
	d, _, err := v.slot(addr, &s)
	return d, err
}

// FileFrom makes a file of a descriptor, that of a file on the volume or one that was saved
// from it. The descriptor must stay as it is.
func (v *Volume) FileFrom(d Descriptor) (*File, error) {
	if len(d) != v.sb.descriptorLen() {
		return nil, fmt.Errorf("a descriptor of %d bytes on a volume where they have %d", len(d), v.sb.descriptorLen())
	}
	return v.fileFrom(d, d.Lock().Logical())
}

func (v *Volume) fileFrom(d Descriptor, at int64) (*File, error) {
	f := &File{v: v, d: d, at: at, size: d.Length(), blockSize: d.BlockSize()}
	array, width := d.addresses()
	f.fan = 1024
	if v.sb.wide() {
		f.fan = max(8192, v.sb.MetadataAlignment()/8)
	}
	least := v.sb.FileBlockSize()
	switch d.ZLA() {
	case DirectFB, DirectSB:
		least = 512
	case OneLevel, OneLevelP2:
		f.levels = 1
	case TwoLevels:
		f.levels = 2
	case InPlace:
		f.capacity = int64(len(d.Resident()))
		if f.size > f.capacity {
			return nil, f.damaged("%d bytes do not fit in a descriptor", f.size)
		}
		return f, nil
	default:
		if f.size == 0 || d.Type() == RDM {
			return f, nil
		}
		return nil, f.damaged("%s is not known", d.ZLA())
	}
	if !isPower(f.blockSize) || f.blockSize < least || f.blockSize > 1<<36 {
		if f.size == 0 || d.Type() == RDM {
			return f, nil
		}
		return nil, f.damaged("blocks of %d bytes", f.blockSize)
	}
	f.capacity = int64(len(array)/width) * f.blockSize
	for range f.levels {
		f.capacity = min(f.capacity, maxFileSize) * f.fan
	}
	f.capacity = min(f.capacity, maxFileSize)
	return f, nil
}

// damaged is a FormatError of the file's descriptor.
func (f *File) damaged(format string, args ...any) error {
	return damaged("file descriptor "+f.d.Address().String(), f.at, format, args...)
}

// Volume is what the file is on.
func (f *File) Volume() *Volume { return f.v }

// Descriptor is the file's descriptor.
func (f *File) Descriptor() Descriptor { return f.d }

// Logical is where the descriptor is in the logical volume.
func (f *File) Logical() int64 { return f.at }

// Name is the name that the file was opened by, if any.
func (f *File) Name() string { return f.name }

// Size is the length of the file in bytes; for a raw device mapping, that of the LUN.
func (f *File) Size() int64 { return f.size }

// Mode is the file's mode and kind.
func (f *File) Mode() fs.FileMode { return f.d.Mode() }

// Type is what the file is.
func (f *File) Type() Type { return f.d.Type() }

// ReadAt reads from the file; holes and blocks to be zeroed read as zeros.
func (f *File) ReadAt(p []byte, off int64) (int, error) {
	if off < 0 {
		return 0, errors.New("negative offset")
	}
	n := int(max(0, min(int64(len(p)), f.size-off)))
	if err := f.read(p[:n], off); err != nil {
		return 0, err
	}
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

// read reads bytes that may lie behind the end, as far as the addresses reach. The pointer
// blocks that it looks at are kept for the next read.
func (f *File) read(p []byte, off int64) (failed error) {
	c, _ := f.cursors.Get().(*cursor)
	if c == nil {
		c = new(cursor)
	}
	f.walkExtents(c, off, off+int64(len(p)), func(e Extent, err error) bool {
		if failed = err; failed == nil {
			failed = f.v.ReadExtent(p[e.Offset-off:][:e.Length], e)
		}
		return failed == nil
	})
	f.cursors.Put(c)
	return failed
}

// ReadLink returns what a symlink points to.
func (f *File) ReadLink() (string, error) {
	if f.Type() != Symlink {
		return "", &fs.PathError{Op: "readlink", Path: f.name, Err: fs.ErrInvalid}
	}
	if f.size > maxLink {
		return "", f.damaged("a link of %d bytes", f.size)
	}
	b := make([]byte, f.size)
	if err := f.read(b, 0); err != nil {
		return "", err
	}
	return string(text(b)), nil
}
