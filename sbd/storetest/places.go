package storetest

import (
	"os"
	"testing"
)

// Folders has a test run in a folder on the disk and in one in memory.
func Folders(t *testing.T, run func(t *testing.T, folder string)) {
	t.Run("disk", func(t *testing.T) { run(t, t.TempDir()) })
	t.Run("tmpfs", func(t *testing.T) { run(t, Memory(t)) })
}

// Memory is a folder in memory until the test ends, or one on the disk where there is none.
func Memory(t testing.TB) string {
	t.Helper()
	folder, err := os.MkdirTemp("/dev/shm", "lunar")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { os.RemoveAll(folder) })
	return folder
}
