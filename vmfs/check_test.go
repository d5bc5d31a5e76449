package vmfs_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/lunarsan/lunar/vmfs"
	"github.com/lunarsan/lunar/vmfs/vmfstest"
)

// TestCheckFinds damages volumes, each in one way: the check has to find that, and nothing else.
func TestCheckFinds(t *testing.T) {
	missing := map[string]bool{}
	for _, fault := range vmfs.Faults() {
		missing[string(fault)] = true
	}
	whole := map[int]*vmfstest.Disk{}
	images := map[int]*vmfstest.Image{}
	for _, version := range []int{3, 5, 6} {
		disks, img, err := vmfstest.Everything(version).Disks()
		if err != nil {
			t.Fatal(err)
		}
		whole[version], images[version] = disks[0], img
	}
	for i, m := range vmfstest.Mutations() {
		delete(missing, m.Fault)
		for _, version := range m.Versions {
			t.Run(fmt.Sprintf("%s %d of VMFS%d", m.Fault, i, version), func(t *testing.T) {
				disk := whole[version].Fork()
				if err := m.Apply(images[version], disk); err != nil {
					t.Fatal(err)
				}
				v, err := vmfs.Open(vmfs.Device{Name: "disk", ReaderAt: disk, Size: disk.Size})
				if err != nil {
					t.Fatal(err)
				}
				r := check(t, v)
				if len(r.Findings) != 1 || string(r.Findings[0].Fault) != m.Fault {
					t.Errorf("found %d:", len(r.Findings))
					for _, f := range r.Findings {
						t.Logf("%s: %s: %s: %s", f.Level, f.Fault, f.Where, f.What)
					}
				}
			})
		}
	}
	delete(missing, string(vmfs.FaultMissing)) // see TestCheckMissing
	for fault := range missing {
		t.Errorf("nothing shows that %s is found", fault)
	}
}

// clean checks a volume where nothing is wrong.
func clean(t *testing.T, v *vmfs.Volume, img *vmfstest.Image) {
	t.Helper()
	r := check(t, v)
	for _, f := range r.Findings {
		t.Errorf("%s: %s: %s: %s", f.Level, f.Fault, f.Where, f.What)
	}
	total, used := img.Blocks()
	if b := r.Counts.FileBlocks; b.Total != total || b.Owned != used {
		t.Errorf("%d of %d file blocks, want %d of %d", b.Owned, b.Total, used, total)
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

// TestCheckMissing checks volumes of which a part is not there.
func TestCheckMissing(t *testing.T) {
	disks, _, err := vmfstest.Shapes()["VMFS5 on three devices"].Disks()
	if err != nil {
		t.Fatal(err)
	}
	v, err := vmfs.Open(vmfs.Device{Name: "first", ReaderAt: disks[0], Size: disks[0].Size}, vmfs.Device{Name: "third", ReaderAt: disks[2], Size: disks[2].Size})
	if err != nil {
		t.Fatal(err)
	}
	if r := check(t, v); !has(r, vmfs.FaultMissing) || r.Clean() {
		t.Errorf("an extent that is not there: %v", r.Findings)
	}
	// A device that was cut off.
	v, err = vmfs.Open(vmfs.Device{Name: "short", ReaderAt: disks[0], Size: disks[0].Size - 1<<20}, vmfs.Device{Name: "second", ReaderAt: disks[1], Size: disks[1].Size}, vmfs.Device{Name: "third", ReaderAt: disks[2], Size: disks[2].Size})
	if err != nil {
		t.Fatal(err)
	}
	if r := check(t, v); !has(r, vmfs.FaultMissing) {
		t.Errorf("a device that is too short: %v", r.Findings)
	}
}

func has(r *vmfs.Report, fault vmfs.Fault) bool {
	return slices.ContainsFunc(r.Findings, func(f vmfs.Finding) bool { return f.Fault == fault })
}
