package vmfs

import "testing"

// TestRealCheck finds nothing wrong with a volume that ESX made, and counts its blocks as
// debugvmfs does. What fsck.vmfs calls lost are its 199 blocks to be zeroed.
func TestRealCheck(t *testing.T) {
	v, _ := openReal(t)
	r, err := v.Check(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range r.Findings {
		t.Errorf("%s: %s: %s: %s", f.Level, f.Fault, f.Where, f.What)
	}
	if got, want := r.Counts.FileBlocks, (Use{1024, 674}); got != want {
		t.Errorf("%+v file blocks, want %+v", got, want)
	}
	if r.Counts.SubBlocks.Owned != 4 || r.Counts.Hosts != 0 || r.Counts.Directories != 1 {
		t.Errorf("counts %+v", r.Counts)
	}
}
