package churn

import (
	"cmp"
	"slices"
)

// A claim is a range of a device, and whose it is.
type claim struct {
	from, to int64
	owner    int32 // index in the owners of the layout
}

// apart sorts claims, and cuts them so that no two have the same bytes: what begins first keeps
// them. Neighbours of one owner are joined.
func apart(claims []claim) []claim {
	slices.SortFunc(claims, func(a, b claim) int {
		return cmp.Or(cmp.Compare(a.from, b.from), cmp.Compare(a.owner, b.owner), cmp.Compare(b.to, a.to))
	})
	out := claims[:0]
	var end int64
	for _, c := range claims {
		c.from = max(c.from, end)
		if c.from >= c.to {
			continue
		}
		end = c.to
		out = joined(out, c)
	}
	return slices.Clip(out)
}

// joined appends c, or makes the last claim longer by it.
func joined(claims []claim, c claim) []claim {
	if n := len(claims) - 1; n >= 0 && claims[n].to == c.from && claims[n].owner == c.owner {
		claims[n].to = c.to
		return claims
	}
	return append(claims, c)
}

// over lays claims over others, both apart: what both have is upper's.
func over(upper, lower []claim) []claim {
	out := make([]claim, 0, len(upper)+len(lower))
	for _, u := range upper {
		for len(lower) > 0 && lower[0].from < u.from {
			l := lower[0]
			if l.to <= u.from {
				out, lower = joined(out, l), lower[1:]
				continue
			}
			out = joined(out, claim{l.from, u.from, l.owner})
			lower[0].from = u.from
		}
		for len(lower) > 0 && lower[0].from < u.to {
			if lower[0].to > u.to {
				lower[0].from = u.to
				break
			}
			lower = lower[1:]
		}
		out = joined(out, u)
	}
	for _, l := range lower {
		out = joined(out, l)
	}
	return out
}
