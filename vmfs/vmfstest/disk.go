package vmfstest

import (
	"fmt"
	"io"
	"maps"
	"slices"
)

// Disk is a sparse device in memory. What was never written reads as zeros.
type Disk struct {
	Size  int64
	pages map[int64]*[page]byte
	base  *Disk // has what pages has not
}

// Fork makes a disk with the same bytes; what is written to it is not seen on d. From then on d
// must stay as it is.
func (d *Disk) Fork() *Disk { return &Disk{Size: d.Size, base: d} }

// find returns a page, nil when it was never written.
func (d *Disk) find(n int64) *[page]byte {
	for ; d != nil; d = d.base {
		if p := d.pages[n]; p != nil {
			return p
		}
	}
	return nil
}

const page = 4096

// ReadAt implements io.ReaderAt.
func (d *Disk) ReadAt(p []byte, off int64) (int, error) {
	if off < 0 || off >= d.Size {
		return 0, io.EOF
	}
	n := int(min(int64(len(p)), d.Size-off))
	for done := 0; done < n; {
		at := off + int64(done)
		part := p[done:min(n, done+int(page-at%page))]
		if data := d.find(at / page); data != nil {
			copy(part, data[at%page:])
		} else {
			clear(part)
		}
		done += len(part)
	}
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

// WriteAt implements io.WriterAt.
func (d *Disk) WriteAt(p []byte, off int64) (int, error) {
	if off < 0 || off+int64(len(p)) > d.Size {
		return 0, fmt.Errorf("write of %d bytes at %d of a disk of %d", len(p), off, d.Size)
	}
	if d.pages == nil {
		d.pages = make(map[int64]*[page]byte)
	}
	for done := 0; done < len(p); {
		at := off + int64(done)
		data := d.pages[at/page]
		if data == nil {
			data = new([page]byte)
			if before := d.base.find(at / page); before != nil {
				*data = *before
			}
			d.pages[at/page] = data
		}
		done += copy(data[at%page:], p[done:])
	}
	return len(p), nil
}

// Pages are the offsets of what was written, in pages of 4 KiB and in order; to a fork, since.
func (d *Disk) Pages() []int64 {
	offsets := slices.Sorted(maps.Keys(d.pages))
	for i := range offsets {
		offsets[i] *= page
	}
	return offsets
}

// Used is how many bytes of the disk were written, in whole pages.
func (d *Disk) Used() int64 { return int64(len(d.pages)) * page }

// Clone is a disk of its own with the same bytes.
func (d *Disk) Clone() *Disk {
	c := &Disk{Size: d.Size, pages: make(map[int64]*[page]byte, len(d.pages))}
	for n, p := range d.pages {
		data := *p
		c.pages[n] = &data
	}
	return c
}
