package sbd_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/lunarsan/lunar/sbd"
	"github.com/lunarsan/lunar/sbd/storetest"
)

// folders are where file stores are tested: on the disk and in memory.
func folders(t *testing.T, run func(t *testing.T, folder string)) {
	t.Run("disk", func(t *testing.T) { run(t, t.TempDir()) })
	t.Run("tmpfs", func(t *testing.T) { run(t, tmpfs(t)) })
}

// tmpfs returns a folder in memory, or skips.
func tmpfs(t testing.TB) string {
	folder, err := os.MkdirTemp("/dev/shm", "sbd")
	if err != nil {
		t.Skipf("no tmpfs: %v", err)
	}
	t.Cleanup(func() { os.RemoveAll(folder) })
	return folder
}

func create(t testing.TB, path string, size int64, thin bool) {
	t.Helper()
	if err := sbd.Create(path, size, thin); err != nil {
		t.Fatal(err)
	}
}

func open(t testing.TB, path string) sbd.Store {
	t.Helper()
	s, err := sbd.Open(path, sbd.OpenOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestFile(t *testing.T) {
	folders(t, func(t *testing.T, folder string) {
		for _, thin := range []bool{true, false} {
			name := map[bool]string{true: "thin", false: "thick"}[thin]
			t.Run(name, func(t *testing.T) {
				storetest.Run(t, func(t *testing.T) sbd.Store {
					path := filepath.Join(folder, filepath.Base(t.Name())+name)
					create(t, path, storetest.MinSize+512, thin)
					return open(t, path)
				})
			})
		}
		t.Run("reopen", func(t *testing.T) {
			path := filepath.Join(folder, "reopen")
			create(t, path, storetest.MinSize, true)
			storetest.RunReopen(t, func(t *testing.T) sbd.Store { return open(t, path) })
		})
	})
}
