package scsi

import "time"

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
		ago := time.Duration(-1)
		if used := p.used.Load(); used != 0 {
			ago = time.Duration(now-used) * time.Second
		}
		uses = append(uses, Use{p.nexus.Names, ago})
	}
	return uses
}
