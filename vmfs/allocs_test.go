package vmfs_test

import (
	"fmt"
	"testing"

	"github.com/lunarsan/lunar/vmfs"
	"github.com/lunarsan/lunar/vmfs/vmfstest"
)

// crowd is a volume with a directory of n files, and a file in n pieces.
func crowd(version, n int) vmfstest.Spec {
	s := vmfstest.Spec{Version: version, Size: 4 << 30, Descriptors: int64(n), Files: []vmfstest.File{
		{Path: "/pieces", Size: int64(n) << 20, Layout: vmfstest.Indirect, Step: 3},
	}}
	for i := range n {
		s.Files = append(s.Files, vmfstest.File{Path: fmt.Sprintf("/dir/a-file-of-some-name-%06d", i)})
	}
	return s
}

func countEntries(t testing.TB, f *vmfs.File) (n int) {
	for e, err := range f.Entries() {
		if err != nil {
			t.Fatal(err)
		}
		if len(e.Bytes()) > 0 {
			n++
		}
	}
	return n
}

func countExtents(t testing.TB, f *vmfs.File) (n int) {
	for _, err := range f.Extents() {
		if err != nil {
			t.Fatal(err)
		}
		n++
	}
	return n
}

// TestAllocations has entries and extents cost no memory: many cost as much as few.
func TestAllocations(t *testing.T) {
	for _, version := range []int{3, 5, 6} {
		allocs := map[string][2]float64{}
		for i, n := range []int{50, 1000} {
			v, _ := made(t, crowd(version, n))
			dir, err := v.Lookup("/dir")
			if err != nil {
				t.Fatal(err)
			}
			file, err := v.Lookup("/pieces")
			if err != nil {
				t.Fatal(err)
			}
			if got := countEntries(t, dir); got != n+2 {
				t.Errorf("VMFS%d: %d entries, want %d", version, got, n+2)
			}
			if got := countExtents(t, file); got < n/2 {
				t.Errorf("VMFS%d: %d extents of %d pieces", version, got, n)
			}
			for what, run := range map[string]func(){
				"entry":  func() { countEntries(t, dir) },
				"extent": func() { countExtents(t, file) },
			} {
				a := allocs[what]
				a[i] = testing.AllocsPerRun(10, run)
				allocs[what] = a
			}
		}
		for what, a := range allocs {
			if a[1] > a[0] || a[0] > 20 {
				t.Errorf("VMFS%d: the walk allocates for each %s: %v times for 50, %v for 1000", version, what, a[0], a[1])
			}
		}
	}
}

func BenchmarkEntries(b *testing.B) {
	for _, version := range []int{5, 6} {
		b.Run(fmt.Sprintf("VMFS%d", version), func(b *testing.B) {
			v, _ := made(b, crowd(version, 1000))
			dir, err := v.Lookup("/dir")
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			for b.Loop() {
				countEntries(b, dir)
			}
		})
	}
}

func BenchmarkExtents(b *testing.B) {
	for _, version := range []int{5, 6} {
		b.Run(fmt.Sprintf("VMFS%d", version), func(b *testing.B) {
			v, _ := made(b, crowd(version, 1000))
			f, err := v.Lookup("/pieces")
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			for b.Loop() {
				countExtents(b, f)
			}
		})
	}
}
