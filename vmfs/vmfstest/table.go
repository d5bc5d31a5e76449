package vmfstest

import "hash/crc32"

const sector = 512

// firstBlock is the block at which the partition begins.
func (d *Device) firstBlock(version int) int64 {
	switch {
	case d.Table == Bare || d.Start != 0:
		return d.Start
	case version == 3:
		return 128
	}
	return 2048
}

// gptEntries is how many blocks the entries of a GPT take.
const gptEntries = 32

// deviceSize is that of the whole device in bytes.
func (p *partition) deviceSize() int64 {
	if p.spec.Table == GPT {
		return p.start + p.size() + (gptEntries+1)*sector
	}
	return p.start + p.size()
}

// writeTable writes the device's partition table.
func (p *partition) writeTable() error {
	w := &sticky{to: p.out}
	first, blocks := p.start/sector, p.size()/sector
	switch p.spec.Table {
	case MBR:
		w.write(0, mbr(0xFB, first, blocks))
	case GPT:
		last := p.deviceSize()/sector - 1
		entries := gptTable(p, first, first+blocks-1)
		w.write(0, mbr(0xEE, 1, last))
		w.write(sector, gptHeader(p, entries, 1, last, 2, last))
		w.write(2*sector, entries)
		w.write((last-gptEntries)*sector, entries)
		w.write(last*sector, gptHeader(p, entries, last, 1, last-gptEntries, last))
	}
	return w.err
}

// mbr is a master boot record with one entry.
func mbr(kind uint8, first, blocks int64) record {
	r := make(record, sector)
	r.u8(446+4, kind)
	r.u32(446+8, uint32(first))
	r.u32(446+12, uint32(min(blocks, 0xFFFFFFFF)))
	r.u16(510, 0xAA55)
	return r
}

// gptTable is the entries of a GPT: one partition of VMFS.
func gptTable(p *partition, first, last int64) record {
	r := make(record, gptEntries*sector)
	// AA31E02A-400F-11DB-9590-000C2911D1B8
	copy(r, []byte{0x2A, 0xE0, 0x31, 0xAA, 0x0F, 0x40, 0xDB, 0x11, 0x95, 0x90, 0x00, 0x0C, 0x29, 0x11, 0xD1, 0xB8})
	copy(r[16:], p.id[:])
	r.u64(32, uint64(first))
	r.u64(40, uint64(last))
	return r
}

// gptHeader is a header of a GPT; places are blocks.
func gptHeader(p *partition, entries record, at, other, table, last int64) record {
	r := make(record, sector)
	r.text(0, 8, "EFI PART")
	r.u32(8, 0x00010000)
	r.u32(12, 92)
	r.u64(24, uint64(at))
	r.u64(32, uint64(other))
	r.u64(40, 2+gptEntries)
	r.u64(48, uint64(last-gptEntries-1))
	copy(r[56:], p.id[:])
	r.u64(72, uint64(table))
	r.u32(80, 128)
	r.u32(84, 128)
	r.u32(88, crc32.ChecksumIEEE(entries))
	r.u32(16, crc32.ChecksumIEEE(r[:92]))
	return r
}
