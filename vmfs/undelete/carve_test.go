package undelete_test

import (
	"encoding/binary"
	"fmt"
	"io"
	"testing"

	"github.com/lunarsan/lunar/vmfs/undelete"
	"github.com/lunarsan/lunar/vmfs/vmfstest"
)

// mbr is the first sector of a disk of so many bytes, with one partition up to its end.
func mbr(size int64) []byte {
	b := make([]byte, 512)
	b[0x1BE+4] = 7
	binary.LittleEndian.PutUint32(b[0x1BE+8:], 2048)
	binary.LittleEndian.PutUint32(b[0x1BE+12:], uint32(size/512-2048))
	b[510], b[511] = 0x55, 0xAA
	return b
}

// begin makes the file begin with b, where it lies on the volume.
func (v *volume) begin(t *testing.T, alive *volume, name string, b []byte) {
	t.Helper()
	f, err := alive.Lookup(name)
	if err != nil {
		t.Fatal(err)
	}
	for e, err := range f.ExtentsIn(0, int64(len(b))) {
		if err != nil {
			t.Fatal(err)
		}
		if _, err := v.disks[e.Device].WriteAt(b[e.Offset:e.Offset+e.Length], alive.Members[e.Device].Start+e.Physical); err != nil {
			t.Fatal(err)
		}
	}
}

// patched is a file that begins with other bytes.
type patched struct {
	io.ReaderAt
	head []byte
}

func (p patched) ReadAt(b []byte, off int64) (int, error) {
	n, err := p.ReaderAt.ReadAt(b, off)
	if off < int64(len(p.head)) {
		copy(b[:n], p.head[off:])
	}
	return n, err
}

// Where descriptors have lost their addresses, pointer blocks lead to what the files had: in the
// order that those above them say, or by what the disk begins with, and by where the blocks lie.
func TestPointers(t *testing.T) {
	gone := vmfstest.Deletion{Descriptor: vmfstest.Cleared, Name: vmfstest.Wiped}
	for _, version := range []int{3, 5, 6} {
		reach := int64(gib) // of a pointer block
		if version == 6 {
			reach = 8 * gib
		}
		for _, test := range []struct {
			name       string
			file       vmfstest.File
			confidence undelete.Confidence
			min        int
		}{
			{"whole", vmfstest.File{Size: 6 * mib, Layout: vmfstest.Indirect}, undelete.Medium, 3},
			{"scattered", vmfstest.File{Size: 6 * mib, Layout: vmfstest.Indirect, Step: 3}, undelete.Medium, 3},
			{"holes", vmfstest.File{Size: 9 * mib, Layout: vmfstest.Indirect, Map: []vmfstest.Piece{
				{Length: 2 * mib}, {Length: 3 * mib, Kind: vmfstest.Hole}, {Length: mib, Kind: vmfstest.ToBeZeroed}, {Length: mib},
			}}, undelete.Medium, 3},
			{"two pages", vmfstest.File{Size: reach + 2*mib, Layout: vmfstest.Indirect, Map: []vmfstest.Piece{
				{Length: 2 * mib}, {Length: reach - 2*mib, Kind: vmfstest.Hole}, {Length: 2 * mib},
			}}, undelete.Medium, 3},
			{"two levels", vmfstest.File{Size: 3*reach + mib, Layout: vmfstest.Double, Map: []vmfstest.Piece{
				{Length: mib}, {Length: 3*reach - mib, Kind: vmfstest.Hole}, {Length: mib},
			}}, undelete.Medium, 5},
			{"secondary", vmfstest.File{Size: 6 * mib, Layout: vmfstest.SecondaryBlocks}, undelete.Medium, 5},
		} {
			if version < test.min {
				continue
			}
			t.Run(fmt.Sprintf("VMFS%d, %s", version, test.name), func(t *testing.T) {
				f := test.file
				f.Path, f.Seed, f.Deleted = "/vm/gone.vmdk", 5, gone
				before, after := pair(t, vmfstest.Spec{Version: version, Size: gib, Seed: 9, Files: []vmfstest.File{
					{Path: "/vm/keep.vmdk", Size: 4 * mib, Seed: 1, Layout: vmfstest.Indirect}, f,
					{Path: "/vm/more.vmdk", Size: 4 * mib, Seed: 2, Layout: vmfstest.Indirect},
				}})
				head := mbr(f.Size)
				after.begin(t, before, f.Path, head)
				after.open(t)
				s := after.survey(t)
				if list := s.Descriptors(); len(list) > 0 {
					t.Fatalf("found by descriptors: %+v", list)
				}
				found, err := s.Pointers(t.Context())
				if err != nil || len(found) != 1 {
					t.Fatalf("found %d: %+v, %v", len(found), found, err)
				}
				c := &found[0]
				if c.Confidence != test.confidence || c.Named || c.By != undelete.ByPointers {
					t.Errorf("confidence %s: %s, %v", c.Confidence, c.Reason, c.Count())
				}
				check(t, c, patched{after.image.Open(f.Path), head}, f.Size)
			})
		}
	}
}

// What begins no disk is a part of a file; what another file has now of it is told.
func TestPointersReused(t *testing.T) {
	v := write(t, vmfstest.Spec{Version: 5, Files: []vmfstest.File{
		{Path: "/gone.vmdk", Size: 8 * mib, Seed: 1, Layout: vmfstest.Indirect,
			Deleted: vmfstest.Deletion{Descriptor: vmfstest.Cleared, Early: true}},
		{Path: "/new.vmdk", Size: 2 * mib, Seed: 2},
	}})
	found, err := v.survey(t).Pointers(t.Context())
	if err != nil || len(found) != 1 {
		t.Fatalf("found %+v, %v", found, err)
	}
	if n := found[0].Count(); n[undelete.Reused] < 2*mib || n[undelete.Free] == 0 || found[0].Confidence != undelete.Low {
		t.Errorf("%v, confidence %s", n, found[0].Confidence)
	}
	check(t, &found[0], v.image.Open("/gone.vmdk"), 8*mib)
}

// Where nothing is left but data, a disk is found by its partition table, up to its end.
func TestCarve(t *testing.T) {
	for _, version := range []int{3, 5, 6} {
		const size = 6 * mib
		before, after := pair(t, vmfstest.Spec{Version: version, Files: []vmfstest.File{
			{Path: "/keep.vmdk", Size: 4 * mib, Seed: 1},
			{Path: "/gone.vmdk", Size: size, Seed: 5, Layout: vmfstest.Direct, Deleted: vmfstest.Deletion{Descriptor: vmfstest.Wiped, Name: vmfstest.Wiped}},
			{Path: "/more.vmdk", Size: 4 * mib, Seed: 2},
		}})
		head := mbr(size)
		after.begin(t, before, "/gone.vmdk", head)
		after.begin(t, before, "/more.vmdk", head) // which is alive
		after.open(t)
		s := after.survey(t)
		if list, err := s.Pointers(t.Context()); err != nil || len(list) > 0 || len(s.Descriptors()) > 0 {
			t.Fatalf("VMFS%d: found by pointers: %+v, %v", version, list, err)
		}
		var looked, all int64
		found, err := s.Carve(t.Context(), func(done, of int64) { looked, all = done, of })
		if err != nil || len(found) != 1 || all == 0 || looked > all {
			t.Fatalf("VMFS%d: found %+v, %v, %d of %d", version, found, err, looked, all)
		}
		if c := found[0]; c.Confidence != undelete.Low || c.By != undelete.ByCarving {
			t.Errorf("VMFS%d: %+v", version, c)
		}
		check(t, &found[0], patched{after.image.Open("/gone.vmdk"), head}, size)

		// What a stronger strategy has found is not found again.
		s = after.survey(t)
		s.Saved(saved(t, before), made)
		if again, err := s.Carve(t.Context(), nil); err != nil || len(again) > 0 {
			t.Errorf("VMFS%d: found again: %+v, %v", version, again, err)
		}
	}
}

// Strategies on a volume where nothing was deleted find nothing, on any kind of volume.
func TestNothingDeleted(t *testing.T) {
	for _, version := range []int{3, 5, 6} {
		spec := vmfstest.Everything(version)
		for i := range spec.Files {
			spec.Files[i].Deleted = vmfstest.Deletion{}
		}
		v := write(t, spec)
		s := v.survey(t)
		found := append(s.Saved(saved(t, v), made), s.Descriptors()...)
		more, err1 := s.Pointers(t.Context())
		carved, err2 := s.Carve(t.Context(), nil)
		if found = append(append(found, more...), carved...); len(found) > 0 || err1 != nil || err2 != nil {
			t.Errorf("VMFS%d: found %+v, %v, %v", version, found, err1, err2)
		}
	}
}

// On a volume of two extents whose blocks lie by turns on either, each piece is found where it is.
func TestSpan(t *testing.T) {
	const pe = vmfstest.PhysicalExtent
	s := vmfstest.Spec{Version: 5, Devices: []vmfstest.Device{
		{Extents: []vmfstest.Run{{First: 0, Count: 1}, {First: 2, Count: 1}}},
		{Table: vmfstest.GPT, Extents: []vmfstest.Run{{First: 1, Count: 1}}},
	}, Files: []vmfstest.File{
		{Path: "/gone.vmdk", Size: 3 * pe, Seed: 5, Written: 512, Layout: vmfstest.Indirect, Map: []vmfstest.Piece{
			{Length: pe - 40*mib}, {Length: 2 * pe, Kind: vmfstest.Hole}, {Length: 40 * mib},
		}, Deleted: vmfstest.Deletion{Descriptor: vmfstest.Kept}},
	}}
	before, after := pair(t, s)
	maps := saved(t, before)
	for _, found := range [][]undelete.Candidate{after.survey(t).Saved(maps, made), after.survey(t).Descriptors()} {
		c := one(t, found, "/gone.vmdk")
		devices := map[int]bool{}
		for _, p := range c.Pieces {
			devices[p.Device] = true
		}
		if !devices[0] || !devices[1] || c.Confidence != undelete.High {
			t.Errorf("on %v, confidence %s", devices, c.Confidence)
		}
		check(t, c, after.image.Open("/gone.vmdk"), 3*pe)
	}
}
