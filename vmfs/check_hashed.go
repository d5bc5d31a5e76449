package vmfs

import "fmt"

// linksBlock is the type of a block of links, which hash values lead through to entries.
const (
	linksBlock = 2
	linkGroup  = 0x54
)

// hashedDirectory checks what a directory of VMFS6 says of itself: count entries were read
// from it.
func (c *checker) hashedDirectory(f *File, self FDAddress, path string, count uint32) {
	d := hashedDir{c: c, f: f, size: f.v.sb.MetadataAlignment(), self: self, path: path}
	b, err := f.view(&d.cursor, 0, len(DirectoryHeader{}), &d.headBuf)
	if err != nil {
		return // which its entries have told
	}
	d.head = (*DirectoryHeader)(b)
	if d.head.Entries() != count {
		c.inDirectory(FaultDirectoryCount, self, path, "it has %d entries, and says %d", count, d.head.Entries())
	}
	blocks := (f.reach() - int64(len(d.head))) / d.size
	perMap := 2*d.size - 2*directoryBlockHeader
	for n := range min(blocks, int64(d.head.Maps())*perMap) {
		d.block(n, n/perMap, int(n%perMap))
	}
}

// hashedDir is a directory of VMFS6 that is being checked.
type hashedDir struct {
	c    *checker
	f    *File
	head *DirectoryHeader
	size int64 // of a block
	self FDAddress
	path string

	cursor                              cursor
	headBuf, mapBuf, blockBuf, groupBuf scratch
}

// at returns block n.
func (d *hashedDir) at(n int64, buf *scratch) (DirectoryBlock, error) {
	b, err := d.f.view(&d.cursor, int64(len(d.head))+n*d.size, int(d.size), buf)
	return DirectoryBlock(b), err
}

// block checks block n, which an allocation map has as its ith.
func (d *hashedDir) block(n, m int64, i int) {
	table, err := d.at(d.head.Map(int(m)), &d.mapBuf)
	if err != nil || table.Type() != mapBlock {
		return // which the entries have told
	}
	kind := table.State(i) & 3
	if kind == 0 {
		return
	}
	b, err := d.at(n, &d.blockBuf)
	if err != nil {
		return
	}
	if b.Type() != uint16(kind) {
		d.c.inDirectory(FaultDirectoryCount, d.self, d.path, "block %d is of type %d, and the map says %d", n, b.Type(), kind)
		return
	}
	if kind == mapBlock {
		return
	}
	free := 0
	slots := min(int(u16(b, 4)), 56*8)
	for s := range slots {
		free += int(b[8+s/8] >> (s % 8) & 1)
	}
	if free != int(u16(b, 6)) {
		d.c.inDirectory(FaultDirectoryCount, d.self, d.path, "block %d has %d free slots, and says %d", n, free, u16(b, 6))
	}
	if kind != entriesBlock {
		return
	}
	for slot := range b.Slots() {
		if e := b.Entry(slot); e != nil && e.Address() != 0 {
			d.lookup(e, n, slot)
		}
	}
}

// lookup looks for an entry as ESXi would, by the hash of its name [C1].
func (d *hashedDir) lookup(e Entry, block int64, slot int) {
	hash, index := nameHash(e.Bytes(), d.self == RootSlot.Address())
	location := u32(d.head[:], 0x5F8+4*int(index))
	for range 1 << 12 {
		kind, n, s := location&3, int64(location>>2&0x3FFFFF), int(location>>24)
		switch {
		case kind == entriesBlock && n == block && s == slot:
			d.c.hashed++
			return
		case kind == linksBlock:
			if next, ok := d.follow(n, s, index, hash, block, slot); ok {
				location = next
				continue
			}
		}
		break
	}
	d.c.unhashed = append(d.c.unhashed[:min(len(d.c.unhashed), maxFindings)], Finding{
		Fault: FaultDirectoryHash, Where: fmt.Sprintf("%s (descriptor %s)", d.path, d.self),
		What: fmt.Sprintf("%q, hash %#04x at %d, is not found", e.Bytes(), hash, index),
	})
}

// follow goes through a group of links: to the entry if it is there, else to the next group.
func (d *hashedDir) follow(n int64, slot int, index uint32, hash uint16, block int64, want int) (uint32, bool) {
	if b, err := d.at(n, &d.groupBuf); err == nil && b.Type() == linksBlock && directoryBlockHeader+(slot+1)*linkGroup <= len(b) {
		g := b[directoryBlockHeader+slot*linkGroup:][:linkGroup]
		if uint32(u16(g, 0)) != index || g[2] > 12 || g[3] > g[2] {
			return 0, false
		}
		for i := range int(g[2] - g[3]) {
			location := u32(g, 6+i*6)
			if u16(g, 10+i*6) == hash && location == uint32(entriesBlock)|uint32(block)<<2|uint32(want)<<24 {
				return location, true
			}
		}
		return u32(g, 0x4E), true
	}
	return 0, false
}

// judgeHashes adds what was not found by its hash: unless nothing was, for then it is the hash
// that is not understood.
func (c *checker) judgeHashes() {
	if c.hashed == 0 && len(c.unhashed) > 0 {
		c.report.NotChecked = append(c.report.NotChecked, "whether names are found by their hash: none is, as it is known here")
		return
	}
	for _, f := range c.unhashed {
		c.add(f)
	}
}
