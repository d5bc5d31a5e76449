package vmfs

import (
	"errors"
	"fmt"
	"slices"
)

// A ResourceFile is a system file of resources: descriptors, pointer blocks, sub-blocks,
// journal blocks, or the bitmaps of the file blocks.
type ResourceFile struct {
	*File
	Slot   Slot
	Header *ResourceHeader
	Child  *ResourceHeader // of small file blocks, in .fbb.sf of VMFS6; nil elsewhere

	pieces []piece
}

// A piece of a file lies in one piece in the logical volume.
type piece struct{ off, logical, length int64 }

// maxPieces bounds the map of a system file; one in file blocks of 1 MiB, none beside the
// other, is 256 GiB.
const maxPieces = 1 << 18

// maxSystemFile bounds a system file: the descriptors of 64 TiB in small files are less.
const maxSystemFile = 1 << 40

// maxCounted bounds how many clusters are counted: 64 TiB in blocks of 1 MiB have fewer.
const maxCounted = 1 << 20

// clusterHeader is the length of the header of a cluster: a lock, and metadata.
func (s *Superblock) clusterHeader() int64 { return 2 * s.MetadataAlignment() }

// resources reads the header of a resource file, and where the file lies.
func (f *File) resources(slot Slot) (*ResourceFile, error) {
	if f.size > maxSystemFile {
		return nil, f.damaged("a system file of %d bytes", f.size)
	}
	r := &ResourceFile{File: f, Slot: slot}
	if err := f.locate(func(p piece) { r.pieces = append(r.pieces, p) }); err != nil {
		return nil, err
	}
	var err error
	if r.Header, err = r.header(0); err != nil {
		return nil, err
	}
	if slot == FDCSlot && r.Header.ResourceSize() != int64(f.v.sb.descriptorLen()) {
		return nil, damaged(slot.String(), f.at, "descriptors of %d bytes", r.Header.ResourceSize())
	}
	if slot == FBBSlot && f.v.sb.wide() && r.Header.Child() != 0 {
		if r.Child, err = r.header(r.Header.Child()); err != nil {
			return nil, err
		}
	}
	return r, nil
}

// header reads the header at an offset of the file.
func (r *ResourceFile) header(off int64) (*ResourceHeader, error) {
	h := new(ResourceHeader)
	if err := r.read(h[:], off); err != nil {
		return nil, err
	}
	if err := h.check(r.v.sb.wide()); err != nil {
		return nil, damaged("header of "+r.Slot.String(), r.at, "%v", err)
	}
	return h, nil
}

// locate calls add with the pieces of f that are in blocks, in order, neighbours joined. Holes
// are left out: what would be there is not.
func (f *File) locate(add func(piece)) error {
	var (
		c    cursor
		last piece
		n    int
	)
	for off := int64(0); off < f.size; {
		p, err := f.place(&c, off)
		if err != nil {
			return err
		}
		switch {
		case p.kind == Hole:
		case last.off+last.length == off && last.logical+last.length == p.logical && last.length > 0:
			last.length += p.length
		default:
			if last.length > 0 {
				add(last)
			}
			if n++; n > maxPieces {
				return damaged("file "+f.name, f.at, "it is in more than %d pieces", maxPieces)
			}
			last = piece{off, p.logical, p.length}
		}
		off += p.length
	}
	if last.length > 0 {
		add(last)
	}
	return nil
}

// find returns L of an offset of the file, and how many bytes lie there in one piece; ok is
// false in holes and behind the end.
func (r *ResourceFile) find(off int64) (logical, n int64, ok bool) {
	i, found := slices.BinarySearchFunc(r.pieces, off, func(p piece, off int64) int {
		switch {
		case p.off+p.length <= off:
			return -1
		case p.off > off:
			return 1
		}
		return 0
	})
	if !found {
		return 0, 0, false
	}
	p := &r.pieces[i]
	return p.logical + off - p.off, p.off + p.length - off, true
}

// read reads len(b) bytes at off of the file.
func (r *ResourceFile) read(b []byte, off int64) error {
	for len(b) > 0 {
		l, n, ok := r.find(off)
		if !ok {
			return damaged(r.Slot.String(), r.at, "it has nothing at %#x", off)
		}
		n = min(n, int64(len(b)))
		if _, err := r.v.ReadAt(b[:n], l); err != nil {
			return err
		}
		b, off = b[n:], off+n
	}
	return nil
}

// view returns n bytes at off of the file, in place when they lie so.
func (r *ResourceFile) view(off int64, n int, buf *scratch) ([]byte, error) {
	if l, whole, ok := r.find(off); ok && whole >= int64(n) {
		return r.v.view(l, n, buf)
	}
	b := buf.take(n)
	return b, r.read(b, off)
}

// offset is where resource k of cluster n begins in the file.
func (r *ResourceFile) offset(n, k int64) (int64, error) {
	h := r.Header
	if n < 0 || k < 0 || k >= h.ClusterLen() || n >= maxClusters || h.ResourceSize() == 0 {
		return 0, fmt.Errorf("%s has no resource %d in cluster %d", r.Slot, k, n)
	}
	return h.resource(n, k, r.v.sb.clusterHeader()), nil
}

// Resource reads resource k of cluster n, whatever it is and whoever has it. buf is used when it
// is long enough.
func (r *ResourceFile) Resource(n, k int64, buf []byte) ([]byte, error) {
	off, err := r.offset(n, k)
	if err != nil {
		return nil, err
	}
	s := scratch(buf[:0])
	return r.view(off, int(r.Header.ResourceSize()), &s)
}

// Clusters is the number of clusters that the header counts.
func (r *ResourceFile) Clusters() int64 {
	return (r.Header.Resources() + r.Header.ClusterLen() - 1) / r.Header.ClusterLen()
}

// Cluster reads the header of cluster n: a Lock, and metadata. buf is used when it is long
// enough.
func (r *ResourceFile) Cluster(n int64, buf []byte) (Cluster, error) {
	if n < 0 || n >= maxClusters {
		return nil, fmt.Errorf("%s has no cluster %d", r.Slot, n)
	}
	s := scratch(buf[:0])
	b, err := r.view(r.Header.cluster(n, r.v.sb.clusterHeader()), int(r.v.sb.clusterHeader()), &s)
	return Cluster(b), err
}

// Free is how many resources the clusters count as free. That of the file blocks of VMFS6 is
// not told: nobody knows how its two kinds of clusters divide what is free.
func (r *ResourceFile) Free() (int64, error) {
	if r.Slot == FBBSlot && r.v.sb.wide() {
		return 0, errors.New("the free file blocks of VMFS6 are not known")
	}
	var (
		free int64
		buf  = make([]byte, r.v.sb.clusterHeader())
	)
	for n := range min(r.Clusters(), r.Header.Groups()*r.Header.GroupClusters(), maxCounted) {
		c, err := r.Cluster(n, buf)
		if err != nil {
			return 0, err
		}
		if !c.Lock().Type().heads(r.Slot) {
			return 0, damaged("cluster of "+r.name, c.Lock().Logical(), "lock type %#x", uint32(c.Lock().Type()))
		}
		free += int64(c.Free())
	}
	return free, nil
}
