package main

import (
	"bufio"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/lunarsan/lunar/stream/dmu"
	"github.com/lunarsan/lunar/stream/dmu/dmutest"
)

// longStream writes a stream with blocks of 16 MiB, compressed by each of how in turn.
func longStream(t *testing.T, path string, how ...dmu.Compression) {
	t.Helper()
	const long = 16 << 20
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	out := bufio.NewWriter(f)
	s := dmutest.New(t, out)
	s.Begin("a", 0, 1, long, how...)
	rnd := rand.NewChaCha8([32]byte{1})
	block := make([]byte, long)
	for i, h := range how {
		if _, err := io.ReadFull(rnd, block[:long-long/7]); err != nil { // as little shorter as it may be
			t.Fatal(err)
		}
		s.Block(i*long, block, h)
	}
	s.End(len(how) * long)
	s.Close()
	if err := out.Flush(); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestStreamApplyMemory: what is in use at any time, of streams with the longest blocks and
// verified too, leaves room within 64 MiB for a program of 16.
func TestStreamApplyMemory(t *testing.T) {
	const limit = 48 << 20
	dir := t.TempDir()
	for name, how := range map[string][]dmu.Compression{
		"as they are": {dmu.CompressionNone, dmu.CompressionNone, dmu.CompressionNone},
		"zstd":        {dmu.CompressionZstd, dmu.CompressionZstd, dmu.CompressionZstd},
		"lz4":         {dmu.CompressionLZ4, dmu.CompressionLZ4, dmu.CompressionNone},
	} {
		t.Run(name, func(t *testing.T) {
			stream := filepath.Join(dir, name)
			longStream(t, stream, how...)
			c := &cli{world: world{stdout: io.Discard, stderr: io.Discard, getenv: func(string) string { return "" }}}
			a := application{c: c, to: stream + ".disk", verify: true}
			holdsMemory(t, limit, func() error { return a.run(t.Context(), []string{stream}) })
		})
	}
}

// TestStreamGenerateMemory is the same of streams that are made of stores with such blocks, and of
// what has changed in them.
func TestStreamGenerateMemory(t *testing.T) {
	const size, long, limit = 48 << 20, 16 << 20, 48 << 20
	dir := t.TempDir()
	volume := make([]byte, size)
	_, _ = rand.NewChaCha8([32]byte{1}).Read(volume) // which does not fail
	names := map[string]string{}
	for name, at := range map[string]int{"before": 0, "now": long + 1<<20} {
		volume[at]++
		clear(volume[at+long-long/7:][:long/7])
		names[name] = filepath.Join(dir, name)
		if err := os.WriteFile(names[name], volume, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, compress := range []string{"off", "lz4", "zstd"} {
		c := &cli{world: world{stdout: io.Discard, stderr: io.Discard, getenv: func(string) string { return "" }}}
		out := filepath.Join(dir, compress)
		full := generation{c: c, from: names["before"], blockSize: long, compress: compress, to: streamOutput{path: out + ".full"}}
		holdsMemory(t, limit, func() error { return full.run(t.Context()) })
		rest := generation{c: c, name: "@now", from: names["now"], since: names["before"], compress: compress, to: streamOutput{path: out}, chain: out + ".lunar"}
		holdsMemory(t, limit, func() error { return rest.run(t.Context()) })
	}
}

// holdsMemory has do work, and looks at what is in use meanwhile.
func holdsMemory(t *testing.T, limit uint64, do func() error) {
	t.Helper()
	before, peak := inUse(), uint64(0)
	ended := make(chan error)
	go func() { ended <- do() }()
	for {
		select {
		case err := <-ended:
			if err != nil {
				t.Fatal(err)
			}
			if peak > before+limit {
				t.Errorf("%d MiB are in use at once, want %d at most", (peak-before)>>20, limit>>20)
			}
			return
		default:
			peak = max(peak, inUse())
		}
	}
}

// inUse is what a program has in use of its memory (bytes), without what it could give back. What
// is given up during one collection is in use until the next.
func inUse() uint64 {
	least := uint64(math.MaxUint64)
	for range 2 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		least = min(least, m.HeapAlloc)
	}
	return least
}
