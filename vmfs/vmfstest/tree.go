package vmfstest

import (
	"fmt"
	"path"
	"strings"
)

// node is a file in the tree.
type node struct {
	file       *File
	name       string
	parent     *node
	children   []*node
	number     int64 // of its descriptor
	generation uint32
	zeros      []span                // what reads as zeros, in order
	descriptor *descriptor           // of a file that is to be deleted
	slack      []byte                // what stays behind a directory's end
	at         func(off int64) int64 // where in the volume an offset of a directory is
}

// links is the count of links: one, and on VMFS3 and 5 a directory's own entries count.
func (n *node) links(version int) uint32 {
	if version == 6 || n.file.Type != Directory {
		return 1
	}
	links := uint32(2)
	for _, c := range n.children {
		if c.file.Type == Directory && c.number != slotSDD {
			links++
		}
	}
	return links
}

// plant makes the tree of the description's files.
func (b *builder) plant() error {
	b.root = b.newNode(&File{Path: "/", Type: Directory, Mode: 0o1755}, "/", nil)
	b.root.parent, b.root.generation = b.root, 1
	for i := range b.spec.Files {
		f := &b.spec.Files[i]
		setDefault(&f.Type, Regular)
		clean := path.Clean("/" + f.Path)
		if at := b.byPath[clean]; at != nil {
			if at == b.root || at.file.Type != Directory || f.Type != Directory {
				return fmt.Errorf("%s is there twice", f.Path)
			}
			at.file = f
			continue
		}
		setDefault(&f.Mode, modeOf(f.Type))
		if f.Deleted.Descriptor != Alive {
			if f.Type == Directory {
				return fmt.Errorf("%s: directories are not deleted", f.Path)
			}
			setDefault(&f.Deleted.Name, Kept)
		}
		if most := map[bool]int{true: 127, false: 255}[b.spec.Version < 6]; len(path.Base(clean)) > most {
			return fmt.Errorf("%s: names have %d bytes at most", f.Path, most)
		}
		b.newNode(f, clean, b.directory(path.Dir(clean)))
	}
	return nil
}

// directory finds or makes a directory.
func (b *builder) directory(clean string) *node {
	if n := b.byPath[clean]; n != nil {
		return n
	}
	f := &File{Path: clean, Type: Directory, Mode: modeOf(Directory)}
	return b.newNode(f, clean, b.directory(path.Dir(clean)))
}

func (b *builder) newNode(f *File, clean string, parent *node) *node {
	n := &node{file: f, name: strings.Clone(path.Base(clean)), parent: parent}
	if parent != nil {
		parent.children = append(parent.children, n)
	}
	b.nodes = append(b.nodes, n)
	b.byPath[clean] = n
	return n
}

// modeOf is the mode that ESXi gives.
func modeOf(t Type) uint32 {
	switch t {
	case Directory:
		return 0o40755
	case Symlink:
		return 0o120777
	}
	return 0o100600
}

// lengthOf is the length of a file. That of a directory is at most this.
func (b *builder) lengthOf(n *node) int64 {
	switch {
	case n.file.Type == Directory:
		return b.directoryLength(int64(len(n.children)) + systemSlots)
	case n.file.stored() != nil:
		return int64(len(n.file.stored()))
	}
	return n.file.Size
}
