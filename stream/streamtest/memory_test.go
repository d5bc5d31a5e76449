package streamtest_test

import (
	"strings"
	"sync"
	"testing"

	"github.com/lunarsan/lunar/stream"
	"github.com/lunarsan/lunar/stream/streamtest"
)

// TestMemory holds the volume that others are tested with to the contract of all.
func TestMemory(t *testing.T) {
	var mu sync.Mutex
	made := map[string]*streamtest.Memory{}
	next := func() string { return "volume" + string(rune('a'+len(made))) }
	streamtest.Test(t, streamtest.Place{
		Volume: func(t *testing.T, size int64) stream.Volume {
			mu.Lock()
			defer mu.Unlock()
			m := streamtest.NewMemory(next(), size)
			made[m.Path()] = m
			return m
		},
		Nothing: func(t *testing.T) stream.Volume {
			mu.Lock()
			defer mu.Unlock()
			m := streamtest.NoMemory(next())
			made[m.Path()] = m
			return m
		},
		Open: func(t *testing.T, path string) streamtest.Bytes {
			mu.Lock()
			defer mu.Unlock()
			volume, _, _ := strings.Cut(path, "/")
			b, err := made[volume].Open(path)
			if err != nil {
				t.Fatal(err)
			}
			return b
		},
		Locks: true,
	})
}
