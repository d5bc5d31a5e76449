package vmfstest

import (
	"io"
	"iter"
	"path"
)

// Image is a volume that was written: what a reader should find in it.
type Image struct{ b *builder }

// Open is the contents of a file as they were put in; nil when there is none of the name.
func (i *Image) Open(name string) *io.SectionReader {
	n := i.b.byPath[path.Clean("/"+name)]
	if n == nil || n.file.Type == Directory || n.file.Type == RawDevice {
		return nil
	}
	length := i.b.lengthOf(n)
	return io.NewSectionReader(&expected{file: n.file, length: length, zeros: n.zeros}, 0, length)
}

// Files yields what is alive in the tree by its path, the root left out, parents first.
func (i *Image) Files() iter.Seq2[string, *File] {
	return func(yield func(string, *File) bool) { i.b.walk(i.b.root, "/", yield) }
}

func (b *builder) walk(n *node, at string, yield func(string, *File) bool) bool {
	for _, c := range n.children {
		if c.file.Deleted.Descriptor != Alive {
			continue
		}
		name := path.Join(at, c.name)
		if !yield(name, c.file) || !b.walk(c, name, yield) {
			return false
		}
	}
	return true
}

// Descriptor is where a file's descriptor is: its address, and the offset in the logical volume.
func (i *Image) Descriptor(name string) (address uint32, at int64) {
	n := i.b.byPath[path.Clean("/"+name)]
	return uint32(i.b.address(toFile, n.number)), i.b.descriptorAt(n.number)
}

// Blocks is how many file blocks there are, and how many are in use.
func (i *Image) Blocks() (total, used int64) {
	r := i.b.of[toBlock]
	return r.total, r.count
}

// Place is where an offset of the logical volume is: the device, and the offset on it.
func (i *Image) Place(logical int64) (device int, at int64) {
	for _, e := range i.b.vol.extents {
		if logical >= e.logical && logical < e.logical+e.length {
			return e.on.number, e.on.start + e.physical + logical - e.logical
		}
	}
	return -1, 0
}
