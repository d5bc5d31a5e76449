package scsi

import (
	"encoding/binary"
	"testing"

	"github.com/lunarsan/lunar/sbd"
)

// A blockRange is an UNMAP block descriptor.
type blockRange struct {
	lba    uint64
	blocks uint32
}

// unmapParameters encodes the parameter list of UNMAP.
func unmapParameters(ranges ...blockRange) []byte {
	p := make([]byte, 8, 8+16*len(ranges))
	binary.BigEndian.PutUint16(p, uint16(6+16*len(ranges)))
	binary.BigEndian.PutUint16(p[2:], uint16(16*len(ranges)))
	for _, r := range ranges {
		p = binary.BigEndian.AppendUint64(p, r.lba)
		p = binary.BigEndian.AppendUint32(p, r.blocks)
		p = append(p, 0, 0, 0, 0)
	}
	return p
}

func TestUnmap(t *testing.T) {
	many := make([]blockRange, maxUnmapDescriptors+1)
	for i := range many {
		many[i] = blockRange{uint64(i), 1}
	}
	tests := []struct {
		name   string
		ranges []blockRange
		want   string
		zeros  []blockRange // of the 600 blocks that were written before
		calls  int          // of the store; -1: any
	}{
		{"no descriptors", nil, "GOOD", nil, 0},
		{"one block", []blockRange{{0, 1}}, "GOOD", []blockRange{{0, 1}}, -1},
		{"part of a page", []blockRange{{3, 250}}, "GOOD", []blockRange{{3, 250}}, -1},
		{"nothing", []blockRange{{0, 0}, {testBlocks, 0}, {5, 0}}, "GOOD", nil, 0},
		{"one after the other", []blockRange{{0, 8}, {8, 8}, {16, 8}}, "GOOD", []blockRange{{0, 24}}, 1},
		{"overlapping", []blockRange{{100, 100}, {150, 100}, {100, 1}}, "GOOD", []blockRange{{100, 150}}, -1},
		{"in any order", []blockRange{{500, 8}, {0, 8}}, "GOOD", []blockRange{{0, 8}, {500, 8}}, -1},
		{"as many as may be", many[:maxUnmapDescriptors], "GOOD", []blockRange{{0, maxUnmapDescriptors}}, 1},
		{"one more", many, "05/26/00 byte 2", nil, 0},
		{"beyond the end", []blockRange{{0, 8}, {testBlocks - 1, 2}}, "05/21/00", nil, 0},
		{"nothing beyond the end", []blockRange{{testBlocks + 1, 0}}, "05/21/00", nil, 0},
		{"an address that wraps", []blockRange{{1<<64 - 1, 1}}, "05/21/00", nil, 0},
		{"a length that wraps", []blockRange{{1 << 63, 0xFFFFFFFF}}, "05/21/00", nil, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d := newDisk(t, 512, nil)
			d.fill(0, 600, 'u')
			list := unmapParameters(tt.ranges...)
			d.want(d.run(cdb(opUnmap, 0, 0, uint32(len(list))), list), tt.want)
			at := 0
			for _, z := range tt.zeros {
				d.holds(at, int(z.lba)-at, 'u')
				d.holds(int(z.lba), int(z.blocks), 0)
				at = int(z.lba) + int(z.blocks)
			}
			d.holds(at, 600-at, 'u')
			if n := d.store.Calls(sbd.CallUnmap); tt.calls >= 0 && n != tt.calls {
				t.Errorf("%d calls of the store, want %d", n, tt.calls)
			}
		})
	}
}

// TestUnmapBlocks asks for more blocks in all than the limit, within the unit.
func TestUnmapBlocks(t *testing.T) {
	d := newDisk(t, 512, func(c *sbd.Config) { c.Size = 4 * maxUnmapBlocks * 512 })
	for _, tt := range []struct {
		last uint32
		want string
	}{{maxUnmapBlocks / 2, "GOOD"}, {maxUnmapBlocks/2 + 1, "05/26/00 byte 32"}, {0xFFFFFFFF, "05/21/00"}} {
		list := unmapParameters(blockRange{0, maxUnmapBlocks / 2}, blockRange{maxUnmapBlocks, tt.last})
		d.want(d.run(cdb(opUnmap, 0, 0, uint32(len(list))), list), tt.want)
	}
}

// TestUnmapParameters sends parameter lists that are cut short or wrong in themselves.
func TestUnmapParameters(t *testing.T) {
	d := newDisk(t, 512, nil)
	d.fill(0, 16, 'u')
	whole := unmapParameters(blockRange{0, 8}, blockRange{8, 8})
	for n := range len(whole) {
		want := "05/1A/00"
		if n == 0 {
			want = "GOOD"
		}
		d.want(d.run(cdb(opUnmap, 0, 0, uint32(n)), whole[:n]), want)
		d.want(d.run(cdb(opUnmap, 0, 0, uint32(len(whole))), whole[:n]), want) // less than announced
	}
	d.want(d.run(cdb(opUnmap, 0x01, 0, uint32(len(whole))), whole), "05/24/00 byte 1 bit 0")
	d.holds(0, 16, 'u')

	odd := unmapParameters(blockRange{0, 8}, blockRange{8, 8})
	binary.BigEndian.PutUint16(odd[2:], 31) // the second is incomplete and ignored
	d.want(d.run(cdb(opUnmap, 0, 0, uint32(len(odd))), odd), "GOOD")
	d.holds(0, 8, 0)
	d.holds(8, 8, 'u')
}

// TestUnmapThick finds UNMAP missing on a unit that does not give space back.
func TestUnmapThick(t *testing.T) {
	d := newDisk(t, 512, func(c *sbd.Config) { c.Thin = false })
	list := unmapParameters(blockRange{0, 8})
	d.want(d.run(cdb(opUnmap, 0, 0, uint32(len(list))), list), "05/20/00")
}

// FuzzUnmapList reads parameter lists of any content: what passes the checks stays inside the
// unit and the limits, however it is gathered.
func FuzzUnmapList(f *testing.F) {
	f.Add([]byte{}, uint64(100))
	f.Add(unmapParameters(), uint64(100))
	f.Add(unmapParameters(blockRange{0, 8}, blockRange{8, 8}, blockRange{4, 2}), uint64(100))
	f.Add(unmapParameters(blockRange{1<<64 - 1, 1}), uint64(1<<63))
	f.Add(unmapParameters(blockRange{0, 1 << 20}, blockRange{1 << 20, 1}), uint64(1<<40))
	f.Add([]byte{0, 0, 0xFF, 0xFF, 0, 0, 0, 0, 1}, uint64(1))
	f.Fuzz(func(t *testing.T, p []byte, capacity uint64) {
		list, err := parseUnmapList(p)
		if err != nil {
			if list != nil {
				t.Fatal("a list and an error")
			}
			return
		}
		if list.check(capacity) != nil {
			return
		}
		total := uint64(0)
		for len(list) > 0 {
			var lba, blocks uint64
			before := len(list)
			lba, blocks, list = list.next()
			if len(list) >= before {
				t.Fatal("no descriptor taken")
			}
			if lba+blocks < lba || lba+blocks > capacity {
				t.Fatalf("%d blocks at %d of %d", blocks, lba, capacity)
			}
			total += blocks
		}
		if total > maxUnmapBlocks {
			t.Fatalf("%d blocks", total)
		}
	})
}
