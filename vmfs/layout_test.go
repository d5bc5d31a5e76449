package vmfs_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/lunarsan/lunar/vmfs"
	"github.com/lunarsan/lunar/vmfs/vmfstest"
)

// variety is a volume with each kind of file and of address that a version has.
func variety(version int) vmfstest.Spec {
	s := vmfstest.Spec{Version: version, Size: 2 << 30, Label: "all of it", Seed: 3, Files: []vmfstest.File{
		{Path: "/vm1/vm1.vmx", Data: []byte("displayName = \"vm1\"\n")},
		{Path: "/vm1/empty"},
		{Path: "/vm1/direct", Size: 20<<20 + 5, Seed: 7},
		{Path: "/vm1/backwards", Size: 5 << 20, Seed: 9, Step: -2},
		{Path: "/vm1/indirect", Size: 5<<20 + 5, Seed: 8, Layout: vmfstest.Indirect, Step: 3},
		{Path: "/vm1/thin", Size: 40 << 20, Seed: 10, Map: []vmfstest.Piece{
			{Length: 2 << 20, Kind: vmfstest.Hole}, {Length: 3 << 20}, {Length: 4 << 20, Kind: vmfstest.ToBeZeroed}, {Length: 1 << 20}, {Length: 20 << 20, Kind: vmfstest.Hole}, {Length: 1 << 20}}},
		{Path: "/vm1/thin-indirect", Size: 300 << 30, Seed: 11, Layout: vmfstest.Double, Map: []vmfstest.Piece{
			{Length: 3 << 20}, {Length: 10 << 30, Kind: vmfstest.Hole}, {Length: 3 << 20, Kind: vmfstest.ToBeZeroed}, {Length: 2 << 20}, {Length: 280 << 30, Kind: vmfstest.Hole}, {Length: 5 << 20}}},
		{Path: "/vm1/small", Size: 5000, Seed: 12, Layout: vmfstest.SubBlock},
		{Path: "/vm2/deep/er/file", Size: 1 << 20, Seed: 13},
		{Path: "/vm2/none", Type: vmfstest.Directory},
		{Path: "/vm2/link", Type: vmfstest.Symlink, Target: "/vmfs/volumes/all of it/vm1"},
		{Path: "/vm2/lun.vmdk", Type: vmfstest.RawDevice, Size: 6969 << 30},
		{Path: "/vm2/gone", Size: 3 << 20, Seed: 14, Deleted: vmfstest.Deletion{Descriptor: vmfstest.Kept, Name: vmfstest.Kept}},
	}}
	if version < 5 {
		s.Files = without(s.Files, "/vm1/thin-indirect") // two levels came with VMFS5
	}
	if version >= 5 {
		s.Files = append(s.Files, vmfstest.File{Path: "/vm1/resident", Size: 700, Seed: 15, Layout: vmfstest.Resident})
	}
	if version == 6 {
		s.Files = append(s.Files,
			vmfstest.File{Path: "/vm1/secondary", Size: 9 << 20, Seed: 16, Layout: vmfstest.SecondaryBlocks})
	}
	for i := range 40 {
		s.Files = append(s.Files, vmfstest.File{Path: fmt.Sprintf("/many/file%02d", i), Size: int64(i) * 1000, Seed: uint64(100 + i)})
	}
	return s
}

func without(files []vmfstest.File, name string) []vmfstest.File {
	var left []vmfstest.File
	for _, f := range files {
		if f.Path != name {
			left = append(left, f)
		}
	}
	return left
}

// made writes a volume to memory and opens it; the devices in the reverse of their order.
func made(t testing.TB, s vmfstest.Spec) (*vmfs.Volume, *vmfstest.Image) {
	t.Helper()
	disks, img, err := s.Disks()
	if err != nil {
		t.Fatal(err)
	}
	v, err := vmfs.Open(devices(disks)...)
	if err != nil {
		t.Fatal(err)
	}
	return v, img
}

func devices(disks []*vmfstest.Disk) (all []vmfs.Device) {
	for i := range disks {
		d := disks[len(disks)-1-i]
		all = append(all, vmfs.Device{Name: fmt.Sprintf("disk%d", len(disks)-1-i), ReaderAt: d, Size: d.Size})
	}
	return all
}

// TestKinds compares the kinds of extents with what was asked for: those of one kind together,
// wherever they lie.
func TestKinds(t *testing.T) {
	want := map[string]string{
		"/vm1/resident":      "resident:700",
		"/vm1/small":         "sub-block:5000",
		"/vm1/thin":          "hole:2M data:3M tbz:4M data:1M hole:20M data:1M hole:9M",
		"/vm1/thin-indirect": "data:3M hole:10240M tbz:3M data:2M hole:286720M data:5M hole:10227M",
		"/vm1/direct":        "data:20971525",
		"/vm1/empty":         "",
	}
	for _, version := range []int{3, 5, 6} {
		v, _ := made(t, variety(version))
		for name, want := range want {
			f, err := v.Lookup(name)
			if err != nil {
				continue
			}
			var all []vmfs.Extent
			for e, err := range f.Extents() {
				if err != nil {
					t.Error(err)
				}
				if n := len(all); n > 0 && all[n-1].Kind == e.Kind && all[n-1].Offset+all[n-1].Length == e.Offset {
					all[n-1].Length += e.Length
				} else {
					all = append(all, e)
				}
			}
			var got []string
			for _, e := range all {
				n := fmt.Sprint(e.Length)
				if e.Length%(1<<20) == 0 {
					n = fmt.Sprintf("%dM", e.Length>>20)
				}
				got = append(got, e.Kind.String()+":"+n)
			}
			if got := strings.Join(got, " "); got != want {
				t.Errorf("VMFS%d: %s is %s, want %s", version, name, got, want)
			}
		}
	}
}

// TestBlocks counts what files own against what the writer has in use.
func TestBlocks(t *testing.T) {
	for _, version := range []int{3, 5} {
		v, img := made(t, variety(version))
		owned := map[int64]bool{}
		root, _ := v.Root()
		count := func(f *vmfs.File) {
			for b, err := range f.Blocks() {
				if err != nil {
					t.Error(err)
				}
				if b.Address.Type == vmfs.AddressFB {
					owned[b.Address.Number] = true
				}
			}
		}
		count(root)
		for n, err := range root.Walk() {
			if err != nil {
				t.Fatal(err)
			}
			f, err := n.File()
			if err != nil {
				t.Fatal(err)
			}
			count(f)
		}
		if _, used := img.Blocks(); int64(len(owned)) != used {
			t.Errorf("VMFS%d: files own %d blocks, %d are in use", version, len(owned), used)
		}
	}
}

// TestMissing leaves out an extent of a volume.
func TestMissing(t *testing.T) {
	s := vmfstest.Spec{Version: 5, Files: []vmfstest.File{{Path: "/disk", Size: 700 << 20, Seed: 2}}, Devices: []vmfstest.Device{
		{Extents: []vmfstest.Run{{First: 0, Count: 2}}}, {Extents: []vmfstest.Run{{First: 2, Count: 2}}},
	}}
	disks, img, err := s.Disks()
	if err != nil {
		t.Fatal(err)
	}
	v, err := vmfs.Open(devices(disks[:1])...)
	if err != nil {
		t.Fatal(err)
	}
	if got := v.Missing(); len(got) != 2 || !strings.HasPrefix(got[0], "536870912 bytes from 0x20000000 on") {
		t.Errorf("missing: %q", got)
	}
	addr, _ := img.Descriptor("/disk")
	f, err := v.File(vmfs.FDAddress(addr))
	if err != nil {
		t.Fatal(err)
	}
	var there, missing int64
	for e, err := range f.Extents() {
		switch {
		case e.Kind == vmfs.Data && err == nil:
			there += e.Length
		case e.Kind == vmfs.Missing && errors.Is(err, vmfs.ErrMissing):
			missing += e.Length
		default:
			t.Errorf("extent %+v, %v", e, err)
		}
	}
	if there == 0 || missing == 0 || there+missing != f.Size() {
		t.Errorf("%d bytes are there, %d missing, of %d", there, missing, f.Size())
	}
	if _, err := vmfs.Open(devices(disks[1:])...); !errors.Is(err, vmfs.ErrMissing) || !strings.Contains(err.Error(), "disk0") {
		t.Errorf("opening the second extent alone gives %v", err)
	}
	if _, err := vmfs.Open(append(devices(disks), devices(disks[1:])...)...); err == nil || !strings.Contains(err.Error(), "same extent") {
		t.Errorf("opening an extent twice gives %v", err)
	}
}

// TestScan finds a volume whose partition table is lost.
func TestScan(t *testing.T) {
	for _, version := range []int{3, 5, 6} {
		s := variety(version)
		s.Devices = []vmfstest.Device{{Table: vmfstest.Lost}}
		disks, _, err := s.Disks()
		if err != nil {
			t.Fatal(err)
		}
		d := devices(disks)[0]
		if _, err := vmfs.Open(d); !errors.Is(err, vmfs.ErrNotFound) {
			t.Errorf("VMFS%d: opening it gives %v", version, err)
		}
		parts, err := vmfs.Scan(t.Context(), d)
		if err != nil || len(parts) != 1 {
			t.Fatalf("VMFS%d: %d partitions, %v", version, len(parts), err)
		}
		found, err := vmfs.OpenPartitions(parts...)
		if err != nil || len(found) != 1 || found[0].Label() != "all of it" {
			t.Errorf("VMFS%d: %d volumes, %v", version, len(found), err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := vmfs.Scan(ctx, d); !errors.Is(err, context.Canceled) {
			t.Errorf("a scan that was cancelled gives %v", err)
		}
	}
}
