package scsi

import (
	"cmp"
	"slices"
	"time"
)

// use notes that p's nexus does I/O. now counts from the unit's birth; kept is the second, from
// 1, so that a path in use is written to once in that time.
func (p *path) use(now time.Duration) {
	if second := int64(now/time.Second) + 1; p.used.Load() != second {
		p.used.Store(second)
	}
}

// A Use tells when a nexus last did I/O on a unit.
type Use struct {
	Names
	Ago time.Duration // in whole seconds; negative: never
}

// Uses lists the nexuses that see the unit, with what they use it for: I/O is every command
// that reads, writes or syncs the medium.
func (lu *LogicalUnit) Uses() []Use {
	now := int64(time.Since(lu.born)/time.Second) + 1
	lu.mu.Lock()
	defer lu.mu.Unlock()
	uses := make([]Use, 0, len(lu.paths))
	for _, p := range lu.paths {
		uses = append(uses, Use{p.nexus.Names, p.usedAgo(now)})
	}
	return uses
}

// usedAgo is Use.Ago at the second now, counted as use does.
func (p *path) usedAgo(now int64) time.Duration {
	used := p.used.Load()
	if used == 0 {
		return -1
	}
	return time.Duration(now-used) * time.Second
}

// A UnitUse tells what a nexus sees at a LUN, and when it last did I/O there.
type UnitUse struct {
	LUN  int
	Unit *LogicalUnit
	Ago  time.Duration // as Use.Ago
}

// Count returns how many units the nexus sees.
func (n *Nexus) Count() int { return len(n.luns.Load().paths) }

// Units lists the units that the nexus sees, by LUN.
func (n *Nexus) Units() []UnitUse {
	paths := n.luns.Load().paths
	units := make([]UnitUse, 0, len(paths))
	for number, p := range paths {
		now := int64(time.Since(p.unit.born)/time.Second) + 1
		units = append(units, UnitUse{number, p.unit, p.usedAgo(now)})
	}
	slices.SortFunc(units, func(a, b UnitUse) int { return cmp.Compare(a.LUN, b.LUN) })
	return units
}
