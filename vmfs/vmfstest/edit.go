package vmfstest

import (
	"encoding/binary"
	"fmt"
	"io"
	"path"
)

// Storage is what a volume was written to, when it can be read too.
type Storage interface {
	io.ReaderAt
	io.WriterAt
}

// edit changes a volume that was written. The first error sticks.
type edit struct {
	b     *builder
	disks []Storage
	err   error
}

// patch lets change alter n bytes at an offset of the logical volume.
func (e *edit) patch(at, n int64, change func(record)) {
	p := make(record, n)
	device, off := (&Image{b: e.b}).Place(at)
	if e.err == nil && device < 0 {
		e.err = fmt.Errorf("%#x is behind the end of the volume", at)
	}
	if e.err == nil {
		_, e.err = e.disks[device].ReadAt(p, off)
	}
	if e.err == nil {
		change(p)
		_, e.err = e.disks[device].WriteAt(p, off)
	}
}

// add adds to a little-endian field of so many bytes.
func (e *edit) add(at int64, size int, delta int64) {
	e.patch(at, int64(size), func(r record) {
		switch size {
		case 2:
			r.u16(0, uint16(int64(binary.LittleEndian.Uint16(r))+delta))
		case 4:
			r.u32(0, uint32(int64(binary.LittleEndian.Uint32(r))+delta))
		case 8:
			r.u64(0, uint64(int64(binary.LittleEndian.Uint64(r))+delta))
		}
	})
}

// set sets a field of four bytes.
func (e *edit) set(at int64, value uint32) {
	e.patch(at, 4, func(r record) { r.u32(0, value) })
}

// node finds a file.
func (e *edit) node(name string) *node {
	n := e.b.byPath[path.Clean("/"+name)]
	if n == nil {
		e.err = fmt.Errorf("there is no %s to change", name)
		return e.b.root
	}
	return n
}

// metadata is where the metadata of a file's descriptor is.
func (e *edit) metadata(name string) int64 {
	return e.b.descriptorAt(e.node(name).number) + e.b.metadataAt()
}

// hole gives a hole in the first addresses of a file an address, and one block more.
func (e *edit) hole(name string, i int64, address uint64) {
	b := e.b
	at := b.descriptorAt(e.node(name).number) + b.descriptorSize() - (b.inDescriptor()-i)*b.addressSize()
	e.patch(at, b.addressSize(), func(r record) { copy(r, b.encode([]uint64{address})) })
	e.add(e.metadata(name)+0x24, 8, 1)
}

// clusterAt is where the metadata of the cluster of a resource is.
func (e *edit) clusterAt(kind addressKind, n int64) int64 {
	r := e.b.of[kind]
	return r.file.logical(r.clusterAt(n/r.perCluster)+r.header/2, e.b.blockSize)
}

// flip turns over the bit of a resource in its bitmap, and counts that.
func (e *edit) flip(kind addressKind, n int64) {
	r := e.b.of[kind]
	free := int64(-1)
	if r.taken(n) {
		free = 1
	}
	i := n % r.perCluster
	e.patch(e.clusterAt(kind, n)+0x10+i/8, 1, func(p record) { p[0] ^= 1 << (i % 8) })
	e.add(e.clusterAt(kind, n)+0x08, 4, free)
}

// free is the last free resource of a kind.
func (e *edit) free(kind addressKind) int64 {
	r := e.b.of[kind]
	for n := r.total - 1; n >= 0; n-- {
		if !r.taken(n) {
			return n
		}
	}
	e.err = fmt.Errorf("there is no free one in %s", r.file.name)
	return 0
}
