package vmfs_test

import (
	"bytes"
	"context"
	"io"
	"testing"

	"github.com/lunarsan/lunar/vmfs"
	"github.com/lunarsan/lunar/vmfs/vmfstest"
)

// A patched device has other bytes in one place.
type patched struct {
	vmfs.Device
	at    int64
	bytes []byte
}

func (p *patched) ReadAt(b []byte, off int64) (int, error) {
	n, err := p.Device.ReadAt(b, off)
	if from := max(p.at, off); from < min(p.at+int64(len(p.bytes)), off+int64(n)) {
		copy(b[from-off:n], p.bytes[from-p.at:])
	}
	return n, err
}

// A structure is where something is on a volume: what is fuzzed is put there.
type structure struct {
	name    string
	version int
	at      int64 // on the device
	length  int
}

// structures are one of each kind.
func structures(version int, v *vmfs.Volume, img *vmfstest.Image) []structure {
	const lvm, data = 0x100000, 0x1100000
	all := []structure{
		{"LVM header", 0, lvm, 512},
		{"superblock", 0, data + 0x200000, 512},
		{"heartbeat", 0, data + 0x300000, 512},
	}
	entries, pes := int64(0x200), int64(0x80600)
	if version == 6 {
		entries, pes = 0x1000, 0x82000
	}
	all = append(all, structure{"volume entry", 0, lvm + entries, 512}, structure{"PE table", 0, lvm + pes, 1024})
	on := func(name string, at int64, length int) {
		_, p := img.Place(at)
		all = append(all, structure{name, 0, p, length})
	}
	first := func(f *vmfs.File) int64 {
		for e := range f.Extents() {
			return e.Physical
		}
		return 0
	}
	for _, s := range []vmfs.Slot{vmfs.RootSlot, vmfs.FBBSlot, vmfs.FDCSlot, vmfs.PBCSlot, vmfs.SBCSlot, vmfs.PB2Slot} {
		f, err := v.File(s.Address())
		if err != nil {
			continue
		}
		on("descriptor of "+s.String(), f.Logical(), len(f.Descriptor()))
		if s != vmfs.RootSlot {
			all = append(all, structure{"header of " + s.String(), 0, first(f), 512})
		}
	}
	for _, name := range []string{"/vm1/thin", "/vm1/thin-indirect", "/vm1/indirect", "/vm1/small", "/vm1/vm1.vmx", "/vm2/link", "/vm2/lun.vmdk", "/many"} {
		f, err := v.Lookup(name)
		if err != nil {
			continue
		}
		on("descriptor of "+name, f.Logical(), len(f.Descriptor()))
		if name == "/many" {
			all = append(all, structure{"directory", 0, first(f), 0x5F8}, structure{"directory blocks", 0, first(f) + 0x10000, 4096 + 512})
		}
		for b := range f.Blocks() {
			if r, err := v.Resources(vmfs.PBCSlot); err == nil && b.Level > 0 && b.Address.Type == vmfs.AddressPB {
				all = append(all, structure{"pointer block of " + name, 0, first(r.File) + 0x10000 + 1024, 4096})
				break
			}
		}
	}
	for i := range all {
		all[i].version = version
	}
	return all
}

// FuzzVolume puts bytes in the place of a structure of a volume, and walks all of it.
func FuzzVolume(f *testing.F) {
	var (
		all   []structure
		disks = map[int]vmfs.Device{}
	)
	for _, version := range []int{3, 5, 6} {
		d, img, err := variety(version).Disks()
		if err != nil {
			f.Fatal(err)
		}
		disks[version] = devices(d)[0]
		v, err := vmfs.Open(disks[version])
		if err != nil {
			f.Fatal(err)
		}
		all = append(all, structures(version, v, img)...)
	}
	for i, s := range all {
		was := make([]byte, s.length)
		if _, err := disks[s.version].ReadAt(was, s.at); err != nil {
			f.Fatal(err)
		}
		f.Add(i, was)
		f.Add(i, bytes.Repeat([]byte{0xFF}, 512))
	}
	f.Fuzz(func(t *testing.T, i int, b []byte) {
		if i < 0 || i >= len(all) || len(b) > 1<<17 {
			return
		}
		d := disks[all[i].version]
		volumes, err := vmfs.Find(vmfs.Device{Name: "patched", ReaderAt: &patched{d, all[i].at, b}, Size: d.Size})
		if err != nil {
			return
		}
		for _, v := range volumes {
			wander(t, v)
		}
	})
}

// wander looks at all of a volume that is not too much, and fails where what it sees
// contradicts itself.
func wander(t *testing.T, v *vmfs.Volume) {
	_ = v.Missing()
	_ = v.DeviceNames()
	if _, err := v.Heartbeats(); err != nil {
		t.Log(err)
	}
	for slot := range vmfs.DFDSlot {
		if r, err := v.Resources(slot); err == nil {
			for n := range min(4, r.Clusters()) {
				if c, err := r.Cluster(n, nil); err == nil {
					_, _ = c.IsFree(3)
					_ = c.CountFree()
				}
			}
		}
	}
	root, err := v.Root()
	if err != nil {
		return
	}
	files := 0
	for n, err := range root.Walk() {
		if files++; files > 200 {
			return
		}
		if err != nil {
			continue
		}
		f, err := n.File()
		if err != nil {
			continue
		}
		_, _ = f.ReadLink()
		_ = f.Mode().String() + f.Descriptor().DiskID().Name()
		var at, extents int64
		for e, err := range f.Extents() {
			if e.Offset != at || e.Length <= 0 || e.Offset+e.Length > f.Size() {
				t.Fatalf("%s of %d bytes: extent %+v (%v) behind %d", n.Path, f.Size(), e, err, at)
			}
			at += e.Length
			if extents++; extents > 2000 {
				break
			}
		}
		blocks := 0
		for range f.Blocks() {
			if blocks++; blocks > 2000 {
				break
			}
		}
		if _, err := f.ReadAt(make([]byte, 5000), f.Size()/2); err != nil && err != io.EOF {
			continue
		}
	}
}

// FuzzPartitions reads partition tables.
func FuzzPartitions(f *testing.F) {
	for _, table := range []vmfstest.Table{vmfstest.MBR, vmfstest.GPT, vmfstest.Lost} {
		disks, _, err := (vmfstest.Spec{Version: 5, Devices: []vmfstest.Device{{Table: table}}}).Disks()
		if err != nil {
			f.Fatal(err)
		}
		head := make([]byte, 40<<10)
		if _, err := disks[0].ReadAt(head, 0); err != nil {
			f.Fatal(err)
		}
		f.Add(head)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		d := vmfs.Device{Name: "disk", ReaderAt: bytes.NewReader(b), Size: int64(len(b))}
		parts, err := vmfs.Partitions(&d)
		if err != nil {
			t.Skip(err)
		}
		for _, p := range parts {
			if p.Start < 0 || p.Size <= 0 || p.Start+p.Size > d.Size {
				t.Errorf("partition %d to %d of %d", p.Start, p.Start+p.Size, d.Size)
			}
		}
		if _, err := vmfs.Scan(context.Background(), d); err != nil {
			t.Error(err)
		}
	})
}

// FuzzVmfsimg reads images of vmfs-tools' imager.
func FuzzVmfsimg(f *testing.F) {
	f.Add([]byte("VMFSIMG\x02\x01\x02\x00\x01abcd\x00\x00\x01\x80\x01\x7f\x00\x00\x00\x00"))
	f.Add([]byte("VMFSIMG\x02\x01\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"))
	f.Add([]byte("VMFSIMG\x02\x00\x81\x01"))
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := vmfs.OpenVmfsimg(bytes.NewReader(b), int64(len(b)))
		if err != nil {
			return
		}
		p := make([]byte, 3000)
		for _, off := range []int64{0, 511, m.Size() / 2, m.Size() - 1} {
			if _, err := m.ReadAt(p, off); err != nil && err != io.EOF {
				t.Error(err)
			}
		}
	})
}
