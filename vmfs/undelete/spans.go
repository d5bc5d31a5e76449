package undelete

import (
	"cmp"
	"slices"

	"github.com/lunarsan/lunar/vmfs"
)

// A span is a run of bytes of a member of the volume, and whose it is.
type span struct {
	device   int
	from, to int64
	owner    vmfs.FDAddress // 0: nobody's in particular
}

// spans are spans in order, none over another, once they are settled.
type spans []span

// add adds what an extent takes, behind the others.
func (s *spans) add(e vmfs.Extent, owner vmfs.FDAddress) {
	if e.Device < 0 {
		return
	}
	if n := len(*s); n > 0 {
		if last := &(*s)[n-1]; last.device == e.Device && last.owner == owner && last.to == e.Physical {
			last.to += e.Length
			return
		}
	}
	*s = append(*s, span{e.Device, e.Physical, e.Physical + e.Length, owner})
}

func (s spans) sort() {
	slices.SortStableFunc(s, func(a, b span) int {
		return cmp.Or(cmp.Compare(a.device, b.device), cmp.Compare(a.from, b.from))
	})
}

// doubles are the bytes that are in more than one of s. It puts s in order.
func (s spans) doubles() (twice spans) {
	s.sort()
	var end span // of those so far, the one that goes furthest
	for _, next := range s {
		if next.device == end.device && next.from < end.to {
			twice = append(twice, span{next.device, next.from, min(next.to, end.to), 0})
		}
		if next.device != end.device || next.to > end.to {
			end = next
		}
	}
	return twice
}

// settle puts the spans in order. What two claim is the first one's.
func (s *spans) settle() {
	s.sort()
	kept := (*s)[:0]
	for _, next := range *s {
		if n := len(kept); n > 0 && kept[n-1].device == next.device {
			last := &kept[n-1]
			next.from = max(next.from, last.to)
			if next.from >= next.to {
				continue
			}
			if last.owner == next.owner && last.to == next.from {
				last.to = next.to
				continue
			}
		}
		kept = append(kept, next)
	}
	*s = kept
}

// split calls yield with the parts of e, those that spans cover with the span's owner and true.
func (s spans) split(e vmfs.Extent, yield func(part vmfs.Extent, owner vmfs.FDAddress, covered bool)) {
	end := e.Physical + e.Length
	i, _ := slices.BinarySearchFunc(s, e, func(p span, e vmfs.Extent) int {
		if p.device < e.Device || p.device == e.Device && p.to <= e.Physical {
			return -1
		}
		return 1
	})
	for at := e.Physical; at < end; {
		to, owner, covered := end, vmfs.FDAddress(0), false
		if i < len(s) && s[i].device == e.Device && s[i].from < end {
			if p := s[i]; p.from <= at {
				to, owner, covered = min(end, p.to), p.owner, true
				i++
			} else {
				to = p.from
			}
		}
		part := e
		part.Offset, part.Physical, part.Length = e.Offset+at-e.Physical, at, to-at
		yield(part, owner, covered)
		at = to
	}
}

// covered is how many bytes of e spans cover.
func (s spans) covered(e vmfs.Extent) (n int64) {
	s.split(e, func(part vmfs.Extent, _ vmfs.FDAddress, covered bool) {
		if covered {
			n += part.Length
		}
	})
	return n
}
