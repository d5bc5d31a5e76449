package undelete

import (
	"encoding/binary"
	"hash/crc32"
)

// A head is what a disk begins with.
type head struct {
	what string
	size int64 // bytes of all of it
}

// headLen is how much of a block is looked at.
const headLen = 4096

// maxDisk is more than a VMDK can have.
const maxDisk = 64 << 40

// signature tells what the block at an offset of the volume begins; false for nothing that is
// known.
func (s *Search) signature(logical int64) (head, bool) {
	b := make([]byte, headLen)
	if _, err := s.v.ReadAt(b, logical); err != nil {
		return head{}, false
	}
	return headOf(b)
}

// head tells what a candidate begins with.
func (s *Search) head(c *Candidate) (head, bool) {
	if len(c.Pieces) == 0 {
		return head{}, false
	}
	p := c.Pieces[0]
	b := make([]byte, headLen)
	if p.Status == Zeros || !p.Status.Readable() || p.Length < headLen || s.v.ReadExtent(b, p.Extent) != nil {
		return head{}, false
	}
	return headOf(b)
}

// heads are what disks and file systems begin with. A disk comes before the file system that
// its first sector may look like.
var heads = []struct {
	what string
	size func(b []byte) int64 // 0: it is not there
}{
	{"a disk with a GUID partition table", gptSize},
	{"an NTFS file system", ntfsSize},
	{"a disk with a master boot record", mbrSize},
	{"an ext2, 3 or 4 file system", extSize},
	{"an XFS file system", xfsSize},
	{"an LVM2 volume", lvmSize},
}

func headOf(b []byte) (head, bool) {
	for _, h := range heads {
		if size := h.size(b); size > 0 && size <= maxDisk {
			return head{h.what, size}, true
		}
	}
	return head{}, false
}

const diskBlock = 512 // of a virtual disk

// gptSize goes by the place of the table's copy, in the last block.
func gptSize(b []byte) int64 {
	h := b[diskBlock : 2*diskBlock]
	n := binary.LittleEndian.Uint32(h[0x0C:])
	if string(h[:8]) != "EFI PART" || n < 0x5C || n > diskBlock {
		return 0
	}
	sum := crc32.NewIEEE()
	_, _ = sum.Write(h[:0x10])
	_, _ = sum.Write(make([]byte, 4))
	_, _ = sum.Write(h[0x14:n])
	if sum.Sum32() != binary.LittleEndian.Uint32(h[0x10:]) {
		return 0
	}
	return blocks(binary.LittleEndian.Uint64(h[0x20:])+1, diskBlock)
}

// mbrSize goes by where the last partition ends: the disk has that at least.
func mbrSize(b []byte) int64 {
	if b[510] != 0x55 || b[511] != 0xAA {
		return 0
	}
	var end uint64
	for at := 0x1BE; at < 0x1FE; at += 16 {
		e := b[at : at+16]
		first, count := binary.LittleEndian.Uint32(e[8:]), binary.LittleEndian.Uint32(e[12:])
		switch {
		case e[4] == 0 && first == 0 && count == 0:
			continue
		case e[0]&0x7F != 0 || e[4] == 0 || first == 0 || count == 0:
			return 0
		}
		end = max(end, uint64(first)+uint64(count))
	}
	return blocks(end, diskBlock)
}

func ntfsSize(b []byte) int64 {
	if string(b[3:11]) != "NTFS    " {
		return 0
	}
	return blocks(binary.LittleEndian.Uint64(b[0x28:])+1, uint64(binary.LittleEndian.Uint16(b[0x0B:])))
}

func extSize(b []byte) int64 {
	super := b[1024:2048]
	shift := binary.LittleEndian.Uint32(super[0x18:])
	if binary.LittleEndian.Uint16(super[0x38:]) != 0xEF53 || shift > 6 {
		return 0
	}
	return blocks(uint64(binary.LittleEndian.Uint32(super[0x04:])), 1024<<shift)
}

func xfsSize(b []byte) int64 {
	if string(b[:4]) != "XFSB" {
		return 0
	}
	return blocks(binary.BigEndian.Uint64(b[8:]), uint64(binary.BigEndian.Uint32(b[4:])))
}

func lvmSize(b []byte) int64 {
	label := b[diskBlock : 2*diskBlock]
	if string(label[:8]) != "LABELONE" || string(label[0x18:0x20]) != "LVM2 001" {
		return 0
	}
	at := binary.LittleEndian.Uint32(label[0x14:])
	if at < 0x20 || at > diskBlock-40 {
		return 0
	}
	return blocks(binary.LittleEndian.Uint64(label[at+32:]), 1)
}

// blocks is n times size, or 0 where that cannot be.
func blocks(n, size uint64) int64 {
	if size == 0 || size > 1<<20 || n > maxDisk/size {
		return 0
	}
	return int64(n * size)
}

// fit makes the candidate as long as what it begins with says. What lies behind that by more than
// a block stays: a disk that was grown may not know of it.
func (c *Candidate) fit(size, block int64) {
	c.hole(c.Size, size)
	if size < c.Size-block {
		return
	}
	c.Size = size
	for n := len(c.Pieces); n > 0; n = len(c.Pieces) {
		last := &c.Pieces[n-1]
		if last.Offset < size {
			last.Length = min(last.Length, size-last.Offset)
			return
		}
		c.Pieces = c.Pieces[:n-1]
	}
}
