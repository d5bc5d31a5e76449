package vmfs

import (
	"fmt"
	"io/fs"
	"iter"
)

// maxDirectory bounds a directory: a million entries of the larger kind, and more.
const maxDirectory = 1 << 30

// An Entry is an entry of a directory. Its length tells the layout.
//
//	           VMFS3, 5 [V]   VMFS6 [C1/C2]
//	0x00 u32   type           type
//	0x04 u32   address of the descriptor, 0 for none; in both
//	0x08 u32   generation, as in the descriptor; in both
//	0x0C       name, 128      u16 index and u16 rest of its hash; u64 offset
//	0x18                      name, 256
type Entry []byte

const (
	narrowEntry = 140
	wideEntry   = 0x120
)

func (e Entry) Type() Type         { return Type(u32(e, 0x00)) }
func (e Entry) Address() FDAddress { return FDAddress(u32(e, 0x04)) }
func (e Entry) Generation() uint32 { return u32(e, 0x08) }

// Bytes is the name where it is, which is good until the next entry.
func (e Entry) Bytes() []byte {
	if len(e) == narrowEntry {
		return text(e[0x0C:])
	}
	return text(e[0x18 : 0x18+256])
}

// Name is the name.
func (e Entry) Name() string { return string(e.Bytes()) }

// Dots reports the entries "." and "..".
func (e Entry) Dots() bool {
	name := e.Bytes()
	return string(name) == "." || string(name) == ".."
}

// Entries yields the entries of a directory, "." and ".." among them, in the order in which
// they are stored. An entry is good until the next. An error ends it.
func (f *File) Entries() iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		var err error
		switch size := f.reach(); {
		case !f.d.IsDir():
			err = &fs.PathError{Op: "list", Path: f.name, Err: fmt.Errorf("it is a %s, not a directory", f.Type())}
		case size > maxDirectory:
			err = f.damaged("a directory of %d bytes", size)
		case f.d.wide():
			err = f.hashedEntries(size, func(e Entry) bool { return yield(e, nil) })
		default:
			err = f.flatEntries(func(e Entry) bool { return yield(e, nil) })
		}
		if err != nil {
			yield(nil, err)
		}
	}
}

// reach is how far the data of a directory may go: entries may lie behind its length in blocks
// that it has [C1].
func (f *File) reach() int64 {
	if f.blockSize == 0 || f.d.Blocks() > maxFileSize/f.blockSize {
		return f.size
	}
	return min(f.capacity, max(f.size, f.d.Blocks()*f.blockSize))
}

// view returns n bytes of the file at off, in place when they lie so.
func (f *File) view(c *cursor, off int64, n int, buf *scratch) ([]byte, error) {
	if p, err := f.place(c, off); err == nil && p.length >= int64(n) && p.kind != Hole && p.kind != ToBeZeroed {
		return f.v.view(p.logical, n, buf)
	}
	b := buf.take(n)
	return b, f.read(b, off)
}
