package vmfs

import "iter"

// A Block is something that a file owns: a block, a sub-block or a pointer block.
type Block struct {
	Offset  int64 // in the file, of the data that it holds or leads to
	Level   int   // 0 for data, 1 for a pointer block that points to data, 2 for one above
	Raw     uint64
	Address Address
	Length  int64 // in the file, of the data that it holds or leads to
}

// Blocks yields all that the addresses of the file own, those beyond the file's length too. A
// pointer block comes before what it points to; one that cannot be read is yielded twice, the
// second time with the error, and what it pointed to is left out. A large block that fills
// several places of the file is yielded for each.
func (f *File) Blocks() iter.Seq2[Block, error] {
	return func(yield func(Block, error) bool) {
		if f.capacity == 0 || f.d.ZLA() == InPlace || f.Type() == RDM {
			return
		}
		w := blockWalk{f: f, yield: yield}
		array, width := f.d.addresses()
		w.array(array, width, 0, f.levels)
	}
}

type blockWalk struct {
	f     *File
	c     cursor
	yield func(Block, error) bool
}

// array walks addresses that lead to the file from off on; false ends the walk.
func (w *blockWalk) array(array []byte, width int, off int64, level int) bool {
	span := w.f.blockSize
	for range level {
		span *= w.f.fan
	}
	for i := range int64(len(array) / width) {
		raw := entry(array, i, width)
		if raw == 0 || off+i*span >= w.f.capacity {
			continue
		}
		b := Block{off + i*span, level, raw, w.f.v.sb.Decode(raw), span}
		if !w.yield(b, nil) {
			return false
		}
		if level == 0 {
			continue
		}
		page, err := w.f.page(&w.c, level-1, raw)
		if err != nil {
			if !w.yield(b, err) {
				return false
			}
			continue
		}
		if !w.array(page, width, b.Offset, level-1) {
			return false
		}
	}
	return true
}
