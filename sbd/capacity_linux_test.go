package sbd_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/lunarsan/lunar/sbd"
)

// smallFS mounts a file system of its own in memory, of size bytes, until the end of the test.
func smallFS(t *testing.T, size int64) string {
	t.Helper()
	dir := t.TempDir()
	if err := unix.Mount("none", dir, "tmpfs", 0, fmt.Sprintf("size=%d", size)); err != nil {
		t.Skipf("a file system cannot be mounted here: %v", err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(dir, 0); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// TestSpace follows a thin file as it fills its file system and gives back.
func TestSpace(t *testing.T) {
	dir := smallFS(t, 4<<20)
	if err := os.Mkdir(filepath.Join(dir, "folder"), 0o700); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "folder", "unit")
	if err := sbd.Create(path, 16<<20, true); err != nil {
		t.Fatal(err)
	}
	s, err := sbd.Open(path, sbd.OpenOptions{})
	if err != nil {
		t.Fatal(err)
	}
	u := online(t, sbd.Config{Thin: true, WriteCache: true}, s)
	space, known := u.Space()
	if !known || space.Pool != dir || space.Used != 0 || space.Size != 4<<20 || space.Free > 4<<20 || space.Free < 3<<20 {
		t.Fatalf("Space() = %+v, %t", space, known)
	}
	fill(t, u, 'x', 8<<20, 1<<20)
	now, err := u.Measure()
	if err != nil || now.Used != 1<<20 || now.Free != space.Free-1<<20 || now.Size != space.Size || now.Pool != dir {
		t.Errorf("with 1 MiB written: %+v, %v, and before it was %+v", now, err, space)
	}
	op := &sbd.Op{MayBlock: true}
	if err := u.WriteAt(op, make([]byte, 4<<20), 0, false); !errors.Is(err, sbd.ErrNoSpace) {
		t.Errorf("more than there is: %v", err)
	}
	if err := u.Unmap(op, 0, 16<<20, false); err != nil {
		t.Fatal(err)
	}
	if now, err := u.Measure(); err != nil || now != space {
		t.Errorf("unmapped: %+v, %v; at first it was %+v", now, err, space)
	}
}

// TestReservedSpaceIsMapped: a range that was zeroed and keeps its space has it, on file systems
// that can tell.
func TestReservedSpaceIsMapped(t *testing.T) {
	path := filepath.Join(t.TempDir(), "unit")
	if err := sbd.Create(path, 4<<20, true); err != nil {
		t.Fatal(err)
	}
	s, err := sbd.Open(path, sbd.OpenOptions{})
	if err != nil {
		t.Fatal(err)
	}
	u := online(t, sbd.Config{Thin: true, WriteCache: true}, s)
	op := &sbd.Op{MayBlock: true}
	if err := u.Zero(op, 1<<20, 1<<20, false); err != nil {
		t.Fatal(err)
	}
	fill(t, u, 'x', 3<<20, 4096)
	for off, want := range map[int64]bool{0: false, 1 << 20: true, 2<<20 - 1: true, 2 << 20: false, 3 << 20: true, 3<<20 + 4096: false} {
		if has, n, err := u.Mapped(op, off); err != nil || has != want || n <= 0 {
			t.Errorf("Mapped(%d) = %t, %d, %v", off, has, n, err)
		}
	}
	if _, n, _ := u.Mapped(op, 1<<20); n != 1<<20 {
		t.Errorf("%d bytes of zeros have space, want 1 MiB", n)
	}
}
