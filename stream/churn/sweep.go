package churn

import "sort"

// sums are bytes of a volume that changed.
type sums struct{ written, freed int64 }

// A sweep adds up by owner which of a Map's bytes changed. Ranges are quickest in order, as
// streams have them.
type sweep struct {
	m   *Map
	at  int    // of the claim where the last range ended
	sum []sums // by owner
}

func newSweep(m *Map) *sweep { return &sweep{m: m, sum: make([]sums, len(m.owners))} }

// near is how many claims are passed by one by one, before the others are searched.
const near = 8

// seek goes to the first claim that ends behind off.
func (s *sweep) seek(off int64) {
	c := s.m.claims
	if s.at > 0 && c[s.at-1].to > off {
		s.at = 0
	}
	for i := 0; s.at < len(c) && c[s.at].to <= off; i++ {
		if i == near {
			rest := c[s.at:]
			s.at += sort.Search(len(rest), func(i int) bool { return rest[i].to > off })
			return
		}
		s.at++
	}
}

// add adds a range that changed: freed, or written.
func (s *sweep) add(from, to int64, freed bool) {
	s.seek(from)
	for c := s.m.claims; from < to; {
		end, owner := to, int32(outside)
		if s.at < len(c) {
			if next := &c[s.at]; from < next.from {
				end = min(to, next.from)
			} else {
				end, owner = min(to, next.to), next.owner
			}
		}
		if freed {
			s.sum[owner].freed += end - from
		} else {
			s.sum[owner].written += end - from
		}
		from = end
		if s.at < len(c) && c[s.at].to <= from {
			s.at++
		}
	}
}
