package vmfs

import (
	"fmt"
	"io/fs"
	"iter"
	"path"
	"strings"
)

// Lookup opens the file at a path, counted from the root. Symlinks are not followed.
func (v *Volume) Lookup(name string) (*File, error) {
	f, err := v.Root()
	if err != nil {
		return nil, err
	}
	name = path.Clean("/" + name)
	for part := range strings.SplitSeq(name[1:], "/") {
		if part == "" {
			continue
		}
		if f, err = f.Child(part); err != nil {
			return nil, err
		}
	}
	return f, nil
}

// Child opens the file with a name in a directory.
func (f *File) Child(name string) (*File, error) {
	for e, err := range f.Entries() {
		if err != nil {
			return nil, err
		}
		if string(e.Bytes()) == name {
			return f.open(e)
		}
	}
	return nil, &fs.PathError{Op: "open", Path: path.Join(f.name, name), Err: fs.ErrNotExist}
}

// open opens the file of an entry of the directory.
func (f *File) open(e Entry) (*File, error) {
	name := path.Join(f.name, e.Name())
	c, err := f.v.File(e.Address())
	if err != nil {
		return nil, fmt.Errorf("opening %s: %w", name, err)
	}
	c.name = name
	return c, nil
}

// A Node is a file found by a walk.
type Node struct {
	Path  string
	Entry Entry // good until the next
	Depth int   // 1 for those in the directory where the walk began
	Dir   *File // the directory it was found in
}

// File opens the file.
func (n *Node) File() (*File, error) { return n.Dir.open(n.Entry) }

// maxDepth bounds how deep a walk goes.
const maxDepth = 128

// Walk yields everything below the directory f, a directory before what is in it, without "."
// and "..". What cannot be read is an error with the Node of the directory or entry that it is
// about, and the walk goes on. A directory that was seen already is not entered again. The
// Node is good until the next.
func (f *File) Walk() iter.Seq2[*Node, error] {
	return func(yield func(*Node, error) bool) {
		w := &walk{yield: yield, seen: map[FDAddress]bool{f.d.Address(): true}}
		w.dir(f, 1)
	}
}

type walk struct {
	yield func(*Node, error) bool
	seen  map[FDAddress]bool
}

// dir walks a directory; false ends the walk.
func (w *walk) dir(f *File, depth int) bool {
	n := &Node{Dir: f, Depth: depth}
	var below []*File
	prefix := strings.TrimSuffix(f.name, "/") + "/"
	for e, err := range f.Entries() {
		if err != nil {
			return w.yield(&Node{Path: f.name, Dir: f, Depth: depth}, err)
		}
		if e.Dots() {
			continue
		}
		n.Entry, n.Path = e, prefix+e.Name()
		if !w.yield(n, nil) {
			return false
		}
		if e.Type() != Directory && e.Type() != System || w.seen[e.Address()] {
			continue
		}
		c, err := n.File()
		if err == nil && !c.d.IsDir() {
			continue
		}
		if err == nil && depth == maxDepth {
			err = c.damaged("directories more than %d deep", maxDepth)
		}
		if err != nil {
			if !w.yield(n, err) {
				return false
			}
			continue
		}
		w.seen[e.Address()] = true
		below = append(below, c)
	}
	for _, c := range below {
		if !w.dir(c, depth+1) {
			return false
		}
	}
	return true
}
