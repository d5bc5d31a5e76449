package comstar

import (
	"sync"
	"testing"
	"time"

	"github.com/lunarsan/lunar/sbd"
)

// TestGUID makes one that a storage system of 2012 made.
func TestGUID(t *testing.T) {
	at := time.Unix(0x4fc511ec, int64(time.Second>>16)+1)
	g := Generator{Host: [6]byte{0x92, 0x8c, 0x01}, Now: func() time.Time { return at }}
	for n, want := range []string{"600144f0928c010000004fc511ec0001", "600144f0928c010000004fc511ec0002"} {
		guid := g.GUID()
		if guid.String() != want {
			t.Errorf("GUID %d is %s, want %s", n, guid, want)
		}
		if _, err := sbd.ParseGUID(guid.String()); err != nil {
			t.Error(err)
		}
	}
	at = at.Add(-time.Hour)
	if got, want := g.GUID().String(), "600144f0928c010000004fc511ec0003"; got != want {
		t.Errorf("with the clock set back: %s, want %s", got, want)
	}
	at = time.Unix(0x4fc511ed, 999_999_999)
	if got, want := g.GUID().String(), "600144f0928c010000004fc511edffff"; got != want {
		t.Errorf("at the end of a second: %s, want %s", got, want)
	}
	if got, want := g.GUID().String(), "600144f0928c010000004fc511ee0000"; got != want {
		t.Errorf("after the end of a second: %s, want %s", got, want)
	}
}

// TestGUIDsDiffer makes them from many goroutines, and over restarts within a second.
func TestGUIDsDiffer(t *testing.T) {
	const restarts, workers, each = 3, 8, 200
	seen := make(map[sbd.GUID]bool)
	now := time.Unix(0x4fc511ec, 0)
	for range restarts {
		g := Generator{Now: func() time.Time { return now }}
		made := make([][each]sbd.GUID, workers)
		var wg sync.WaitGroup
		for w := range made {
			wg.Go(func() {
				for n := range each {
					made[w][n] = g.GUID()
				}
			})
		}
		wg.Wait()
		for _, some := range made {
			for _, guid := range some {
				seen[guid] = true
			}
		}
		now = now.Add(50 * time.Millisecond)
	}
	if len(seen) != restarts*workers*each {
		t.Errorf("%d different GUIDs of %d", len(seen), restarts*workers*each)
	}
}
