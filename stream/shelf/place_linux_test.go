package shelf

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/lunarsan/lunar/sbd"
	"github.com/lunarsan/lunar/sbd/layer"
	"github.com/lunarsan/lunar/stream"
	"github.com/lunarsan/lunar/stream/streamtest"
)

// memory is a folder in memory, or one on the disk where there is none.
func memory(t *testing.T) string {
	folder, err := os.MkdirTemp("/dev/shm", "lunar")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { os.RemoveAll(folder) })
	return folder
}

// mounted is a folder on a fresh file system of a kind, or the test is left out. Of "layers" it is
// one where there are no reflinks.
func mounted(t *testing.T, kind string) string {
	t.Helper()
	if kind == "layers" {
		return memory(t)
	}
	if os.Getuid() != 0 {
		t.Skip("only root mounts file systems")
	}
	mkfs, err := exec.LookPath("mkfs." + kind)
	if err != nil {
		t.Skipf("%v", err)
	}
	disk, folder := filepath.Join(memory(t), "fs"), filepath.Join(t.TempDir(), "mnt")
	if err := os.Mkdir(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, words := range [][]string{{"truncate", "-s", "512M", disk}, {mkfs, "-q", disk}, {"mount", "-o", "loop", disk, folder}} {
		if out, err := exec.Command(words[0], words[1:]...).CombinedOutput(); err != nil {
			if words[0] == "mount" {
				t.Skipf("%s: %s", words, out)
			}
			t.Fatalf("%s: %s", words, out)
		}
	}
	t.Cleanup(func() {
		if err := unix.Unmount(folder, 0); err != nil {
			t.Error(err)
		}
	})
	return folder
}

// in is where volumes are files in folders below one.
func in(folder string) streamtest.Place {
	made := 0
	nothing := func(t *testing.T) stream.Volume {
		made++
		dir := filepath.Join(folder, fmt.Sprint(made))
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		return New(filepath.Join(dir, "disk.img"))
	}
	return streamtest.Place{
		Locks:   true,
		Nothing: nothing,
		Volume: func(t *testing.T, size int64) stream.Volume {
			v := nothing(t)
			if err := sbd.Create(v.Path(), size, true); err != nil {
				t.Fatal(err)
			}
			return v
		},
		Open: func(t *testing.T, path string) streamtest.Bytes {
			s, err := layer.Open(path, sbd.OpenOptions{})
			if err != nil {
				t.Fatal(err)
			}
			return s
		},
	}
}

func TestVolume(t *testing.T) {
	for _, kind := range []string{"xfs", "btrfs", "layers"} {
		t.Run(kind, func(t *testing.T) {
			place := in(mounted(t, kind))
			streamtest.Test(t, place)
			streamtest.Replicate(t, place, place)
		})
	}
}
