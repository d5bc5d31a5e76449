package vmfstest

// Places in the logical volume (bytes).
const (
	superblockAt = 0x200000
	heartbeatsAt = 0x300000
)

// writeSuperblock writes the descriptor of the file system.
func (b *builder) writeSuperblock() {
	r := make(record, 512)
	version := map[int][2]uint32{3: {4, 31}, 5: {14, 81}, 6: {24, 82}}[b.spec.Version]
	r.u32(0x00, 0x2FABF15E)
	r.u32(0x04, version[0])
	r.u8(0x08, uint8(version[1]))
	id := newUUID(b.spec.Seed, 2)
	copy(r[0x09:], id[:])
	config := uint32(2)
	if b.spec.Dense || b.six() {
		config |= 4
	}
	r.u32(0x19, config)
	r.text(0x1D, 128, b.spec.Label)
	r.u32(0x9D, sector)
	r.u64(0xA1, uint64(b.blockSize))
	r.u32(0xA9, epoch)
	r.u32(0xAD, snapshotID)
	copy(r[0xB1:], b.vol.id[:])
	r.u32(0xC1, snapshotID)
	fd := b.of[toFile]
	r.u32(0xD1, uint32(fd.offset))
	r.u32(0xD5, uint32(fd.perGroup))
	r.u32(0xD9, uint32(b.subBlock))
	if b.spec.Version > 3 {
		r.u64(0xE1, uint64(b.descriptorAt(slotPB2)))
		r.u32(0xE9, uint32(b.address(toFile, slotPB2)))
		r.u64(0x105, uint64(b.descriptorAt(slotSDD)))
		r.u32(0x10D, uint32(b.address(toFile, slotSDD)))
	}
	if b.six() {
		r.u32(0x130, sector)
		r.u32(0x134, uint32(b.spec.Alignment))
		r.u16(0x138, uint16(shift(LargeBlock/b.blockSize)))
		r.u16(0x13E, 16)
		r.u32(0x144, uint32(b.blockSize))
		r.u32(0x148, journalBlock)
		r.u32(0x14C, 3000)
		r.u32(0x150, 16000)
	}
	b.write(superblockAt, r)
}
