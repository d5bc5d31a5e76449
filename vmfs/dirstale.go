package vmfs

import "iter"

// Stale yields what is left of the entries of a directory that are in use no more, in the order
// in which they are stored: those without an address or with a free slot, and those behind the
// end, where the last entry was moved from [I, what ESXi leaves is not known]. An entry is good
// until the next; its address is 0 where that was cleared. What cannot be read is left out.
func (f *File) Stale() iter.Seq[Entry] {
	return func(yield func(Entry) bool) {
		switch size := f.reach(); {
		case !f.d.IsDir() || size > maxDirectory:
		case f.d.wide():
			f.staleHashed(size, yield)
		default:
			f.staleFlat(size, yield)
		}
	}
}

// plausible tells an entry from other bytes: a type, and a name that could be one.
func (e Entry) plausible() bool {
	name := e.Bytes()
	if e.Type() < Directory || e.Type() > RDM || len(name) == 0 || e.Dots() || e.Address() != 0 && !e.Address().Valid() {
		return false
	}
	for _, c := range name {
		if c < ' ' || c == '/' || c == 0x7F {
			return false
		}
	}
	return true
}

func (f *File) staleFlat(size int64, yield func(Entry) bool) {
	entry := make(Entry, narrowEntry)
	for off := int64(0); off+narrowEntry <= size; off += narrowEntry {
		if f.read(entry, off) != nil || !entry.plausible() {
			continue
		}
		if (off >= f.size || entry.Address() == 0) && !yield(entry) {
			return
		}
	}
}

func (f *File) staleHashed(size int64, yield func(Entry) bool) {
	blockSize := f.v.sb.MetadataAlignment()
	b := make(DirectoryBlock, blockSize)
	for off := int64(len(DirectoryHeader{})); off+blockSize <= size; off += blockSize {
		if f.read(b, off) != nil || b.Type() != entriesBlock {
			continue
		}
		for slot := range b.Slots() {
			if b.Entry(slot) != nil {
				continue
			}
			at := directoryBlockHeader + slot*wideEntry
			if e := Entry(b[at : at+wideEntry]); e.plausible() && !yield(e) {
				return
			}
		}
	}
}
