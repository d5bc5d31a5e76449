package vmfs_test

import (
	"testing"

	"github.com/lunarsan/lunar/vmfs"
	"github.com/lunarsan/lunar/vmfs/vmfstest"
)

// TestCheckClean checks volumes of all shapes, where nothing is wrong.
func TestCheckClean(t *testing.T) {
	for name, s := range vmfstest.Shapes() {
		t.Run(name, func(t *testing.T) {
			v, img := write(t, s)
			r := check(t, v)
			for _, f := range r.Findings {
				t.Errorf("%s: %s: %s: %s", f.Level, f.Fault, f.Where, f.What)
			}
			total, used := img.Blocks()
			if b := r.Counts.FileBlocks; b.Total != total || b.Owned != used {
				t.Errorf("%d of %d file blocks, want %d of %d", b.Owned, b.Total, used, total)
			}
		})
	}
}

func check(t *testing.T, v *vmfs.Volume) *vmfs.Report {
	t.Helper()
	r, err := v.Check(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	return r
}
