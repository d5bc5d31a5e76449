package main

import (
	"bufio"
	"encoding/binary"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/lunarsan/lunar/stream/dmu"
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
	w := dmu.NewWriter(out, binary.LittleEndian)
	put := func(r *dmu.Record, payload []byte) {
		if r.Type() != dmu.TypeBegin {
			r.SetToGUID(1)
		}
		if err := w.Write(r, payload); err != nil {
			t.Fatal(err)
		}
	}
	b := dmu.NewBegin()
	features := dmu.FeatureLargeBlocks | dmu.FeatureCompressed
	for _, h := range how {
		features |= h.Needs()
	}
	b.SetVersion(dmu.Substream, features)
	b.SetObjset(dmu.ObjsetZvol)
	b.SetToGUID(1)
	if err := b.SetToName("tank/vol@a"); err != nil {
		t.Fatal(err)
	}
	put(b.Record(), nil)
	object := func(n uint64, dmuType uint32, size int) {
		o := dmu.NewRecord(dmu.TypeObject).Object()
		o.SetObject(n)
		o.SetDMUType(dmuType)
		o.SetBlockSize(uint32(size))
		o.SetDnodeSlots(1)
		put(o.Record(), nil)
	}
	write := func(n uint64, dmuType uint32, off int, block []byte, how dmu.Compression) {
		r := dmu.NewRecord(dmu.TypeWrite).Write()
		r.SetObject(n)
		r.SetDMUType(dmuType)
		r.SetOffset(uint64(off))
		r.SetLogicalSize(uint64(len(block)))
		if how != dmu.CompressionNone {
			if block, err = new(dmu.Codec).Compress(how, 0, nil, block); err != nil {
				t.Fatal(err)
			}
			r.SetCompression(how)
			r.SetCompressedSize(uint64(len(block)))
		}
		put(r.Record(), block)
	}
	object(dmu.ZvolData, dmu.ObjectZvol, long)
	rnd := rand.NewChaCha8([32]byte{1})
	block := make([]byte, long)
	for i, h := range how {
		if _, err := io.ReadFull(rnd, block[:long-long/7]); err != nil { // as little shorter as it may be
			t.Fatal(err)
		}
		write(dmu.ZvolData, dmu.ObjectZvol, i*long, block, h)
	}
	object(dmu.ZvolProps, dmu.ObjectZvolProp, 512)
	write(dmu.ZvolProps, dmu.ObjectZvolProp, 0, dmu.VolumeProps(uint64(len(how)*long)), dmu.CompressionNone)
	put(dmu.NewRecord(dmu.TypeEnd), nil)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
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
			before, peak := inUse(), uint64(0)
			ended := make(chan error)
			go func() { ended <- a.run(t.Context(), []string{stream}) }()
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
		})
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
