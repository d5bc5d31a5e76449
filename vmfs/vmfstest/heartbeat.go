package vmfstest

// heartbeatSlots is how many slots there are, and how far apart in bytes.
func (b *builder) heartbeatSlots() (count, size int64) {
	if b.six() {
		return 1024, b.spec.Alignment
	}
	return 2048, sector
}

// heartbeatAt is where a slot is in the volume.
func (b *builder) heartbeatAt(slot int) int64 {
	_, size := b.heartbeatSlots()
	return heartbeatsAt + int64(slot)*size
}

// writeHeartbeats writes all slots, those that no host has too.
func (b *builder) writeHeartbeats() {
	count, _ := b.heartbeatSlots()
	for slot := range int(count) {
		r := make(record, 0x36)
		r.u32(0x00, 0xABCDEF01)
		r.u64(0x04, uint64(b.heartbeatAt(slot)))
		b.write(b.heartbeatAt(slot), r)
	}
	for _, h := range b.spec.Heartbeats {
		b.write(b.heartbeatAt(h.Slot), b.heartbeat(h))
	}
}

// heartbeat is the slot of a host.
func (b *builder) heartbeat(h Heartbeat) record {
	r := make(record, 0x100)
	r.u32(0x00, 0xABCDEF01)
	r.u64(0x04, uint64(b.heartbeatAt(h.Slot)))
	r.u64(0x0C, h.Generation)
	if h.Free {
		return r
	}
	r.u32(0x00, 0xABCDEF02)
	r.u64(0x14, h.Stamp)
	id := newUUID(h.Host, 3)
	copy(r[0x1C:], id[:])
	if h.Journal {
		journal, at := b.journal()
		r.u32(0x2C, uint32(journal))
		r.u64(0x64, uint64(at))
	}
	r.u32(0x30, map[int]uint32{3: 4, 5: 14, 6: 24}[b.spec.Version])
	r.u8(0x34, map[int]uint8{3: 31, 5: 81, 6: 82}[b.spec.Version])
	r.text(0x36, 46, h.Address)
	return r
}

// journal takes a block for a journal: a file block, on VMFS6 one of those for it.
func (b *builder) journal() (address uint64, at int64) {
	if !b.six() {
		n := b.takeBlock(0)
		return b.address(toBlock, n), n * b.blockSize
	}
	r := b.of[toJournal]
	n, err := r.take()
	if err != nil {
		b.fail(err)
		return 0, 0
	}
	return b.address(toJournal, n), r.file.logical(r.at(n), b.blockSize)
}

// lockRecord is a lock: its type, where it is, and who holds it.
func (b *builder) lockRecord(kind uint32, at int64, l Lock) record {
	r := make(record, 0x48)
	r.u32(0x00, kind)
	r.u64(0x04, uint64(at))
	r.u64(0x1C, 1)
	if l.Mode == 0 {
		return r
	}
	r.u32(0x24, l.Mode)
	for _, h := range b.spec.Heartbeats {
		if h.Slot == l.Slot {
			r.u64(0x0C, uint64(b.heartbeatAt(h.Slot)))
			r.u64(0x14, h.Generation)
			id := newUUID(h.Host, 3)
			copy(r[0x28:], id[:])
			r.u64(0x38, h.Stamp)
		}
	}
	return r
}
