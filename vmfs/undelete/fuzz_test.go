package undelete_test

import (
	"io"
	"testing"

	"github.com/lunarsan/lunar/vmfs"
	"github.com/lunarsan/lunar/vmfs/undelete"
	"github.com/lunarsan/lunar/vmfs/vmfstest"
)

// overlaid is a disk with other bytes at a place.
type overlaid struct {
	io.ReaderAt
	at int64
	b  []byte
}

func (o overlaid) ReadAt(p []byte, off int64) (int, error) {
	n, err := o.ReaderAt.ReadAt(p, off)
	if from, to := max(o.at, off), min(o.at+int64(len(o.b)), off+int64(n)); from < to {
		copy(p[from-off:to-off], o.b[from-o.at:])
	}
	return n, err
}

// Whatever metadata a volume has, looking for deleted files ends, and what is found has pieces in
// order, within the volume.
func FuzzSurvey(f *testing.F) {
	type base struct {
		*vmfstest.Disk
		places []int64
	}
	bases := map[int]base{}
	for _, version := range []int{3, 5, 6} {
		v := write(f, victims(version, vmfstest.Deletion{Descriptor: vmfstest.Kept, Name: vmfstest.Kept}))
		b := base{Disk: v.disks[0]}
		for name := range v.image.Files() {
			_, at := v.image.Descriptor(name)
			b.places = append(b.places, at)
		}
		for _, name := range []string{"/vm/indirect.vmdk", "/vm/double.vmdk", "/vm/direct.vmdk"} {
			if v.image.Open(name) != nil {
				_, at := v.image.Descriptor(name)
				b.places = append(b.places, at)
			}
		}
		for _, slot := range []vmfs.Slot{vmfs.PBCSlot, vmfs.SBCSlot, vmfs.FDCSlot, vmfs.FBBSlot} {
			r, err := v.Resources(slot)
			if err != nil {
				f.Fatal(err)
			}
			for e := range r.Extents() {
				b.places = append(b.places, e.Physical-v.Members[0].Header.DataOffset(), e.Physical-v.Members[0].Header.DataOffset()+0x10000)
			}
		}
		bases[version] = b
		for i := range b.places {
			f.Add(byte(version), uint16(i), uint16(0x200), []byte{0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F})
			f.Add(byte(version), uint16(i), uint16(0x14), []byte{0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF})
		}
	}
	f.Fuzz(func(t *testing.T, version byte, place, off uint16, patch []byte) {
		b, ok := bases[int(version)]
		if !ok || len(patch) > 4096 {
			return
		}
		at := 0x1100000 + b.places[int(place)%len(b.places)] + int64(off)
		d := overlaid{b, at, patch}
		v, err := vmfs.Open(vmfs.Device{Name: "disk", ReaderAt: d, Size: b.Size})
		if err != nil {
			return
		}
		s, err := undelete.Survey(t.Context(), v)
		if err != nil {
			return
		}
		found := s.Saved([]undelete.Saved{{Path: "/x", Address: 4, Generation: 9, Size: 1 << 30, Map: []vmfs.Extent{
			{Physical: 1 << 40, Length: 1 << 20}, {Offset: 1 << 25, Device: 9, Length: 1 << 20}, {Offset: 1 << 20, Length: -1}, {Offset: 1 << 29, Physical: 30 * mib, Length: 1 << 62},
		}}}, made)
		found = append(found, s.Descriptors()...)
		pointers, _ := s.Pointers(t.Context())
		carved, _ := s.Carve(t.Context(), nil)
		for _, c := range append(append(found, pointers...), carved...) {
			at := int64(0)
			for _, p := range c.Pieces {
				if p.Offset != at || p.Length <= 0 || p.Status.Readable() && p.Status != undelete.Zeros && (p.Device != 0 || p.Physical < 0 || p.Physical+p.Length > b.Size) {
					t.Fatalf("%s (%s): %+v at %#x", c.Name, c.By, p, at)
				}
				at += p.Length
			}
			if at != c.Size {
				t.Fatalf("%s (%s): %d bytes in pieces, of %d", c.Name, c.By, at, c.Size)
			}
		}
	})
}
