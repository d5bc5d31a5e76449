package undelete

import (
	"context"
	"encoding/binary"

	"github.com/lunarsan/lunar/vmfs"
)

// A page is a pointer block that no file has, and that still points to blocks.
type page struct {
	file        *vmfs.ResourceFile
	cluster, at int64
	level       int // 1: to file blocks; 2: to pages
	unit        int64
	first, last int64 // of its addresses that are not 0
	from, to    int64 // L: where the first block begins and the last one ends
	used        bool  // in a candidate
}

func (p *page) resource(kind vmfs.AddressType) resource { return resource{kind, p.cluster, p.at} }

// pageFiles are the system files that pointer blocks are in, and the addresses that lead there.
var pageFiles = []struct {
	slot vmfs.Slot
	kind vmfs.AddressType
}{
	{vmfs.PBCSlot, vmfs.AddressPB},
	{vmfs.PB2Slot, vmfs.AddressPB2},
	{vmfs.SBCSlot, vmfs.AddressSB}, // VMFS6
}

// Pointers finds pointer blocks that no file has, and makes candidates of them. It ends early with
// the error of ctx.
func (s *Search) Pointers(ctx context.Context) ([]Candidate, error) {
	c := &chains{s: s, byResource: map[resource]*page{}, byFrom: map[int64][]*page{}}
	for _, f := range pageFiles {
		if f.slot == vmfs.SBCSlot && s.v.Superblock().Version() < 6 {
			continue
		}
		r, err := s.v.Resources(f.slot)
		if err != nil {
			continue // which older versions do not have
		}
		if err := c.collect(ctx, r, f.kind); err != nil {
			return nil, err
		}
	}
	found, err := c.candidates(ctx)
	s.settleClaims(found, Medium)
	return found, err
}

// collect looks at each resource of a file that is nobody's.
func (c *chains) collect(ctx context.Context, r *vmfs.ResourceFile, kind vmfs.AddressType) error {
	size := r.Header.ResourceSize()
	if size <= 0 {
		return nil
	}
	c.buf = make([]byte, max(size, int64(len(c.buf))))
	for n := range min(r.Clusters(), r.Size()/(size*r.Header.ClusterLen())+1) {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		for k := range r.Header.ClusterLen() {
			p := &page{file: r, cluster: n, at: k}
			if c.s.taken[p.resource(kind)] {
				continue
			}
			b, err := r.Resource(n, k, c.buf)
			if err != nil {
				continue
			}
			if c.s.look(p, b) && len(c.pages) < maxPages {
				c.pages = append(c.pages, p)
				c.byResource[p.resource(kind)] = p
				c.byFrom[p.from] = append(c.byFrom[p.from], p)
			}
		}
	}
	return nil
}

// addresses are those in a pointer block, the zeros too.
func (s *Search) addresses(b []byte) func(func(int64, uint64) bool) {
	return func(yield func(int64, uint64) bool) {
		if s.v.Superblock().Version() == 6 {
			for i := range len(b) / 8 {
				if !yield(int64(i), binary.LittleEndian.Uint64(b[8*i:])) {
					return
				}
			}
			return
		}
		for i := range len(b) / 4 {
			if !yield(int64(i), uint64(binary.LittleEndian.Uint32(b[4*i:]))) {
				return
			}
		}
	}
}

// look tells a pointer block from other bytes: all that is not 0 is an address, of blocks in the
// volume or of other pointer blocks, and most blocks are nobody's today.
func (s *Search) look(p *page, b []byte) bool {
	var (
		blocks, pages, mine int64
		before              uint64
		large, repeated     bool
	)
	p.first = -1
	for i, raw := range s.addresses(b) {
		if raw == 0 {
			before = 0
			continue
		}
		a := s.v.Superblock().Decode(raw)
		logical, length, ok := s.v.Block(a)
		switch {
		case ok && logical+length <= s.v.Size():
			blocks++
			large = large || a.Type == vmfs.AddressLFB
			repeated = repeated || a.Type == vmfs.AddressLFB && raw == before
			if s.isFree(logical, length) {
				mine++
			}
			if p.first < 0 {
				p.first, p.from = i, logical
			}
			p.last, p.to = i, logical+length
		case a.Type == vmfs.AddressPB, a.Type == vmfs.AddressPB2, a.Type == vmfs.AddressSB:
			pages++
			if p.first < 0 {
				p.first = i
			}
			p.last = i
		default:
			return false
		}
		if blocks > 0 && pages > 0 {
			return false
		}
		before = raw
	}
	p.level, p.unit = 1, s.v.Superblock().FileBlockSize()
	if pages > 0 {
		p.level = 2
	}
	if large && !repeated && blocks > 1 {
		p.unit <<= s.v.Superblock().LargeShift()
	}
	return pages > 0 || blocks > 0 && 2*mine > blocks
}

// isFree reports that most of a block is nobody's, and of no candidate that was found before.
func (s *Search) isFree(logical, length int64) bool {
	var taken int64
	for e := range s.extents(logical, length) {
		if e.Device < 0 {
			taken += e.Length
			continue
		}
		taken += s.data.covered(e) + s.claimed.covered(e)
	}
	return 2*taken < length
}
