package undelete

import "github.com/lunarsan/lunar/vmfs"

// judge tells what became of an extent of a candidate, and appends its pieces. self is the
// candidate's descriptor, or 0.
func (s *Search) judge(pieces []Piece, e vmfs.Extent, self vmfs.FDAddress) []Piece {
	owners, rest := s.data, Unowned
	switch {
	case e.Zeros():
		return join(pieces, Piece{e, Zeros, 0})
	case e.Device < 0 || e.Device >= len(s.v.Members) || e.Kind == vmfs.Missing || e.Kind == vmfs.Damaged,
		e.Physical+e.Length > s.v.Members[e.Device].Size:
		return join(pieces, Piece{e, Lost, 0})
	case e.Kind == vmfs.Resident:
		return join(pieces, Piece{e, Unowned, 0})
	case e.Kind == vmfs.SubBlock:
		owners = s.small
	case s.known:
		rest = Free
	}
	owners.split(e, func(part vmfs.Extent, owner vmfs.FDAddress, owned bool) {
		switch {
		case owned && owner == self:
			pieces = join(pieces, Piece{part, Own, 0})
			return
		case owned:
			pieces = join(pieces, Piece{part, Reused, owner})
			return
		case rest != Free:
			pieces = join(pieces, Piece{part, rest, 0})
			return
		}
		s.used.split(part, func(part vmfs.Extent, _ vmfs.FDAddress, used bool) {
			status := Free
			if used {
				status = Counted
			}
			pieces = join(pieces, Piece{part, status, 0})
		})
	})
	return pieces
}

// join appends a piece, to the last one where it goes on from there.
func join(pieces []Piece, p Piece) []Piece {
	if n := len(pieces); n > 0 {
		last := &pieces[n-1]
		if last.Status == p.Status && last.Owner == p.Owner && last.Kind == p.Kind && last.Device == p.Device &&
			last.Offset+last.Length == p.Offset && (p.Device < 0 || last.Physical+last.Length == p.Physical) {
			last.Length += p.Length
			return pieces
		}
	}
	return append(pieces, p)
}

// settleClaims marks what several of the candidates had, or one that was found before: it was
// one's after it had been the other's, and which came last is not known. Then it notes what they
// have, so that weaker strategies leave it alone.
func (s *Search) settleClaims(found []Candidate, best Confidence) {
	var all spans
	for _, c := range found {
		for _, p := range c.Pieces {
			if p.claims() {
				all = append(all, span{p.Device, p.Physical, p.Physical + p.Length, 0})
			}
		}
	}
	twice := append(all.doubles(), s.claimed...)
	twice.settle()
	for i := range found {
		c := &found[i]
		c.Pieces = contested(c.Pieces, twice)
		c.rate(best)
	}
	s.claimed = append(s.claimed, all...)
	s.claimed.settle()
}

// claims reports a piece that a candidate has only if nobody else has.
func (p *Piece) claims() bool {
	return p.Kind == vmfs.Data && p.Status.Readable() && p.Status != Own && p.Status != Zeros
}

// contested marks those parts of pieces that spans cover.
func contested(pieces []Piece, twice spans) (marked []Piece) {
	for _, p := range pieces {
		if !p.claims() {
			marked = join(marked, p)
			continue
		}
		twice.split(p.Extent, func(part vmfs.Extent, _ vmfs.FDAddress, both bool) {
			q := Piece{part, p.Status, 0}
			if both {
				q.Status = Contested
			}
			marked = join(marked, q)
		})
	}
	return marked
}
