package scsi

import (
	"encoding/binary"
	"fmt"
	"strings"
	"testing"

	"github.com/lunarsan/lunar/sbd"
)

// lbaStatus asks for the status from lba on and writes each descriptor as "LBA+blocks status".
func (d *disk) lbaStatus(lba uint64, alloc uint32) string {
	d.t.Helper()
	r := d.run(cdb(opServiceActionIn16, saGetLBAStatus, lba, alloc), nil)
	if r.status != Good {
		return r.String()
	}
	if n := binary.BigEndian.Uint32(r.in); int(n)+4 != len(r.in) && len(r.in) == int(min(alloc, n+4)) {
		d.t.Logf("cut: %d of %d bytes", len(r.in), n+4)
	}
	var s []string
	for p := r.in[8:]; len(p) >= 16; p = p[16:] {
		s = append(s, fmt.Sprintf("%d+%d %s", binary.BigEndian.Uint64(p), binary.BigEndian.Uint32(p[8:]),
			map[byte]string{0: "mapped", 1: "deallocated"}[p[12]]))
	}
	return strings.Join(s, ", ")
}

// TestLBAStatus maps blocks of a store that has space in pieces of 64 KiB.
func TestLBAStatus(t *testing.T) {
	const page = (64 << 10) / 512 // 128 blocks
	d := newDisk(t, 512, nil)
	d.fill(page, page, 'm')
	d.fill(5*page+7, 1, 'm')
	tests := []struct {
		lba   uint64
		alloc uint32
		want  string
	}{
		{0, 24, "0+128 deallocated"},
		{0, 40, "0+128 deallocated, 128+128 mapped"},
		{0, 4096, "0+128 deallocated, 128+128 mapped, 256+384 deallocated, 640+128 mapped, 768+15616 deallocated"},
		{1, 24, "1+127 deallocated"},
		{129, 24, "129+127 mapped"},
		{700, 40, "700+68 mapped, 768+15616 deallocated"},
		{testBlocks - 1, 4096, "16383+1 deallocated"},
		{testBlocks, 24, "05/21/00"},
		{testBlocks + 1, 24, "05/21/00"},
		{1 << 63, 24, "05/21/00"},
		{1<<64 - 1, 24, "05/21/00"},
	}
	for _, tt := range tests {
		if got := d.lbaStatus(tt.lba, tt.alloc); got != tt.want {
			t.Errorf("from %d in %d bytes: %s, want %s", tt.lba, tt.alloc, got, tt.want)
		}
	}
	for alloc := range uint32(24) { // shorter than one descriptor: cut
		r := d.run(cdb(opServiceActionIn16, saGetLBAStatus, 0, alloc), nil)
		if d.want(r, "GOOD"); len(r.in) != int(alloc) {
			t.Errorf("%d bytes for an allocation length of %d", len(r.in), alloc)
		}
		if alloc >= 4 && binary.BigEndian.Uint32(r.in) != 20 {
			t.Errorf("parameter data length %d", binary.BigEndian.Uint32(r.in))
		}
	}
	c := cdb(opServiceActionIn16, saGetLBAStatus, 0, 24)
	c[14] = 1
	d.want(d.run(c, nil), "05/24/00 byte 14")
}

// TestLBAStatusPieces rounds what the store says, in bytes, to blocks: one that has space in
// part is mapped.
func TestLBAStatusPieces(t *testing.T) {
	d := newDisk(t, 4096, nil)
	d.unit.Detach(sbd.ErrGone)
	if err := d.unit.Attach(patches{sbd.NewMem(testBlocks * 4096)}); err != nil {
		t.Fatal(err)
	}
	if got, want := d.lbaStatus(0, 72), "0+1 deallocated, 1+1 mapped, 2+2 deallocated, 4+2 mapped"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

// patches has 1024 bytes of space in block 1, and 4096 across blocks 4 and 5, of 4096 each.
type patches struct{ *sbd.Mem }

func (p patches) Mapped(off int64) (bool, int64, error) {
	was := int64(0)
	for i, end := range []int64{5000, 6024, 18000, 22096, p.Size()} {
		if off < end {
			return i%2 == 1, end - max(off, was), nil
		}
		was = end
	}
	return false, 0, sbd.ErrOutOfRange
}

// TestLBAStatusLong reports more blocks than a descriptor can: in two that continue.
func TestLBAStatusLong(t *testing.T) {
	d := newDisk(t, 512, func(c *sbd.Config) { c.Size = 3 << 40 })
	if got, want := d.lbaStatus(5, 56), "5+4294967295 deallocated, 4294967300+2147483644 deallocated"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

// TestLBAStatusMany asks a unit with more pieces than one command reports.
func TestLBAStatusMany(t *testing.T) {
	const page = (64 << 10) / 4096
	d := newDisk(t, 4096, nil)
	for i := 0; i < testBlocks; i += 2 * page {
		d.fill(i, 1, 'm')
	}
	if got := len(strings.Split(d.lbaStatus(0, 1<<20), ",")); got != maxStatusDescriptors {
		t.Errorf("%d descriptors, want %d", got, maxStatusDescriptors)
	}
}

// TestLBAStatusThick finds every block of a thick unit mapped.
func TestLBAStatusThick(t *testing.T) {
	d := newDisk(t, 512, func(c *sbd.Config) { c.Thin = false })
	if got, want := d.lbaStatus(3, 4096), "3+16381 mapped"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

// TestUnmapStatus unmaps as libiscsi's GetLBAStatus.UnmapSingle does: what comes after is
// still mapped, and the answer starts where the question did.
func TestUnmapStatus(t *testing.T) {
	onBothBlockSizes(t, func(t *testing.T, d *disk) {
		d.fill(0, 257, 'A')
		for i := range uint64(256) {
			list := unmapParameters(blockRange{i, 1})
			d.want(d.run(cdb(opUnmap, 0, 0, uint32(len(list))), list), "GOOD")
			if got := d.lbaStatus(i+1, 24); !strings.HasPrefix(got, fmt.Sprintf("%d+", i+1)) || !strings.HasSuffix(got, " mapped") {
				t.Fatalf("block %d: %s", i+1, got)
			}
		}
	})
}
