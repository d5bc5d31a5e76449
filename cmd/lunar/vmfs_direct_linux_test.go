package main

import (
	"bytes"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
)

// TestDirect reads past the page cache what does not begin or end where blocks do.
func TestDirect(t *testing.T) {
	want := make([]byte, 3<<20)
	rand.NewChaCha8([32]byte{1}).Read(want)
	name := filepath.Join(t.TempDir(), "image")
	if err := os.WriteFile(name, want, 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	d, err := pastCache(f)
	if err != nil {
		t.Skipf("the file system has no direct I/O: %v", err)
	}
	defer d.Close()
	for _, r := range [][2]int{{0, 512}, {511, 2}, {4095, 4098}, {100, 2 << 20}, {3<<20 - 700, 700}} {
		got := make([]byte, r[1])
		if n, err := d.ReadAt(got, int64(r[0])); err != nil || n != r[1] || !bytes.Equal(got, want[r[0]:r[0]+r[1]]) {
			t.Errorf("%d bytes at %d: %d, %v", r[1], r[0], n, err)
		}
	}
	if n, err := d.ReadAt(make([]byte, 10), 3<<20-5); err == nil || n != 5 {
		t.Errorf("reading over the end gives %d bytes, %v", n, err)
	}
	if _, err := d.ReadAt(make([]byte, 10), 4<<20); err == nil {
		t.Error("reading behind the end is no error")
	}
}
