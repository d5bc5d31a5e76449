package undelete

import (
	"context"

	"github.com/lunarsan/lunar/vmfs"
)

// count notes which file blocks the volume counts as in use: on VMFS3 and 5. Nobody knows where
// VMFS6 keeps the bitmap.
func (s *Search) count(ctx context.Context) error {
	fbb, err := s.v.Resources(vmfs.FBBSlot)
	if err != nil {
		s.problem("what the volume counts as free is not known: %v", err)
		return nil
	}
	if s.v.Superblock().Version() == 6 {
		return nil
	}
	per, block := fbb.Header.ClusterLen(), s.v.Superblock().FileBlockSize()
	buf := make([]byte, 2*s.v.Superblock().MetadataAlignment())
	for cluster := range min(fbb.Clusters(), s.blocks()/per+1) {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		c, err := fbb.Cluster(cluster, buf)
		if err != nil {
			s.problem("what the volume counts as free is not known: %v", err)
			s.used = nil
			return nil
		}
		for k := range per {
			if free, ok := c.IsFree(int(k)); ok && !free {
				for e := range s.extents((cluster*per+k)*block, block) {
					s.used.add(e, 0)
				}
			}
		}
	}
	s.used.settle()
	s.known = true
	return nil
}

// blocks is how many file blocks the members of the volume have room for, whatever it claims.
func (s *Search) blocks() (n int64) {
	for _, m := range s.v.Members {
		n += m.Size
	}
	return min(n, s.v.Size()) / s.v.Superblock().FileBlockSize()
}

// extents yields where a piece of the volume is.
func (s *Search) extents(logical, length int64) func(func(vmfs.Extent) bool) {
	return func(yield func(vmfs.Extent) bool) {
		for at := int64(0); at < length; {
			member, physical, n := s.v.Locate(logical + at)
			if n <= 0 {
				n = length - at // behind the end
			}
			e := vmfs.Extent{Offset: at, Device: member, Physical: physical, Length: min(n, length-at)}
			if member < 0 {
				e.Kind = vmfs.Missing
			}
			if !yield(e) {
				return
			}
			at += e.Length
		}
	}
}
