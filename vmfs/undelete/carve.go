package undelete

import (
	"context"
	"fmt"

	"github.com/lunarsan/lunar/vmfs"
)

// Carve looks for disks and file systems in the file blocks that no file has, and no candidate
// that was found before, and takes each to lie in one piece from there on. It reads the beginning
// of each such block. progress, which may be nil, hears of how many blocks of how many were looked
// at. It ends early with the error of ctx.
func (s *Search) Carve(ctx context.Context, progress func(done, all int64)) ([]Candidate, error) {
	block, all := s.v.Superblock().FileBlockSize(), s.blocks()
	var found []Candidate
	for n := int64(0); n < all; {
		if ctx.Err() != nil {
			break
		}
		if progress != nil && n%1024 == 0 {
			progress(n, all)
		}
		logical := n * block
		n++
		if !s.isFree(logical, block) {
			continue
		}
		h, ok := s.signature(logical)
		if !ok {
			continue
		}
		c := s.carve(logical, h)
		found = append(found, c)
		n = max(n, (logical+c.Size+block-1)/block)
	}
	s.settleClaims(found, Low)
	return found, ctx.Err()
}

// carve takes what begins at an offset of the volume.
func (s *Search) carve(logical int64, h head) Candidate {
	c := Candidate{Name: fmt.Sprintf("/carved-%x", logical), Size: h.size, By: ByCarving, v: s.v,
		Reason: fmt.Sprintf("%s of %d bytes begins in a block that no file has; the rest is taken to follow it", h.what, h.size)}
	length := min(h.size, s.v.Size()-logical)
	for e := range s.extents(logical, length) {
		c.Pieces = s.judge(c.Pieces, e, 0)
	}
	if length < h.size {
		c.Pieces = join(c.Pieces, Piece{vmfs.Extent{Offset: length, Device: -1, Length: h.size - length, Kind: vmfs.Missing}, Lost, 0})
	}
	return c
}
