package vmfs

// The directories of VMFS6 are hash tables [C1, C2 where said]: a header of 64 KiB, and blocks
// as long as the metadata alignment. A reader that wants all entries needs no hashes: it looks
// at each block of entries that the allocation map has.

// A DirectoryHeader begins a directory of VMFS6.
//
//	0x00  u32 version
//	0x04  u32 entries, "." and ".." among them
//	0x08  u32 blocks; u32 allocation map blocks
//	0x10      allocation map blocks, 128 of u32 [C2]
//	0x3A8 u64 checksum; u64 its generation
//	0x3B8     entry of the directory itself
//	0x4D8     entry of its parent
//	0x5F8     hash table, 16001 of u32
type DirectoryHeader [0x10000]byte

const (
	directoryVersion      = 0xF50001
	directoryDebugVersion = 0xFDC001
	maxMaps               = 128
)

func (h *DirectoryHeader) Version() uint32 { return u32(h[:], 0x00) }
func (h *DirectoryHeader) Entries() uint32 { return u32(h[:], 0x04) }
func (h *DirectoryHeader) Blocks() uint32  { return u32(h[:], 0x08) }
func (h *DirectoryHeader) Maps() int       { return int(u32(h[:], 0x0C)) }
func (h *DirectoryHeader) Map(i int) int64 { return int64(u32(h[:], 0x10+4*i)) }
func (h *DirectoryHeader) Self() Entry     { return Entry(h[0x3B8 : 0x3B8+wideEntry]) }
func (h *DirectoryHeader) Parent() Entry   { return Entry(h[0x4D8 : 0x4D8+wideEntry]) }

// A DirectoryBlock is a block of entries, of links or of the allocation map: a header of 64
// bytes, and what it says.
//
//	0x00 u16 version; u16 type: 1 entries, 2 links, 3 allocation map
//	0x04 u16 slots; u16 of them free
//	0x08     bitmap, 0 = in use
type DirectoryBlock []byte

const (
	directoryBlockHeader = 64
	entriesBlock         = 1
	mapBlock             = 3
)

func (b DirectoryBlock) Type() uint16 { return u16(b, 2) }

// Slots is how many entries the block has, as far as there is room.
func (b DirectoryBlock) Slots() int {
	return min(int(u16(b, 4)), (len(b)-directoryBlockHeader)/wideEntry)
}

// Entry is the entry in a slot; nil when it is free.
func (b DirectoryBlock) Entry(slot int) Entry {
	if slot >= 56*8 || b[8+slot/8]>>(slot%8)&1 == 1 {
		return nil
	}
	at := directoryBlockHeader + slot*wideEntry
	return Entry(b[at : at+wideEntry])
}

// State is what an allocation map says of block i of those that it covers, in four bits: the
// type in the lower two, then free, and not written. The higher half of a byte comes first
// [C2].
func (b DirectoryBlock) State(i int) byte {
	v := b[directoryBlockHeader+i/2]
	if i%2 == 0 {
		return v >> 4
	}
	return v & 0xF
}

// hashedEntries calls yield with the entries of the directory, whose data goes to size, until
// it returns false.
func (f *File) hashedEntries(size int64, yield func(Entry) bool) error {
	var (
		c         cursor
		head      scratch
		mapBuf    scratch
		blockBuf  scratch
		blockSize = f.v.sb.MetadataAlignment()
	)
	b, err := f.view(&c, 0, len(DirectoryHeader{}), &head)
	if err != nil {
		return err
	}
	h := (*DirectoryHeader)(b)
	if v := h.Version(); v != directoryVersion && v != directoryDebugVersion {
		return f.damaged("its data is no directory: version %#x", v)
	}
	if h.Maps() > maxMaps {
		return f.damaged("a directory with %d allocation maps", h.Maps())
	}
	if !yield(h.Self()) || !yield(h.Parent()) {
		return nil
	}
	blocks := (size - int64(len(h))) / blockSize
	perMap := 2*blockSize - 2*directoryBlockHeader
	for m := range h.Maps() {
		at := h.Map(m)
		if at >= blocks {
			continue
		}
		if b, err = f.view(&c, int64(len(h))+at*blockSize, int(blockSize), &mapBuf); err != nil {
			return err
		}
		table := DirectoryBlock(b)
		if table.Type() != mapBlock {
			return f.damaged("block %d of the directory is no allocation map", at)
		}
		for i := range min(perMap, blocks-int64(m)*perMap) {
			if table.State(int(i)) != entriesBlock {
				continue
			}
			if b, err = f.view(&c, int64(len(h))+(int64(m)*perMap+i)*blockSize, int(blockSize), &blockBuf); err != nil {
				return err
			}
			block := DirectoryBlock(b)
			if block.Type() != entriesBlock {
				continue
			}
			for slot := range block.Slots() {
				if e := block.Entry(slot); e != nil && e.Address() != 0 && !yield(e) {
					return nil
				}
			}
		}
	}
	return nil
}
