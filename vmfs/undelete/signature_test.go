package undelete

import (
	"encoding/binary"
	"hash/crc32"
	"testing"

	"github.com/lunarsan/lunar/vmfs"
)

var le = binary.LittleEndian

func sector(fill func(b []byte)) []byte {
	b := make([]byte, headLen)
	fill(b)
	return b
}

func gptDisk(blocks uint64) []byte {
	return sector(func(b []byte) {
		copy(b, mbrDisk(1, uint32(blocks-1)))
		b[0x1BE+4] = 0xEE
		h := b[512:1024]
		copy(h, "EFI PART")
		le.PutUint32(h[0x0C:], 92)
		le.PutUint64(h[0x20:], blocks-1)
		le.PutUint32(h[0x10:], crc32.ChecksumIEEE(h[:92]))
	})
}

func mbrDisk(first, count uint32) []byte {
	return sector(func(b []byte) {
		b[0x1BE+4] = 0x83
		le.PutUint32(b[0x1BE+8:], first)
		le.PutUint32(b[0x1BE+12:], count)
		b[510], b[511] = 0x55, 0xAA
	})
}

var disks = []struct {
	name string
	b    []byte
	what string
	size int64
}{
	{"GPT", gptDisk(4096), "a disk with a GUID partition table", 2 << 20},
	{"GPT, damaged", func() []byte { b := gptDisk(4096); b[512+0x20]++; return b }(), "a disk with a master boot record", 2 << 20},
	{"MBR", mbrDisk(2048, 6144), "a disk with a master boot record", 4 << 20},
	{"MBR, empty", mbrDisk(0, 0), "", 0},
	{"MBR, no partition's flags", func() []byte { b := mbrDisk(1, 1); b[0x1BE] = 0x41; return b }(), "", 0},
	{"NTFS", sector(func(b []byte) {
		copy(b[3:], "NTFS    ")
		le.PutUint16(b[0x0B:], 512)
		le.PutUint64(b[0x28:], 8191)
		b[510], b[511] = 0x55, 0xAA
	}), "an NTFS file system", 4 << 20},
	{"NTFS without sectors", sector(func(b []byte) { copy(b[3:], "NTFS    ") }), "", 0},
	{"NTFS without end", sector(func(b []byte) {
		copy(b[3:], "NTFS    ")
		le.PutUint16(b[0x0B:], 512)
		le.PutUint64(b[0x28:], 1<<62)
	}), "", 0},
	{"ext", sector(func(b []byte) {
		le.PutUint32(b[1024+4:], 1024)
		le.PutUint32(b[1024+0x18:], 2)
		le.PutUint16(b[1024+0x38:], 0xEF53)
	}), "an ext2, 3 or 4 file system", 4 << 20},
	{"XFS", sector(func(b []byte) {
		copy(b, "XFSB")
		binary.BigEndian.PutUint32(b[4:], 4096)
		binary.BigEndian.PutUint64(b[8:], 1024)
	}), "an XFS file system", 4 << 20},
	{"LVM2", sector(func(b []byte) {
		copy(b[512:], "LABELONE")
		le.PutUint32(b[512+0x14:], 32)
		copy(b[512+0x18:], "LVM2 001")
		le.PutUint64(b[512+64:], 4<<20)
	}), "an LVM2 volume", 4 << 20},
	{"zeros", make([]byte, headLen), "", 0},
}

func TestHeads(t *testing.T) {
	for _, d := range disks {
		if h, ok := headOf(d.b); ok != (d.size > 0) || h.what != d.what || h.size != d.size {
			t.Errorf("%s: %+v, want %q, %d", d.name, h, d.what, d.size)
		}
	}
}

func FuzzHead(f *testing.F) {
	for _, d := range disks {
		f.Add(d.b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) < headLen {
			return
		}
		if h, ok := headOf(b[:headLen]); ok && (h.size <= 0 || h.size > maxDisk || h.what == "") {
			t.Errorf("%+v", h)
		}
	})
}

// A candidate becomes as long as its disk, unless there is more of it than a block.
func TestFit(t *testing.T) {
	for _, tt := range []struct{ size, fit, want int64 }{
		{300, 500, 500}, {300, 250, 250}, {300, 200, 200}, {300, 100, 300}, {300, 300, 300},
	} {
		c := Candidate{Size: tt.size, Pieces: []Piece{
			{vmfs.Extent{Length: 100}, Free, 0}, {vmfs.Extent{Offset: 100, Length: 150}, Free, 0}, {vmfs.Extent{Offset: 250, Length: 50}, Free, 0},
		}}
		c.fit(tt.fit, 100)
		last := c.Pieces[len(c.Pieces)-1]
		if c.Size != tt.want || last.Offset+last.Length != tt.want {
			t.Errorf("%d fit into %d: %d, and pieces to %d", tt.size, tt.fit, c.Size, last.Offset+last.Length)
		}
	}
}
