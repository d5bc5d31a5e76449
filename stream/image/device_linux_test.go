package image_test

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lunarsan/lunar/sbd/storetest"
	"github.com/lunarsan/lunar/stream/dmu"
	"github.com/lunarsan/lunar/stream/image"
)

// realArchive has streams that OpenZFS made, and the SHA-256 of the volumes in them. It is beside
// the checkout where there is one.
const realArchive = "../../../shared/data/zfs/streams.tar.xz"

// realFiles are the files of the archive; without it the test is skipped.
func realFiles(t *testing.T) map[string][]byte {
	t.Helper()
	if _, err := os.Stat(realArchive); errors.Is(err, os.ErrNotExist) {
		t.Skip("there are no streams of a real OpenZFS beside this checkout")
	}
	plain, err := exec.Command("xz", "-dc", realArchive).Output()
	if err != nil {
		t.Fatal(err)
	}
	files := map[string][]byte{}
	for tr := tar.NewReader(bytes.NewReader(plain)); ; {
		h, err := tr.Next()
		if err == io.EOF {
			return files
		} else if err != nil {
			t.Fatal(err)
		}
		if files[strings.TrimPrefix(h.Name, "./")], err = io.ReadAll(tr); err != nil {
			t.Fatal(err)
		}
	}
}

// loop makes a block device of size bytes that is full of garbage, or skips.
func loop(t *testing.T, size int) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "disk")
	if err := os.WriteFile(path, bytes.Repeat([]byte{0xa5}, size), 0o600); err != nil {
		t.Fatal(err)
	}
	return storetest.Loop(t, path, 4096)
}

// applyToDevice applies a stream as a process of its own would, verifies it if it is whole, and
// returns what was done.
func applyToDevice(t *testing.T, device, chain string, stream []byte, overwrite bool) (done []dmu.Applied, err error) {
	t.Helper()
	s, err := image.Open(device, image.Options{Chain: chain})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}()
	if !s.Fixed() || s.Blank() {
		t.Error("a device is not fixed, or blank")
	}
	o := dmu.ApplyOptions{Blank: s.Blank(), Overwrite: overwrite, Every: 1}
	o.Done = func(d dmu.Applied) error {
		done = append(done, d)
		if err := s.Forget(); err != nil || d.Passed {
			return err
		}
		return dmu.Compare(context.Background(), s, d.Size, bytes.NewReader(stream[d.Begin:d.End]))
	}
	return done, dmu.NewApplier(s, s.Chain(), s.Save, o).Apply(context.Background(), bytes.NewReader(stream))
}

// TestApplyToDevice applies real streams to a block device that is longer than the volume and
// full of garbage, breaks each off at several places, and goes on; the device is the volume whose
// digest was recorded then, and behind it nothing has changed.
func TestApplyToDevice(t *testing.T) {
	files := realFiles(t)
	for _, volume := range []string{"v4", "v8", "v64", "v128"} {
		t.Run(volume, func(t *testing.T) {
			const size = 80 << 20
			device := loop(t, size)
			chain := filepath.Join(t.TempDir(), "chain")
			for i, name := range []string{"full-a", "a-b", "b-c-Lec"} {
				stream := files[volume+"-"+name+".zs"]
				for part := range 4 {
					var broken *dmu.BrokenOffError
					_, err := applyToDevice(t, device, chain, stream[:len(stream)*(part+1)/5], i == 0)
					if !errors.As(err, &broken) {
						t.Fatalf("%s, %d of 5 parts: %v", name, part+1, err)
					}
				}
				done, err := applyToDevice(t, device, chain, stream, false)
				if err != nil {
					t.Fatalf("%s: %v", name, err)
				}
				if len(done) != 1 || !done[0].GoneOn {
					t.Errorf("%s did not go on where it was: %+v", name, done)
				}
				holdsVolume(t, device, size, int(done[0].Size), files[volume+"@"+string(rune('a'+i))+".sha256"])
			}
		})
	}
}

// holdsVolume reads a device, whose first n bytes have a digest and whose others are as they were.
func holdsVolume(t *testing.T, device string, size, n int, digest []byte) {
	t.Helper()
	p, err := os.ReadFile(device)
	if err != nil || len(p) != size {
		t.Fatalf("%d bytes of the device, %v", len(p), err)
	}
	want, _, _ := strings.Cut(strings.TrimSpace(string(digest)), " ")
	sum := sha256.Sum256(p[:n])
	if got := hex.EncodeToString(sum[:]); got != want {
		t.Errorf("the digest of %d bytes is %s, not %s", n, got, want)
	}
	if other := size - n - bytes.Count(p[n:], []byte{0xa5}); other != 0 {
		t.Errorf("%d bytes behind the volume have changed", other)
	}
}

// TestApplyToShortDevice: a volume that does not fit is refused.
func TestApplyToShortDevice(t *testing.T) {
	stream, err := os.ReadFile(volume)
	if err != nil {
		t.Fatal(err)
	}
	device := loop(t, 4096)
	_, err = applyToDevice(t, device, filepath.Join(t.TempDir(), "chain"), stream, true)
	if !errors.Is(err, dmu.ErrTooSmall) {
		t.Errorf("%v, want %v", err, dmu.ErrTooSmall)
	}
}
