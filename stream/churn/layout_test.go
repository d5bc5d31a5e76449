package churn

import (
	"errors"
	"fmt"
	"runtime"
	"testing"

	"github.com/lunarsan/lunar/vmfs"
	"github.com/lunarsan/lunar/vmfs/vmfstest"
)

// opened opens the volume of a spec.
func opened(t *testing.T, s vmfstest.Spec) (*vmfs.Volume, []vmfs.Device) {
	t.Helper()
	disks, _, err := s.Disks()
	if err != nil {
		t.Fatal(err)
	}
	devices := make([]vmfs.Device, len(disks))
	var parts []vmfs.Partition
	for i, d := range disks {
		devices[i] = vmfs.Device{Name: fmt.Sprint("disk ", i), ReaderAt: d, Size: d.Size}
		p, err := vmfs.Partitions(&devices[i])
		if err != nil {
			t.Fatal(err)
		}
		parts = append(parts, p...)
	}
	volumes, err := vmfs.OpenPartitions(parts...)
	if err != nil {
		t.Fatal(err)
	}
	return volumes[0], devices
}

// TestLayout holds the map of volumes with everything on them to what their files say: each
// extent of each file is its own, and nothing is claimed twice.
func TestLayout(t *testing.T) {
	for name, s := range vmfstest.Shapes() {
		if len(s.Devices) > 0 && s.Devices[0].Table == vmfstest.Lost {
			continue
		}
		if race && name != "VMFS3" { // one goroutine does it all, twenty times as slowly
			continue
		}
		t.Run(name, func(t *testing.T) {
			v, devices := opened(t, s)
			l, err := NewLayout(v)
			if err != nil {
				t.Fatal(err)
			}
			sums := map[string]int64{}
			for i := range devices {
				m := l.On(&devices[i])
				var end int64
				for _, c := range m.claims {
					if c.from < end || c.from >= c.to || c.to > devices[i].Size {
						t.Fatalf("%v behind %d of a device of %d", c, end, devices[i].Size)
					}
					end = c.to
					if o := m.owners[c.owner]; o.Path != "" {
						sums[o.Path] += c.to - c.from
					}
				}
			}
			root, err := v.Root()
			if err != nil {
				t.Fatal(err)
			}
			for n, err := range root.Walk() {
				if err != nil {
					continue // damaged on purpose
				}
				f, err := n.File()
				if err != nil || f.Type() != vmfs.Regular {
					continue
				}
				var has int64
				for e, err := range f.Extents() {
					if err == nil && e.Device >= 0 {
						has += e.Length
					}
				}
				if got := sums[n.Path]; got < has || got > has+f.Descriptor().BlockSize() {
					t.Errorf("%s has %d bytes, and %d in the map", n.Path, has, got)
				}
			}
		})
	}
}

// TestDamaged counts what cannot be found as a problem, and goes on.
func TestDamaged(t *testing.T) {
	h := newHistory(t, machines(5))
	_, at := h.image.Descriptor("/web01/vmware.log")
	_, physical := h.image.Place(at)
	if _, err := h.disk.WriteAt(make([]byte, 2048), physical); err != nil {
		t.Fatal(err)
	}
	v, d := h.volume()
	l, err := NewLayout(v)
	if err != nil || len(l.Problems) != 1 || !errors.Is(l.Problems[0], vmfs.ErrCorrupt) {
		t.Fatal(err, l.Problems)
	}
	found := false
	for _, o := range l.On(d).owners {
		found = found || o.Path == "/db01/db01-flat.vmdk" && o.Machine == "db01"
	}
	if !found {
		t.Error("the other files are lost")
	}
}

// TestPieces lays 200,000 blocks, each apart from the other, over a volume, and sees what memory
// that takes; a volume in too many pieces is refused.
func TestPieces(t *testing.T) {
	const n = 200_000
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	var files []claim
	for i := range int64(n) {
		at := (i * 7919 % n) * 2 * mib
		files = append(files, claim{at, at + mib, int32(1 + i%100)})
	}
	claims := over(apart(files), []claim{{0, 2 * n * mib, 101}})
	runtime.GC()
	runtime.ReadMemStats(&after)
	if len(claims) != 2*n {
		t.Errorf("%d claims", len(claims))
	}
	if used := int64(after.HeapAlloc) - int64(before.HeapAlloc); used > 4*24*n {
		t.Errorf("%d bytes for %d extents", used, n)
	}
	v, _ := opened(t, machines(3))
	s := survey{l: &Layout{claims: maxClaims}, v: v, strata: map[*vmfs.Device]*[ranks][]claim{}, machines: map[string]bool{}}
	if err := s.volume(); !errors.Is(err, ErrPieces) {
		t.Errorf("beyond the limit: %v", err)
	}
}

// TestLayoutSlack: what is behind the end of a file in its last block is the file's, and no free
// space.
func TestLayoutSlack(t *testing.T) {
	const mib, size = 1 << 20, 2<<20 + 4096
	v, devices := opened(t, vmfstest.Spec{Version: 6, Label: "store", Seed: 1, Devices: []vmfstest.Device{{Table: vmfstest.GPT}},
		Files: []vmfstest.File{{Path: "/vm/vmware.log", Size: size, Seed: 1}}})
	l, err := NewLayout(v)
	if err != nil {
		t.Fatal(err)
	}
	var claimed int64
	m := l.On(&devices[0])
	for _, c := range m.claims {
		if m.owners[c.owner].Path == "/vm/vmware.log" {
			claimed += c.to - c.from
		}
	}
	if claimed != 3*mib {
		t.Errorf("%d bytes are those of a file of %d", claimed, size)
	}
}
