package undelete

import (
	"fmt"
	"time"

	"github.com/lunarsan/lunar/vmfs"
)

// A Saved file is where a file was when that was saved.
type Saved struct {
	Path       string
	Address    vmfs.FDAddress
	Generation uint32
	Size       int64
	Map        []vmfs.Extent // in order; what is left out was a hole

	// Contents reads what was in the file, where that was saved too; nil else.
	Contents func() ([]byte, error)
}

// Saved finds the files of a map, made at a time, that are there no more. Their members have to be
// those of the volume.
func (s *Search) Saved(files []Saved, made time.Time) []Candidate {
	var found []Candidate
	for _, f := range files {
		id := identity{f.Address, f.Generation}
		if generation, there := s.live[f.Address]; there && generation == f.Generation || s.found[id] {
			continue
		}
		s.found[id] = true
		c := Candidate{Name: f.Path, Named: true, Size: f.Size, By: BySaved, v: s.v,
			Reason: fmt.Sprintf("where it was on %s is known", made.UTC().Format(time.DateTime))}
		if s.stored(&c, f) {
			found = append(found, c)
			continue
		}
		at := int64(0)
		for _, e := range f.Map {
			if e.Offset < at || e.Length <= 0 || e.Offset >= f.Size {
				continue
			}
			c.hole(at, e.Offset)
			e.Length = min(e.Length, f.Size-e.Offset)
			at = e.Offset + e.Length
			if e.Kind == vmfs.Resident && !s.untouched(f) {
				e.Device = -1
			}
			c.Pieces = s.judge(c.Pieces, e, 0)
		}
		c.hole(at, f.Size)
		found = append(found, c)
	}
	s.settleClaims(found, High)
	return found
}

// stored makes a candidate of the contents that were saved; false where they were not.
func (s *Search) stored(c *Candidate, f Saved) bool {
	if f.Contents == nil || f.Size == 0 {
		return false
	}
	b, err := f.Contents()
	if err != nil || int64(len(b)) != f.Size {
		s.problem("%s was saved, and cannot be read: %v", f.Path, err)
		return false
	}
	c.contents, c.Reason = b, c.Reason+", and so is what was in it"
	c.Pieces = []Piece{{vmfs.Extent{Device: -1, Length: f.Size, Kind: vmfs.Resident}, Stored, 0}}
	return true
}

// hole appends what a map leaves out.
func (c *Candidate) hole(from, to int64) {
	if from < to {
		c.Pieces = join(c.Pieces, Piece{vmfs.Extent{Offset: from, Device: -1, Length: to - from, Kind: vmfs.Hole}, Zeros, 0})
	}
}

// untouched reports that the descriptor of a file is still its own, with its data in it.
func (s *Search) untouched(f Saved) bool {
	d, err := s.v.Slot(f.Address, nil)
	return err == nil && d.Lock().Type() == vmfs.LockFD && d.Generation() == f.Generation && d.ZLA() == vmfs.InPlace && d.Length() == f.Size
}
