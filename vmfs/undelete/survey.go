package undelete

import (
	"context"
	"fmt"
	"path"

	"github.com/lunarsan/lunar/vmfs"
)

// maxSpans bounds what is remembered of who has what: more pieces than a volume of 16 TiB has
// blocks.
const maxSpans = 1 << 24

// A Search is what is known of a volume, to look for deleted files by.
type Search struct {
	v     *vmfs.Volume
	data  spans // file blocks that files have
	small spans // sub-blocks that files have
	used  spans // file blocks that the volume counts as in use
	known bool  // used is known
	taken map[resource]bool

	live  map[vmfs.FDAddress]uint32 // descriptors that directories name, and their generations
	dead  []unnamed                 // descriptors that no directory names
	names names

	found   map[identity]bool // candidates that were found already, by their descriptors
	claimed spans             // what they had

	// Problems say what could not be looked at, a sentence each.
	Problems []string
}

// A resource is a sub-block or pointer block.
type resource struct {
	kind        vmfs.AddressType
	cluster, at int64
}

func resourceOf(a vmfs.Address) resource { return resource{a.Type, a.Number, a.Resource} }

// An identity tells a file from those that had its descriptor before.
type identity struct {
	address    vmfs.FDAddress
	generation uint32
}

// An unnamed descriptor may be that of a deleted file.
type unnamed struct {
	address vmfs.FDAddress
	owns    bool // what it has counts as taken, by it
}

// Survey looks at all of a volume's metadata once. It ends early with the error of ctx.
func Survey(ctx context.Context, v *vmfs.Volume) (*Search, error) {
	s := &Search{v: v, taken: map[resource]bool{}, live: map[vmfs.FDAddress]uint32{}, names: names{}, found: map[identity]bool{}}
	if err := s.walk(ctx); err != nil {
		return nil, err
	}
	if err := s.descriptors(ctx); err != nil {
		return nil, err
	}
	s.data.settle()
	s.small.settle()
	if err := s.count(ctx); err != nil {
		return nil, err
	}
	return s, nil
}

// walk notes what directories name, and the names of what is there no more.
func (s *Search) walk(ctx context.Context) error {
	root, err := s.v.Root()
	if err != nil {
		s.problem("the root directory cannot be read, so files are told from deleted ones by their links alone: %v", err)
		return nil
	}
	s.live[vmfs.RootSlot.Address()] = root.Descriptor().Generation()
	s.names.note(root)
	for n, err := range root.Walk() {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			s.problem("%v", err)
			continue
		}
		s.live[n.Entry.Address()] = n.Entry.Generation()
		if t := n.Entry.Type(); t != vmfs.Directory && t != vmfs.System {
			continue
		}
		if d, err := n.File(); err == nil && d.Descriptor().IsDir() {
			s.names.note(d)
		}
	}
	return nil
}

// descriptors looks at each place of a descriptor: those of files say what is taken, the others
// are kept for later.
func (s *Search) descriptors(ctx context.Context) error {
	fdc, err := s.v.Resources(vmfs.FDCSlot)
	if err != nil {
		return err
	}
	per := fdc.Header.ClusterLen()
	buf, head := make([]byte, fdc.Header.ResourceSize()), make([]byte, 2*s.v.Superblock().MetadataAlignment())
	for cluster := range fdc.Clusters() {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if cluster > 0xFFFF || fdc.Size() < cluster*per*fdc.Header.ResourceSize() {
			break // no address leads there
		}
		c, err := fdc.Cluster(cluster, head)
		if err != nil {
			s.problem("cluster %d of %s: %v", cluster, fdc.Name(), err)
		}
		for k := range min(per, 1<<10) {
			addr := vmfs.FDAddressOf(cluster, k)
			d, err := s.v.Slot(addr, buf)
			if err != nil || d.Lock().Type() != vmfs.LockFD || d.Address() != addr {
				continue
			}
			free, known := false, false
			if c != nil {
				free, known = c.IsFree(int(k))
			}
			if err := s.sort(ctx, d, free && known); err != nil {
				return err
			}
		}
	}
	return nil
}

// sort tells whether a descriptor is that of a file: directories name it, or it is a system
// file's, or it has links and is not counted as free.
func (s *Search) sort(ctx context.Context, d vmfs.Descriptor, free bool) error {
	generation, named := s.live[d.Address()]
	named = named && generation == d.Generation() || d.Type() == vmfs.System
	owns := named || d.Links() > 0 && !free
	if !named && (d.Type() == vmfs.Regular || d.Type() == vmfs.Symlink) && d.Length() > 0 {
		s.dead = append(s.dead, unnamed{d.Address(), owns})
	}
	if !owns {
		return nil
	}
	f, err := s.v.FileFrom(d)
	if err != nil {
		s.problem("%v", err)
		return nil
	}
	return s.own(ctx, f)
}

// own notes what a file has, that beyond its length too.
func (s *Search) own(ctx context.Context, f *vmfs.File) error {
	d := f.Descriptor()
	if d.Type() == vmfs.RDM {
		return nil
	}
	end := f.Size()
	if size := d.BlockSize(); size > 0 && d.Blocks() < 1<<47/size {
		end = max(end, d.Blocks()*size)
	}
	n := 0
	for e, err := range f.ExtentsIn(0, end) {
		if n++; n%(1<<12) == 0 {
			if err := s.bound(ctx); err != nil {
				return err
			}
		}
		switch {
		case err != nil && e.Offset < f.Size():
			s.problem("%v", err)
		case e.Kind == vmfs.Data || e.Kind == vmfs.ToBeZeroed:
			s.data.add(e, d.Address())
		case e.Kind == vmfs.SubBlock:
			s.small.add(e, d.Address())
		}
	}
	for b, err := range f.Blocks() {
		if n++; n%(1<<12) == 0 {
			if err := s.bound(ctx); err != nil {
				return err
			}
		}
		if err == nil && (b.Level > 0 || b.Address.Type == vmfs.AddressSB) {
			s.taken[resourceOf(b.Address)] = true
		}
	}
	return s.bound(ctx)
}

// bound ends a survey that takes too much: damaged addresses can lead round and round.
func (s *Search) bound(ctx context.Context) error {
	if len(s.data)+len(s.small)+len(s.taken) > maxSpans {
		return fmt.Errorf("the files of the volume are in more than %d pieces", maxSpans)
	}
	return ctx.Err()
}

// maxProblems bounds how many problems are told.
const maxProblems = 100

func (s *Search) problem(format string, args ...any) {
	switch n := len(s.Problems); {
	case n < maxProblems:
		s.Problems = append(s.Problems, fmt.Sprintf(format, args...))
	case n == maxProblems:
		s.Problems = append(s.Problems, "and more")
	}
}

// nameOf is the path of a file that was deleted, or one made up.
func (s *Search) nameOf(d vmfs.Descriptor) (name string, own bool) {
	if name, ok := s.names.find(d); ok {
		return name, true
	}
	return path.Join("/", fmt.Sprintf("deleted-%x-%d", uint32(d.Address()), d.Generation())), false
}
