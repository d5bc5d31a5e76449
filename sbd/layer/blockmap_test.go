package layer

import (
	"encoding/binary"
	"sync"
	"testing"
)

// TestGatherHasWhatReturned has a sync take in every block that was marked before it began, though
// others mark blocks of the same sector meanwhile.
func TestGatherHasWhatReturned(t *testing.T) {
	const markers = 8
	for round := 0; round < 20_000 && !t.Failed(); round++ {
		var (
			m       = newMap(perSector)
			all     sync.WaitGroup
			syncing sync.Mutex
			kept    [sectorWords]uint64
		)
		for b := range int64(markers) {
			all.Go(func() {
				if err := m.mark(b*64, b*64+1); err != nil {
					t.Error(err)
				}
				syncing.Lock()
				defer syncing.Unlock()
				if k := m.gather(); len(k.sectors) > 0 {
					for w := range kept {
						kept[w] = binary.LittleEndian.Uint64(k.p[sectorHead+w*8:])
					}
				}
				if kept[b] == 0 {
					t.Errorf("a block was marked, and what was gathered afterwards does not have it")
				}
			})
		}
		all.Wait()
	}
}
