package vmdk

import (
	"errors"
	"fmt"
	"io"
	"iter"
	"path"
	"slices"

	"github.com/lunarsan/lunar/vmfs"
)

// A File is a file that a disk is made of, as vmfs.File is one.
type File interface {
	io.ReaderAt
	Size() int64
	// Spans yields what of a range is data, and what reads as zeros.
	Spans(from, to int64) iter.Seq2[vmfs.Span, error]
}

// An Opener opens the files of a disk: by a path on the volume, which begins with a slash, or
// one as ESXi has them, /vmfs/volumes/NAME/...
type Opener func(name string) (File, error)

// maxChain is more snapshots than ESXi allows.
const maxChain = 255

// A Disk is a virtual disk, with all that it is changes to.
type Disk struct {
	Descriptor *Descriptor // of the disk itself, the last of the chain
	Names      []string    // of the descriptors, from the disk to what it is based on

	size   int64
	layers []layer // from the disk to its base
}

// A layer is a link of the chain: extents that follow each other.
type layer []placed

// A placed extent is where an extent begins on the disk.
type placed struct {
	extent
	from, to int64
}

// An extent finds what is at an offset of it.
type extent interface {
	// span finds what is at off, and for how many bytes, no more than n.
	span(off, n int64) (span, error)
}

// A span is bytes of a file, zeros, or what the parent has.
type span struct {
	kind   kind
	file   File
	at     int64 // in file
	length int64
}

type kind uint8

const (
	inFile kind = iota
	zero
	inParent
)

// Open opens the disk that the descriptor called name describes.
func Open(open Opener, name string) (*Disk, error) {
	d := &Disk{}
	for {
		desc, l, err := openLayer(open, name)
		if err != nil {
			return nil, err
		}
		size := l[len(l)-1].to
		if d.Descriptor == nil {
			d.Descriptor, d.size = desc, size
		}
		d.layers, d.Names = append(d.layers, l), append(d.Names, name)
		if !desc.HasParent() {
			return d, nil
		}
		switch {
		case desc.ParentHint == "":
			return nil, fmt.Errorf("%s is changes to a disk that it does not name", name)
		case len(d.layers) >= maxChain:
			return nil, fmt.Errorf("%s is at the end of a chain of more than %d disks", d.Names[0], maxChain)
		}
		parent := beside(name, desc.ParentHint)
		if slices.Contains(d.Names, parent) {
			return nil, fmt.Errorf("%s is changes to %s, which is changes to it", name, parent)
		}
		name = parent
	}
}

// beside is the path of a file that a descriptor names.
func beside(descriptor, name string) string {
	if path.IsAbs(name) {
		return path.Clean(name)
	}
	return path.Join(path.Dir(descriptor), name)
}

// openLayer opens a descriptor and the extents that it names.
func openLayer(open Opener, name string) (*Descriptor, layer, error) {
	f, err := open(name)
	if err != nil {
		return nil, nil, err
	}
	text := make([]byte, min(f.Size(), maxDescriptor+1))
	if _, err := f.ReadAt(text, 0); err != nil && !errors.Is(err, io.EOF) {
		return nil, nil, fmt.Errorf("reading %s: %w", name, err)
	}
	desc, err := ParseDescriptor(text)
	if err != nil {
		return nil, nil, fmt.Errorf("%s describes no disk: %w", name, err)
	}
	var (
		l  layer
		at int64
	)
	for _, e := range desc.Extents {
		x, err := openExtent(open, name, e)
		if err != nil {
			return nil, nil, fmt.Errorf("%s: %w", name, err)
		}
		if at > maxSectors*sector-e.Sectors*sector {
			return nil, nil, fmt.Errorf("%s describes a disk of more than %d sectors", name, int64(maxSectors))
		}
		l = append(l, placed{x, at, at + e.Sectors*sector})
		at += e.Sectors * sector
	}
	return desc, l, nil
}

// openExtent opens an extent of one of the kinds that are known.
func openExtent(open Opener, descriptor string, e Extent) (extent, error) {
	if e.Access == "NOACCESS" {
		return nil, fmt.Errorf("extent %q must not be read", e.File)
	}
	if e.Kind == "ZERO" {
		return zeroExtent{}, nil
	}
	opener, ok := map[string]func(File, Extent) (extent, error){
		"FLAT": openFlat, "VMFS": openFlat, "VMFSSPARSE": openCOWD, "SESPARSE": openSESparse,
	}[e.Kind]
	switch {
	case e.Kind == "VMFSRDM" || e.Kind == "VMFSRAW" || e.Kind == "VMFSPASSTHROUGHRAWDEVICEMAP":
		return nil, fmt.Errorf("extent %q is a raw device mapping (%s): its data is on another LUN", e.File, e.Kind)
	case !ok:
		return nil, fmt.Errorf("extent %q is of kind %s, which is not read: only FLAT, VMFS, ZERO, VMFSSPARSE and SESPARSE are", e.File, e.Kind)
	}
	f, err := open(beside(descriptor, e.File))
	if err != nil {
		return nil, err
	}
	x, err := opener(f, e)
	if err != nil {
		return nil, fmt.Errorf("extent %q: %w", e.File, err)
	}
	return x, nil
}

// Size is the length of the disk in bytes.
func (d *Disk) Size() int64 { return d.size }

// span finds what is at off of the disk: in the disk itself, or in what it is changes to.
func (d *Disk) span(off, n int64) (span, error) {
	for _, l := range d.layers {
		i, ok := slices.BinarySearchFunc(l, off, func(p placed, off int64) int {
			switch {
			case p.to <= off:
				return -1
			case p.from > off:
				return 1
			}
			return 0
		})
		if !ok {
			break // the base is shorter than the disk, which was grown since
		}
		p := l[i]
		n = min(n, p.to-off)
		s, err := p.span(off-p.from, n)
		if err != nil || s.kind != inParent {
			return s, err
		}
		n = s.length
	}
	return span{kind: zero, length: n}, nil
}

// ReadAt reads from the disk.
func (d *Disk) ReadAt(p []byte, off int64) (int, error) {
	if off < 0 {
		return 0, errors.New("negative offset")
	}
	n := max(0, min(int64(len(p)), d.size-off))
	for done := int64(0); done < n; {
		s, err := d.span(off+done, n-done)
		if err != nil {
			return int(done), err
		}
		part := p[done : done+s.length]
		if s.kind == zero {
			clear(part)
		} else if got, err := s.file.ReadAt(part, s.at); got < len(part) {
			return int(done), err
		}
		done += s.length
	}
	if n < int64(len(p)) {
		return int(n), io.EOF
	}
	return int(n), nil
}

// Spans yields what of a range of the disk is data, and what reads as zeros, neighbours joined.
func (d *Disk) Spans(from, to int64) iter.Seq2[vmfs.Span, error] {
	return func(yield func(vmfs.Span, error) bool) {
		var pending vmfs.Span
		emit := func(s vmfs.Span) bool {
			if pending.Length > 0 && pending.Zero == s.Zero {
				pending.Length += s.Length
				return true
			}
			if pending.Length > 0 && !yield(pending, nil) {
				return false
			}
			pending = s
			return true
		}
		to = min(to, d.size)
		for off := from; off < to; {
			s, err := d.span(off, to-off)
			if err != nil {
				yield(vmfs.Span{Offset: off, Length: to - off}, err)
				return
			}
			if s.kind == zero {
				if !emit(vmfs.Span{Offset: off, Length: s.length, Zero: true}) {
					return
				}
				off += s.length
				continue
			}
			// The file has holes of its own.
			for f, err := range s.file.Spans(s.at, s.at+s.length) {
				if err != nil {
					yield(vmfs.Span{Offset: off, Length: f.Length}, err)
					return
				}
				if !emit(vmfs.Span{Offset: off, Length: f.Length, Zero: f.Zero}) {
					return
				}
				off += f.Length
			}
		}
		if pending.Length > 0 {
			yield(pending, nil)
		}
	}
}

// A flatExtent is the bytes of a file.
type flatExtent struct {
	file File
	at   int64
}

func openFlat(f File, e Extent) (extent, error) {
	if e.Offset > maxSectors || f.Size() < (e.Offset+e.Sectors)*sector {
		return nil, fmt.Errorf("%d sectors from sector %d on are not in a file of %d bytes", e.Sectors, e.Offset, f.Size())
	}
	return flatExtent{f, e.Offset * sector}, nil
}

func (x flatExtent) span(off, n int64) (span, error) {
	return span{inFile, x.file, x.at + off, n}, nil
}

// A zeroExtent is zeros.
type zeroExtent struct{}

func (zeroExtent) span(_, n int64) (span, error) { return span{kind: zero, length: n}, nil }
