package zpl

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// realArchive has streams that OpenZFS made of a file system, and the SHA-256 of its files. It is
// beside the checkout where there is one.
const realArchive = "../../../shared/data/zfs/streams.tar.xz"

// TestExtractReal: the files of a real file system, from plain and from compressed streams, full
// and incremental.
func TestExtractReal(t *testing.T) {
	if _, err := os.Stat(realArchive); errors.Is(err, fs.ErrNotExist) {
		t.Skip("there are no streams of a real OpenZFS beside this checkout")
	}
	unpacked := t.TempDir()
	if out, err := exec.Command("tar", "-xJf", realArchive, "-C", unpacked).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	read := func(name string) []byte {
		p, err := os.ReadFile(filepath.Join(unpacked, name))
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	for name, c := range map[string]struct {
		streams  []string
		snapshot string
	}{
		"full":                   {[]string{"fs-full-a.zs"}, "a"},
		"as it was on disk":      {[]string{"fs-full-a-Lec.zs"}, "a"},
		"incremental":            {[]string{"fs-full-a.zs", "fs-a-b.zs"}, "b"},
		"incremental, from disk": {[]string{"fs-full-a-Lec.zs", "fs-a-b.zs"}, "b"},
	} {
		t.Run(name, func(t *testing.T) {
			var streams [][]byte
			for _, s := range c.streams {
				streams = append(streams, read(s))
			}
			dir := t.TempDir()
			sum, problems, err := extract(t, dir, Options{}, streams...)
			if err != nil || len(problems) != 0 || sum.Snapshot != "tank/fs@"+c.snapshot {
				t.Fatalf("%+v, %q, %v", sum, problems, err)
			}
			files := 0
			for line := range strings.Lines(string(read("fs@" + c.snapshot + ".files"))) {
				digest, path, _ := strings.Cut(strings.TrimSpace(line), "  ")
				p, err := os.ReadFile(filepath.Join(dir, path))
				if err != nil {
					t.Fatal(err)
				}
				if got := sha256.Sum256(p); hex.EncodeToString(got[:]) != digest {
					t.Errorf("%s has digest %x, not %s", path, got, digest)
				}
				files++
			}
			if files < 4 || int64(files) != sum.Files+sum.Links {
				t.Errorf("%d files were looked at, %+v", files, sum)
			}
			if target, err := os.Readlink(filepath.Join(dir, "link")); err != nil || target != "dir/text" {
				t.Errorf("the link leads to %q, %v", target, err)
			}
		})
	}
}
