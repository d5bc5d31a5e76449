package vmfstest

// Sizes of VMFS6's directories (bytes): the header, which ends in the hash table, and after it
// blocks as large as metadata is aligned; an entry; a group of links.
const (
	dirHeader   = 0x10000
	blockHeader = 64
	entry6Size  = 0x120
	linkSize    = 0x54
	hashTable   = 0x5F8
)

// Kinds of blocks, and of the locations that lead to them.
const (
	blockOfEntries = 1
	blockOfLinks   = 2
	blockOfMap     = 3
)

// linksPerGroup is how many links a group has.
const linksPerGroup = 12

// slotsOf is how many slots a block of a kind has. A location has eight bits for the slot.
func (b *builder) slotsOf(kind int) int64 {
	switch kind {
	case blockOfEntries:
		return (b.spec.Alignment - blockHeader) / entry6Size
	case blockOfLinks:
		return min((b.spec.Alignment-blockHeader)/linkSize, 256)
	}
	return (b.spec.Alignment - blockHeader) * 2
}

// directory6 is a directory of VMFS6 being made.
type directory6 struct {
	b      *builder
	header record
	blocks []record
	maps   int
	last   map[int]int // the block of a kind that has room
}

// directory6 makes a directory: header with the hash table, then blocks.
func (b *builder) directory6(n *node, list []entry) []byte {
	d := &directory6{b: b, header: make(record, dirHeader), last: make(map[int]int)}
	for i := range 128 {
		d.header.u32(0x10+i*4, 0xFFFFFFFF)
	}
	d.block(blockOfEntries)
	byHash := make(map[uint32][]link)
	live := 2
	var gone []place
	for _, e := range list {
		hash, index := nameHash(e.name, n == b.root)
		at := d.slot(blockOfEntries)
		r := d.slotRecord(at, entry6Size)
		b.entry6(r, e)
		r.u16(0x0C, uint16(index))
		r.u16(0x0E, hash)
		r.u64(0x10, uint64(dirHeader+int64(at.block)*b.spec.Alignment+blockHeader+int64(at.slot)*entry6Size))
		if e.remains == Alive {
			live++
			byHash[index] = append(byHash[index], link{at.location(blockOfEntries), hash})
			continue
		}
		gone = append(gone, at)
		switch e.remains {
		case Cleared:
			r.u32(4, 0)
		case Wiped:
			clear(r)
		}
	}
	for _, e := range list { // in their order, so that the result is always the same
		_, index := nameHash(e.name, n == b.root)
		if links := byHash[index]; links != nil {
			d.header.u32(hashTable+int(index)*4, d.chain(index, links))
			delete(byHash, index)
		}
	}
	for _, p := range gone {
		d.free(p)
	}
	d.header.u32(0x00, 0xF50001)
	d.header.u32(0x04, uint32(live))
	d.header.u32(0x08, uint32(live))
	d.header.u32(0x0C, uint32(d.maps))
	b.entry6(d.header[0x3B8:], entry{kind: n.file.Type, number: n.number, generation: n.generation, name: "."})
	b.entry6(d.header[0x4D8:], entry{kind: Directory, number: n.parent.number, generation: n.parent.generation, name: ".."})
	data := d.header
	for _, block := range d.blocks {
		data = append(data, block...)
	}
	return data
}

// entry6 writes an entry of VMFS6, but for its hashes.
func (b *builder) entry6(r record, e entry) {
	r.u32(0, uint32(e.kind))
	r.u32(4, uint32(b.address(toFile, e.number)))
	r.u32(8, e.generation)
	r.text(0x18, 256, e.name)
}

// place is a slot of a block.
type place struct{ block, slot int }

// location is a place as the hash table and links have it.
func (p place) location(kind uint32) uint32 { return kind | uint32(p.block)<<2 | uint32(p.slot)<<24 }

// link leads to an entry whose name has this hash.
type link struct {
	location uint32
	hash     uint16
}

// block appends a block of a kind, after a map where one is due.
func (d *directory6) block(kind int) {
	mapped := int(d.b.slotsOf(blockOfMap))
	if len(d.blocks)%mapped == 0 {
		d.header.u32(0x10+d.maps*4, uint32(len(d.blocks)))
		d.maps++
		m := d.appendBlock(blockOfMap)
		for i := blockHeader; i < len(m); i++ {
			m[i] = 0xCC // free, not written
		}
		d.mapBlock(len(d.blocks)-1, blockOfMap)
	}
	d.appendBlock(kind)
	d.mapBlock(len(d.blocks)-1, kind)
	d.last[kind] = len(d.blocks) - 1
}

func (d *directory6) appendBlock(kind int) record {
	r := make(record, d.b.spec.Alignment)
	slots := d.b.slotsOf(kind)
	r.u16(0, 1)
	r.u16(2, uint16(kind))
	r.u16(4, uint16(min(slots, 0xFFFF)))
	r.u16(6, uint16(min(slots, 0xFFFF)))
	if kind != blockOfMap {
		for i := range slots {
			r[8+i/8] |= 1 << (i % 8)
		}
	}
	d.blocks = append(d.blocks, r)
	return r
}

// mapBlock says in the map what a block is.
func (d *directory6) mapBlock(n, kind int) {
	mapped := int(d.b.slotsOf(blockOfMap))
	m := d.blocks[n/mapped*mapped]
	at, nibble := blockHeader+n%mapped/2, byte(kind)
	if n%2 == 0 {
		m[at] = m[at]&0x0F | nibble<<4
	} else {
		m[at] = m[at]&0xF0 | nibble
	}
	if free := uint16(m[6]) | uint16(m[7])<<8; free > 0 {
		m.u16(6, free-1)
	}
}

// slot takes a slot in a block of a kind.
func (d *directory6) slot(kind int) place {
	if _, ok := d.last[kind]; !ok {
		d.block(kind)
	}
	for {
		r := d.blocks[d.last[kind]]
		if free := int64(r[6]) | int64(r[7])<<8; free > 0 {
			n := int(d.b.slotsOf(kind) - free)
			r.u16(6, uint16(free-1))
			r[8+n/8] &^= 1 << (n % 8)
			return place{d.last[kind], n}
		}
		d.block(kind)
	}
}

// free gives a slot back. The block is not filled up afterwards.
func (d *directory6) free(p place) {
	r := d.blocks[p.block]
	r[8+p.slot/8] |= 1 << (p.slot % 8)
	r.u16(6, (uint16(r[6])|uint16(r[7])<<8)+1)
}

// slotRecord is the bytes of a slot of so many.
func (d *directory6) slotRecord(p place, size int) record {
	at := blockHeader + p.slot*size
	return d.blocks[p.block][at : at+size]
}

// chain makes what the hash table has for an index: the one entry, or groups of links.
func (d *directory6) chain(index uint32, links []link) uint32 {
	if len(links) == 1 {
		return links[0].location
	}
	return d.groups(index, links)
}

// groups makes groups of links, each leading to the next.
func (d *directory6) groups(index uint32, links []link) uint32 {
	at := d.slot(blockOfLinks)
	used := min(len(links), linksPerGroup)
	var next uint32
	if used < len(links) {
		next = d.groups(index, links[used:])
	}
	d.group(at, index, links[:used], next)
	return at.location(blockOfLinks)
}

// group writes one group.
func (d *directory6) group(at place, index uint32, links []link, next uint32) {
	r := d.slotRecord(at, linkSize)
	r.u16(0, uint16(index))
	r.u8(2, linksPerGroup)
	r.u8(3, uint8(linksPerGroup-len(links)))
	r.u8(4, uint8(len(links)))
	for i, l := range links {
		r.u32(6+i*6, l.location)
		r.u16(10+i*6, l.hash)
	}
	r.u32(0x4E, next)
}
