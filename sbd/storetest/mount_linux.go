package storetest

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

// Mount is a folder on a fresh file system of a kind, in memory, until the test ends. The test is
// skipped where there is none to be had.
func Mount(t *testing.T, kind string) string {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("only root mounts file systems")
	}
	mkfs, err := exec.LookPath("mkfs." + kind)
	if err != nil {
		t.Skipf("%v", err)
	}
	disk, folder := filepath.Join(Memory(t), "fs"), filepath.Join(t.TempDir(), "mnt")
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
