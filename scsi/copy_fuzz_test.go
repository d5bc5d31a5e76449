package scsi

import (
	"testing"

	"github.com/lunarsan/lunar/internal/buffer"
	"github.com/lunarsan/lunar/sbd"
)

// FuzzCopyList reads any parameter list of EXTENDED COPY(LID1), and wants every segment of one
// that is accepted to lie within the units.
func FuzzCopyList(f *testing.F) {
	for _, s := range [][]seg{nil, {{0, 0, 0, 8, 8}}, {{0, 1, 1, 2, 3}, {1, 0, 4, 5, 6}}, {{0, 9, 0, 0, 0}}} {
		_, list := copyCDB(1, s...)
		f.Add(list)
	}
	_, list := copyCDB(0, seg{0, 0, 0, 0, 0})
	list = append(list, 0, 0, 0x10, 0x10)
	list[11], list[len(list)-offsetSegmentLen], list[len(list)-offsetSegmentLen+3] = offsetSegmentLen, offsetSegment, offsetSegmentLen-4
	f.Add(list)
	pool := buffer.NewPool(1 << 20)
	n := NewNexus(Names{}, pool)
	units := map[int]*LogicalUnit{}
	for lun, block := range []int{512, 4096} {
		u := sbd.NewUnit(sbd.Identity{GUID: sbd.GUID{0: 0x60, 15: byte(lun)}, BlockSize: block}, sbd.Config{})
		if err := u.Attach(sbd.NewMem(1 << 20)); err != nil {
			f.Fatal(err)
		}
		units[lun] = NewLogicalUnit(u, pool)
	}
	n.SetInventory(units)
	t0 := &Task{nexus: n, path: n.luns.Load().paths[0]}

	f.Fuzz(func(t *testing.T, p []byte) {
		list, err := parseCopyList(p)
		if err != nil && list != nil {
			t.Fatalf("%v, and a list", err)
		}
		if list == nil {
			return
		}
		if len(list.cscds) > maxCSCDs || len(list.segments) > maxSegments {
			t.Fatalf("%d CSCDs, %d segments", len(list.cscds), len(list.segments))
		}
		for i := range list.segments {
			e, err := t0.extentOf(list, i)
			if err != nil {
				continue
			}
			for off, u := range map[int64]*LogicalUnit{e.fromOff: e.from.unit, e.intoOff: e.into.unit} {
				if size := u.unit.Size(); off < 0 || e.n < 0 || off > size || e.n > size-off {
					t.Fatalf("%d bytes at %d of %d", e.n, off, size)
				}
			}
		}
	})
}

// FuzzTokenRanges reads any ranges of POPULATE TOKEN, and wants those that are accepted to be
// within the unit, apart, and no more than a token may stand for.
func FuzzTokenRanges(f *testing.F) {
	for _, r := range [][]tokenRange{nil, {{0, 8}}, {{8, 8}, {0, 8}}, {{0, 8}, {7, 1}}, {{2047, 1}, {5, 0}}} {
		f.Add(tokenList(populateHeaderLen, r))
	}
	u := sbd.NewUnit(sbd.Identity{GUID: sbd.GUID{0x60}, BlockSize: 512}, sbd.Config{})
	if err := u.Attach(sbd.NewMem(1 << 20)); err != nil {
		f.Fatal(err)
	}
	task := &Task{path: &path{unit: NewLogicalUnit(u, buffer.NewPool(1<<20))}}

	f.Fuzz(func(t *testing.T, p []byte) {
		ranges, total, err := task.parseTokenRanges(p, populateHeaderLen)
		if err != nil {
			return
		}
		sum := int64(0)
		for i, r := range ranges {
			if r.Off < 0 || r.N < 0 || r.Off > 1<<20-r.N || overlapsAny(r, ranges[:i]) {
				t.Fatalf("range %d of %v", i, ranges)
			}
			sum += r.N
		}
		if len(ranges) == 0 || len(ranges) > maxTokenRanges || sum != total || total > maxTokenBytes {
			t.Fatalf("%d ranges of %d bytes, %d in all", len(ranges), sum, total)
		}
	})
}
