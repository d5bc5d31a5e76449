package vmfstest

import (
	"bytes"
	"fmt"
	"io"
	"testing"
)

// TestDeterministic writes a volume twice.
func TestDeterministic(t *testing.T) {
	for _, version := range []int{3, 5, 6} {
		t.Run(fmt.Sprint(version), func(t *testing.T) {
			a, _, err := plain(version).Disks()
			if err != nil {
				t.Fatal(err)
			}
			b, _, err := plain(version).Disks()
			if err != nil {
				t.Fatal(err)
			}
			if len(a[0].pages) != len(b[0].pages) {
				t.Fatalf("%d pages, then %d", len(a[0].pages), len(b[0].pages))
			}
			for n, p := range a[0].pages {
				if q := b[0].pages[n]; q == nil || *p != *q {
					t.Fatalf("page %d differs", n)
				}
			}
		})
	}
}

// TestContents reads a file's contents in parts of all sizes.
func TestContents(t *testing.T) {
	whole := make([]byte, 1000)
	Contents(5, 0, whole)
	for off := range 20 {
		for size := range 40 {
			p := make([]byte, size)
			Contents(5, int64(off), p)
			if !bytes.Equal(p, whole[off:off+size]) {
				t.Fatalf("%d bytes at %d differ", size, off)
			}
		}
	}
	if Contents(6, 0, whole[500:]); bytes.Equal(whole[:500], whole[500:]) {
		t.Error("two seeds, the same contents")
	}
}

// TestFork writes to a copy of a disk.
func TestFork(t *testing.T) {
	d := &Disk{Size: 3 * page}
	if _, err := d.WriteAt([]byte("before"), page-3); err != nil {
		t.Fatal(err)
	}
	f := d.Fork()
	if _, err := f.WriteAt([]byte("AFT"), page-1); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		disk *Disk
		want string
	}{{d, "before"}, {f, "beAFTe"}} {
		got := make([]byte, 6)
		if _, err := tt.disk.ReadAt(got, page-3); err != nil || string(got) != tt.want {
			t.Errorf("%q, %v; want %q", got, err, tt.want)
		}
	}
}

// TestDisk writes and reads across the pages of a disk, and its end.
func TestDisk(t *testing.T) {
	d := &Disk{Size: 3 * page}
	data := bytes.Repeat([]byte("0123456789"), 500)
	if _, err := d.WriteAt(data, page-10); err != nil {
		t.Fatal(err)
	}
	got := make([]byte, len(data)+20)
	if _, err := d.ReadAt(got, page-20); err != nil {
		t.Fatal(err)
	}
	if want := append(append(make([]byte, 10), data...), make([]byte, 10)...); !bytes.Equal(got, want) {
		t.Error("read back something else")
	}
	if n, err := d.ReadAt(got, 3*page-7); n != 7 || err != io.EOF {
		t.Errorf("at the end: %d bytes, %v", n, err)
	}
	if _, err := d.WriteAt(data, 2*page); err == nil {
		t.Error("a write beyond the end is accepted")
	}
}
