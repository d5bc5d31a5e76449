//go:build unix

package image_test

import (
	"context"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/lunarsan/lunar/stream/dmu"
	"github.com/lunarsan/lunar/stream/dmu/dmutest"
	"github.com/lunarsan/lunar/stream/image"
)

// BenchmarkApply applies a full stream to a file, beside cp of the volume in the same run; both
// end with the data on the medium. times-cp is what it takes in times of cp.
func BenchmarkApply(b *testing.B) {
	for _, c := range []struct {
		name  string
		block int
		how   dmu.Compression
	}{{"16K", 16 << 10, 0}, {"128K", 128 << 10, 0}, {"128K lz4", 128 << 10, dmu.CompressionLZ4}} {
		b.Run(c.name, func(b *testing.B) {
			const size = 512 << 20
			dir := b.TempDir()
			stream, volume := filepath.Join(dir, "stream"), filepath.Join(dir, "volume")
			generate(b, stream, size, c.block, c.how)
			apply(b, stream, volume)
			ours, theirs := time.Hour, time.Hour // the best of either: others use the machine
			for b.Loop() {
				to := filepath.Join(dir, "cp")
				begun := time.Now()
				if err := exec.Command("sh", "-c", `cp --sparse=never --reflink=never "$1" "$2" && sync "$2"`, "sh", volume, to).Run(); err != nil {
					b.Fatal(err)
				}
				theirs = min(theirs, time.Since(begun))
				if err := os.Remove(to); err != nil {
					b.Fatal(err)
				}
				to = filepath.Join(dir, "apply")
				begun = time.Now()
				apply(b, stream, to)
				ours = min(ours, time.Since(begun))
				for _, name := range []string{to, to + ".lunar"} {
					if err := os.Remove(name); err != nil {
						b.Fatal(err)
					}
				}
			}
			b.SetBytes(size)
			b.ReportMetric(ours.Seconds()/theirs.Seconds(), "times-cp")
		})
	}
}

func apply(b *testing.B, stream, to string) {
	b.Helper()
	in, err := os.Open(stream)
	if err != nil {
		b.Fatal(err)
	}
	defer in.Close()
	s, err := image.Open(to, image.Options{Create: true})
	if err != nil {
		b.Fatal(err)
	}
	if err := dmu.NewApplier(s, s.Chain(), s.Save, dmu.ApplyOptions{Blank: s.Blank()}).Apply(context.Background(), in); err != nil {
		b.Fatal(err)
	}
	if err := s.Close(); err != nil {
		b.Fatal(err)
	}
}

// generate writes a full stream of size bytes that half compress.
func generate(b *testing.B, path string, size, blockSize int, how dmu.Compression) {
	b.Helper()
	f, err := os.Create(path)
	if err != nil {
		b.Fatal(err)
	}
	s := dmutest.New(b, f)
	s.Begin("a", 0, 1, blockSize, how)
	rnd := rand.NewChaCha8([32]byte{1})
	block := make([]byte, blockSize)
	for off := 0; off < size; off += blockSize {
		if _, err := io.ReadFull(rnd, block[:blockSize/2]); err != nil {
			b.Fatal(err)
		}
		s.Block(off, block, how)
	}
	s.End(size)
	s.Close()
	if err := f.Close(); err != nil {
		b.Fatal(err)
	}
}
