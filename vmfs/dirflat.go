package vmfs

// The directories of VMFS3 and 5 are entries of 140 bytes, one behind the other [V]. An entry
// may straddle two file blocks.

// flatPiece is how many bytes of a directory are looked at together: whole entries.
const flatPiece = 468 * narrowEntry

// flatEntries calls yield with the entries that are in use, until it returns false.
func (f *File) flatEntries(yield func(Entry) bool) error {
	var (
		c    cursor
		buf  scratch
		size = f.size - f.size%narrowEntry
	)
	for off := int64(0); off < size; off += flatPiece {
		b, err := f.view(&c, off, int(min(flatPiece, size-off)), &buf)
		if err != nil {
			return err
		}
		for ; len(b) > 0; b = b[narrowEntry:] {
			if e := Entry(b[:narrowEntry:narrowEntry]); e.Address() != 0 && !yield(e) {
				return nil
			}
		}
	}
	return nil
}
