package undelete

import (
	"context"
	"fmt"
	"slices"

	"github.com/lunarsan/lunar/vmfs"
)

// chains put pages in the order in which a file had them.
type chains struct {
	s          *Search
	pages      []*page // in the order of their places, which is that of allocation
	byResource map[resource]*page
	byFrom     map[int64][]*page
	heads      map[*page]head
	buf        []byte
}

// maxPages bounds how many pages are put in order: those of 128 TiB of VMFS5.
const maxPages = 1 << 17

// A placed page is one whose place in the file is known.
type placed struct {
	*page
	offset int64 // in the file
}

// candidates makes files of the pages: first of those that others point to, which say where each
// belongs, then of those that begin a disk, and what lies behind it; then of the rest, each run
// that lies in one piece.
func (c *chains) candidates(ctx context.Context) ([]Candidate, error) {
	var found []Candidate
	for _, p := range c.pages {
		if p.level == 2 {
			if chain := c.below(p); len(chain) > 0 {
				found = append(found, c.candidate(chain, "a pointer block of pointer blocks that no file has says where each belongs"))
			}
		}
	}
	c.heads = map[*page]head{}
	for _, p := range c.pages {
		if ctx.Err() != nil {
			return found, ctx.Err()
		}
		if p.level == 1 && !p.used && p.first == 0 {
			if h, ok := c.s.signature(p.from); ok {
				c.heads[p] = h
			}
		}
	}
	for i, p := range c.pages {
		if h, ok := c.heads[p]; ok && !p.used {
			found = append(found, c.candidate(c.follow(i, h.size),
				fmt.Sprintf("pointer blocks that no file has; the first leads to %s of %d bytes", h.what, h.size)))
		}
	}
	for i, p := range c.pages {
		if p.level == 1 && !p.used {
			found = append(found, c.candidate(c.follow(i, 0), "pointer blocks that no file has, to blocks that begin no disk: a part of a file"))
		}
	}
	return found, nil
}

// reach is how much of a file a page is for.
func (c *chains) reach(p *page) int64 {
	width := int64(4)
	if c.s.v.Superblock().Version() == 6 {
		width = 8
	}
	return p.file.Header.ResourceSize() / width * p.unit
}

// below are the pages that a page points to.
func (c *chains) below(top *page) (chain []placed) {
	b, err := top.file.Resource(top.cluster, top.at, c.buf)
	if err != nil {
		return nil
	}
	for i, raw := range c.s.addresses(b) {
		p := c.byResource[resourceOf(c.s.v.Superblock().Decode(raw))]
		if raw == 0 || p == nil || p.level != 1 || p.used {
			continue
		}
		p.used = true
		chain = append(chain, placed{p, i * c.reach(p)})
	}
	top.used = len(chain) > 0
	return chain
}

// follow are the page with an index and those that go on from it, up to a size: the one whose
// first block lies behind the last one's end, else the next one in the order of allocation that
// begins no disk. Without a size, only those that lie so.
func (c *chains) follow(i int, size int64) (chain []placed) {
	p := c.pages[i]
	for off := int64(0); p != nil; {
		p.used = true
		chain = append(chain, placed{p, off})
		off += c.reach(p)
		if size > 0 && off >= size {
			break
		}
		p = c.next(i, p, size > 0)
	}
	return chain
}

// next is the page that goes on from the last one of a chain that begins with the page at i.
func (c *chains) next(i int, last *page, any bool) *page {
	fits := func(p *page) bool {
		_, begins := c.heads[p]
		return !begins && !p.used && p.level == 1 && p.unit == last.unit
	}
	if k := slices.IndexFunc(c.byFrom[last.to], fits); k >= 0 {
		return c.byFrom[last.to][k]
	}
	if k := slices.IndexFunc(c.pages[i+1:], fits); k >= 0 && any {
		return c.pages[i+1+k]
	}
	return nil
}

// candidate makes a candidate of pages.
func (c *chains) candidate(chain []placed, reason string) Candidate {
	s := c.s
	out := Candidate{By: ByPointers, Reason: reason, v: s.v}
	first := chain[0]
	out.Name = fmt.Sprintf("/pointers-%d-%d", first.cluster, first.at)
	at := int64(0)
	for _, p := range chain {
		b, err := p.file.Resource(p.cluster, p.at, c.buf)
		if err != nil {
			continue
		}
		for i, raw := range s.addresses(b) {
			a := s.v.Superblock().Decode(raw)
			logical, length, ok := s.v.Block(a)
			if raw == 0 || !ok || logical+length > s.v.Size() {
				continue
			}
			off := p.offset + i*p.unit
			out.hole(at, off)
			at = off + p.unit
			for e := range s.extents(logical+off%length, min(p.unit, length)) {
				e.Offset += off
				if a.ToBeZeroed {
					e.Kind = vmfs.ToBeZeroed
				}
				out.Pieces = s.judge(out.Pieces, e, 0)
			}
		}
	}
	out.Size = at
	if h, ok := s.head(&out); ok {
		out.fit(h.size, first.unit)
	}
	return out
}
