package undelete

import (
	"fmt"
	"slices"
	"time"

	"github.com/lunarsan/lunar/vmfs"
)

// maxPieces bounds the pieces of a candidate.
const maxPieces = 1 << 22

// Descriptors finds the files whose descriptors no directory names, and still have their
// addresses.
func (s *Search) Descriptors() []Candidate {
	var found []Candidate
	for _, u := range s.dead {
		d, err := s.v.Slot(u.address, nil)
		if err != nil || d.Lock().Type() != vmfs.LockFD || d.Address() != u.address || s.found[identity{u.address, d.Generation()}] {
			continue
		}
		f, err := s.v.FileFrom(slices.Clone(d))
		if err != nil {
			continue
		}
		c := s.fromDescriptor(f, u.owns)
		if _, had := c.Left(); had > 0 { // else there is nothing but holes
			s.found[identity{u.address, d.Generation()}] = true
			found = append(found, c)
		}
	}
	s.settleClaims(found, High)
	return found
}

// fromDescriptor makes a candidate of a file; owns tells that what it has is not free.
func (s *Search) fromDescriptor(f *vmfs.File, owns bool) Candidate {
	d := f.Descriptor()
	c := Candidate{Size: f.Size(), By: ByDescriptor, v: s.v}
	c.Name, c.Named = s.nameOf(d)
	c.Reason = fmt.Sprintf("descriptor %s is whole, and was changed on %s", d.Address(), d.Changed().Format(time.DateTime))
	var gone spans
	if owns {
		c.Reason = fmt.Sprintf("descriptor %s has links, and no directory names it", d.Address())
	} else {
		gone = s.lostPages(f)
	}
	for e := range f.Extents() {
		if len(c.Pieces) > maxPieces {
			c.Reason += "; it goes on, in more pieces than can be"
			break
		}
		gone.split(vmfs.Extent{Offset: e.Offset, Physical: e.Offset, Length: e.Length}, func(part vmfs.Extent, _ vmfs.FDAddress, lost bool) {
			piece := e
			piece.Offset, piece.Length, piece.Physical = part.Offset, part.Length, e.Physical+part.Offset-e.Offset
			if lost {
				piece.Device, piece.Kind = -1, vmfs.Damaged
			}
			c.Pieces = s.judge(c.Pieces, piece, d.Address())
		})
	}
	return c
}

// lostPages are the ranges of a file whose pointer blocks another file has now: what is in them
// is not its map. The spans are of offsets in the file.
func (s *Search) lostPages(f *vmfs.File) (gone spans) {
	for b, err := range f.Blocks() {
		if len(gone) > maxPieces {
			break
		}
		if b.Level > 0 && err == nil && s.taken[resourceOf(b.Address)] {
			gone = append(gone, span{from: b.Offset, to: b.Offset + b.Length})
		}
	}
	gone.settle()
	return gone
}
