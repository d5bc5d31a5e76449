// Package qcow2 lays out images in QEMU's format, version 3, of which it is known beforehand
// what will be in them: all metadata is then known too, and the data can be written in any
// order, by many at a time.
//
//	header, refcount table, refcount blocks, L1 table, L2 tables, data
//
// A cluster that holds nothing but zeros may be left unwritten: it is a hole in the file.
package qcow2

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"io"
	"slices"
)

const (
	clusterBits = 16
	cluster     = 1 << clusterBits
	perTable    = cluster / 8 // entries of a table of addresses
	perBlock    = cluster / 2 // reference counts, of 16 bits
	used        = 1 << 63     // in an entry of a table: the cluster has this reference alone
	maxSize     = 1 << 50
)

// A Layout says where each byte of a disk is in the image.
type Layout struct {
	size int64
	runs []run

	refTable, refBlocks, l1, l2, data int64 // clusters that each takes
}

// A run is clusters of the disk that follow each other, and so do they in the image.
type run struct {
	first, count int64 // clusters of the disk
	index        int64 // of the first among the data clusters
}

// A Planner gathers what will be in an image.
type Planner struct{ runs []run }

// Add says that there will be data. It is to be called in the order of the offsets.
func (p *Planner) Add(off, length int64) {
	if length <= 0 {
		return
	}
	first, end := off/cluster, (off+length+cluster-1)/cluster
	if n := len(p.runs); n > 0 {
		last := &p.runs[n-1]
		if first <= last.first+last.count {
			last.count = max(last.count, end-last.first)
			return
		}
	}
	p.runs = append(p.runs, run{first: first, count: end - first})
}

// Layout lays out an image of a disk of size bytes.
func (p *Planner) Layout(size int64) (*Layout, error) {
	if size < 0 || size > maxSize || size%512 != 0 {
		return nil, fmt.Errorf("a qcow2 image cannot be of %d bytes: it takes blocks of 512, up to 1 PiB", size)
	}
	l := &Layout{size: size, runs: slices.Clone(p.runs)}
	table := int64(-1)
	for i := range l.runs {
		r := &l.runs[i]
		r.index = l.data
		l.data += r.count
		from, to := max(table+1, r.first/perTable), (r.first+r.count-1)/perTable
		l.l2 += to - from + 1
		table = to
	}
	l.l1 = divide(divide(divide(size, cluster), perTable), perTable)
	// What counts references is counted too.
	for {
		blocks := divide(l.clusters(), perBlock)
		table := divide(blocks, perTable)
		if blocks == l.refBlocks && table == l.refTable {
			return l, nil
		}
		l.refBlocks, l.refTable = blocks, table
	}
}

func divide(n, by int64) int64 { return (n + by - 1) / by }

// clusters is how many the image has.
func (l *Layout) clusters() int64 {
	return 1 + l.refTable + l.refBlocks + l.l1 + l.l2 + l.data
}

// Size is the length of the image file.
func (l *Layout) Size() int64 { return l.clusters() * cluster }

// Offset is where byte off of the disk is in the image, and how many lie there in one piece;
// n is 0 where there is no data.
func (l *Layout) Offset(off int64) (at, n int64) {
	c := off / cluster
	i, found := slices.BinarySearchFunc(l.runs, c, func(r run, c int64) int {
		if c >= r.first && c < r.first+r.count {
			return 0
		}
		return cmp.Compare(r.first, c)
	})
	if !found {
		return 0, 0
	}
	r := &l.runs[i]
	return l.dataAt(r.index+c-r.first) + off%cluster, (r.first+r.count)*cluster - off
}

// dataAt is where a data cluster is in the image.
func (l *Layout) dataAt(index int64) int64 { return (l.clusters() - l.data + index) * cluster }

// A Writer writes the data of the disk to its places in the image.
type Writer struct {
	*Layout
	W io.WriterAt
}

// WriteAt writes to the disk, where the Layout has data.
func (w Writer) WriteAt(p []byte, off int64) (int, error) {
	for done := 0; done < len(p); {
		at, n := w.Offset(off + int64(done))
		if n == 0 {
			return done, fmt.Errorf("no data was planned at %d", off+int64(done))
		}
		part := p[done:min(int64(len(p)), int64(done)+n)]
		if _, err := w.W.WriteAt(part, at); err != nil {
			return done, err
		}
		done += len(part)
	}
	return len(p), nil
}

// A Reader reads the disk back from the image.
type Reader struct {
	*Layout
	R io.ReaderAt
}

// ReadAt reads from the disk: zeros where there is no data.
func (r Reader) ReadAt(p []byte, off int64) (int, error) {
	if off < 0 || off > r.size-int64(len(p)) {
		return 0, io.ErrUnexpectedEOF
	}
	for done := 0; done < len(p); {
		at, n := r.Offset(off + int64(done))
		if n == 0 {
			n = cluster - (off+int64(done))%cluster
		}
		part := p[done:min(int64(len(p)), int64(done)+n)]
		if at == 0 {
			clear(part)
		} else if n, err := r.R.ReadAt(part, at); n < len(part) {
			return done, err
		}
		done += len(part)
	}
	return len(p), nil
}

// WriteMetadata writes everything but the data. It writes in order but for the header, which
// comes last: an image that was cut short is none.
func (l *Layout) WriteMetadata(w io.WriterAt) error {
	out := &tables{w: w, at: cluster}
	first := int64(1 + l.refTable)
	for i := range l.refBlocks {
		out.put64(uint64((first + i) * cluster))
	}
	out.fill()
	for range l.clusters() {
		out.put16(1)
	}
	out.fill()
	l.writeL1(out)
	l.writeL2(out)
	if out.err != nil {
		return out.err
	}
	_, err := w.WriteAt(l.header(), 0)
	return err
}

// writeL1 writes the addresses of the L2 tables, where there are any.
func (l *Layout) writeL1(out *tables) {
	at := (1 + l.refTable + l.refBlocks + l.l1) * cluster
	next := int64(0) // entry
	for _, r := range l.runs {
		for t := max(next, r.first/perTable); t <= (r.first+r.count-1)/perTable; t++ {
			for ; next < t; next++ {
				out.put64(0)
			}
			out.put64(uint64(at) | used)
			at += cluster
			next++
		}
	}
	out.fill()
	out.to((1 + l.refTable + l.refBlocks + l.l1) * cluster)
}

// writeL2 writes the addresses of the data clusters: the tables that have any.
func (l *Layout) writeL2(out *tables) {
	next := int64(-1) // cluster of the disk, once there is a table
	for _, r := range l.runs {
		if next < 0 || r.first/perTable != next/perTable || next%perTable == 0 {
			out.fill()
			next = r.first / perTable * perTable
		}
		for ; next < r.first; next++ {
			out.put64(0)
		}
		for i := range r.count {
			out.put64(uint64(l.dataAt(r.index+i)) | used)
		}
		next += r.count
	}
	out.fill()
}

// header is the first 104 bytes of the image.
func (l *Layout) header() []byte {
	h := make([]byte, 104)
	be := binary.BigEndian
	copy(h, "QFI\xfb")
	be.PutUint32(h[4:], 3)
	be.PutUint32(h[20:], clusterBits)
	be.PutUint64(h[24:], uint64(l.size))
	be.PutUint32(h[36:], uint32(divide(divide(l.size, cluster), perTable))) // entries of L1
	be.PutUint64(h[40:], uint64((1+l.refTable+l.refBlocks)*cluster))
	be.PutUint64(h[48:], cluster) // the refcount table
	be.PutUint32(h[56:], uint32(l.refTable))
	be.PutUint32(h[96:], 4) // reference counts of 2^4 bits
	be.PutUint32(h[100:], uint32(len(h)))
	return h
}
