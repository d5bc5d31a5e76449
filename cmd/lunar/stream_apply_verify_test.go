package main

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/klauspost/compress/zstd"

	"github.com/lunarsan/lunar/stream/dmu"
	"github.com/lunarsan/lunar/stream/dmu/dmutest"
)

// packageStream is a package of so many snapshots of a volume, each of whose blocks changes in
// every one of them.
func packageStream(t *testing.T, snapshots int) (stream, last []byte) {
	t.Helper()
	const size, blockSize = 64 << 10, 8 << 10
	var out bytes.Buffer
	s := dmutest.New(t, &out)
	s.Package("last")
	random := rand.NewChaCha8([32]byte{1})
	volume := make([]byte, size)
	for i := range snapshots {
		if _, err := io.ReadFull(random, volume); err != nil {
			t.Fatal(err)
		}
		s.Begin(string(rune('a'+i)), uint64(i), uint64(i+1), blockSize)
		for off := 0; off < size; off += blockSize {
			s.Block(off, volume[off:][:blockSize], dmu.CompressionNone)
		}
		s.End(size)
	}
	s.EndPackage()
	s.Close()
	return out.Bytes(), volume
}

// packed is a stream with zstd around it.
func packed(t *testing.T, stream []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	w, err := zstd.NewWriter(&out)
	if err != nil {
		t.Fatal(err)
	}
	_, err = w.Write(stream)
	if err := errors.Join(err, w.Close()); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// TestStreamApplyVerifiesPackages: every substream is read once more, also where finding it takes
// reading what comes before it.
func TestStreamApplyVerifiesPackages(t *testing.T) {
	stream, last := packageStream(t, 12)
	for name, in := range map[string][]byte{"plain": stream, "zstd": packed(t, stream)} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			file, disk := filepath.Join(dir, "stream"), filepath.Join(dir, "disk")
			if err := os.WriteFile(file, in, 0o600); err != nil {
				t.Fatal(err)
			}
			c := &cli{world: world{stdout: io.Discard, stderr: io.Discard, getenv: func(string) string { return "" }}}
			a := application{c: c, to: disk, verify: true}
			if err := a.run(t.Context(), []string{file}); err != nil {
				t.Fatal(err)
			}
			if got, err := os.ReadFile(disk); err != nil || !bytes.Equal(got, last) || len(a.done) != 12 {
				t.Errorf("%d bytes after %d snapshots, %v", len(got), len(a.done), err)
			}
		})
	}
}

// TestStreamApplyVerifyFinds: what a store makes of blocks is found out, in each substream of a
// package and however the stream is wrapped.
func TestStreamApplyVerifyFinds(t *testing.T) {
	const snapshots = 3
	stream, _ := packageStream(t, snapshots)
	for name, in := range map[string][]byte{"plain": stream, "zstd": packed(t, stream)} {
		for bad := range snapshots {
			dir := t.TempDir()
			file := filepath.Join(dir, "stream")
			if err := os.WriteFile(file, in, 0o600); err != nil {
				t.Fatal(err)
			}
			c := &cli{world: world{stdout: io.Discard, stderr: io.Discard, getenv: func(string) string { return "" }}}
			a := application{c: c, to: filepath.Join(dir, "disk"), verify: true}
			var err error
			if a.store, err = c.openStore(t.Context(), a.to, "", false); err != nil {
				t.Fatal(err)
			}
			a.o.Blank = true
			a.o.Done = func(d dmu.Applied) error {
				if d.GUID == uint64(bad+1) {
					if _, err := a.store.volume.WriteAt([]byte("lost"), 20_000); err != nil {
						t.Fatal(err)
					}
				}
				return a.applied(t.Context(), d)
			}
			a.applier = dmu.NewApplier(a.store.volume, a.store.chain, a.store.save, a.o)
			if err := a.apply(t.Context(), file); err == nil || len(a.done) != bad {
				t.Errorf("%s: bytes of snapshot %d are lost, and %d were verified: %v", name, bad, len(a.done), err)
			}
			if err := a.store.close(); err != nil {
				t.Fatal(err)
			}
		}
	}
}
