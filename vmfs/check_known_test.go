package vmfs

import (
	"strings"
	"testing"

	"github.com/lunarsan/lunar/vmfs/vmfstest"
)

// everything writes a volume of VMFS6 and opens it.
func everything(t *testing.T) (*Volume, *vmfstest.Disk) {
	t.Helper()
	disks, _, err := vmfstest.Everything(6).Disks()
	if err != nil {
		t.Fatal(err)
	}
	v, err := Open(Device{Name: "disk", ReaderAt: disks[0], Size: disks[0].Size})
	if err != nil {
		t.Fatal(err)
	}
	return v, disks[0]
}

// patch writes into the logical volume.
func patch(t *testing.T, v *Volume, disk *vmfstest.Disk, l int64, p ...byte) {
	t.Helper()
	m, physical, _ := v.Locate(l)
	if _, err := disk.WriteAt(p, v.Members[m].Start+physical); err != nil {
		t.Fatal(err)
	}
}

// TestCheckKnows shows that what is known of VMFS6 from one reader alone is given up where the
// whole volume contradicts it.
func TestCheckKnows(t *testing.T) {
	notChecked := func(t *testing.T, v *Volume, what string) {
		t.Helper()
		r, err := v.Check(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		if len(r.Findings) > 0 || !strings.Contains(strings.Join(r.NotChecked, "\n"), what) {
			t.Errorf("%d findings, not checked: %q; want none, and %q", len(r.Findings), r.NotChecked, what)
		}
	}
	t.Run("counts", func(t *testing.T) {
		v, disk := everything(t)
		fdc := v.files[FDCSlot]
		for n := range fdc.Clusters() {
			l, _, _ := fdc.find(fdc.Header.cluster(n, v.sb.clusterHeader()))
			patch(t, v, disk, l+v.sb.MetadataAlignment()+0x22, 0x77)
		}
		notChecked(t, v, "how many file descriptors are free")
	})
	t.Run("hashes", func(t *testing.T) {
		v, disk := everything(t)
		root, err := v.Root()
		if err != nil {
			t.Fatal(err)
		}
		blank := make([]byte, 4*hashPlaces)
		dirs := []*File{root}
		for n, err := range root.Walk() {
			if err != nil {
				t.Fatal(err)
			}
			if f, err := n.File(); err == nil && f.d.IsDir() {
				dirs = append(dirs, f)
			}
		}
		for _, d := range dirs {
			p, err := d.place(new(cursor), 0x5F8)
			if err != nil {
				t.Fatal(err)
			}
			patch(t, v, disk, p.logical, blank...)
		}
		notChecked(t, v, "whether names are found by their hash")
	})
	t.Run("shared without end", func(t *testing.T) {
		v, _ := everything(t)
		c := &checker{ctx: t.Context(), v: v, progress: func(float64) {}, report: &Report{Dropped: map[Fault]int64{}}, found: map[Fault]int{}}
		c.budget = -1 << 40
		if err := c.run(); err != nil {
			t.Fatal(err)
		}
		if len(c.report.Findings) > 0 || !strings.Contains(strings.Join(c.report.NotChecked, "\n"), "share more blocks than there are") {
			t.Errorf("%v, not checked: %q", c.report.Findings, c.report.NotChecked)
		}
	})
}

// TestNameHash has the vectors that others found on volumes that ESXi made.
func TestNameHash(t *testing.T) {
	for _, tt := range []struct {
		name  string
		root  bool
		hash  uint16
		place uint32
	}{
		{"a", false, 0x9250, 0x1BD9},
		{"a", true, 0x9250, 0x158A},
		{"test.vmdk", false, 0xDBC0, 0x13FE},
		{"test.vmdk", true, 0xDBC0, 0x34F4},
		{"vm1", false, 0xB190, 0x12AD},
		{"vm1", true, 0xB190, 0x24B5},
		{".fbb.sf", true, 0x3E66, 0x3E66},
		{".dfd.sf", true, 0x3E6F, 0x3E6F},
	} {
		if hash, place := nameHash([]byte(tt.name), tt.root); hash != tt.hash || place != tt.place {
			t.Errorf("%s: %#x at %#x, want %#x at %#x", tt.name, hash, place, tt.hash, tt.place)
		}
	}
}

// TestDropped keeps no more findings of one fault than it promises.
func TestDropped(t *testing.T) {
	c := &checker{report: &Report{Dropped: map[Fault]int64{}}, found: map[Fault]int{}}
	for range maxFindings + 7 {
		c.find(FaultOrphan, "here", "lost")
	}
	c.find(FaultAddress, "there", "wrong")
	c.finish()
	if n := len(c.report.Findings); n != maxFindings+1 || c.report.Dropped[FaultOrphan] != 7 {
		t.Errorf("%d findings, %d dropped", n, c.report.Dropped[FaultOrphan])
	}
	if c.report.Findings[0].Fault != FaultAddress {
		t.Error("the worst is not the first")
	}
}
