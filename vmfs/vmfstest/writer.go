package vmfstest

import (
	"bytes"
	"fmt"
	"slices"
)

// writer writes the data of one file.
type writer struct {
	b    *builder
	n    *node
	d    *descriptor
	data []byte // nil: by the file's seed

	last   int64   // the block taken last
	chosen []int64 // blocks to take, where they were chosen before
}

// Bytes that are no file's: what a reader must not show.
const (
	slack = 0x5A // after a file's end, in its last block
	stale = 0xA5 // in blocks that are to be zeroed
)

// fill makes the contents at an offset of the file.
func (w *writer) fill(off int64, p []byte) {
	if w.data != nil {
		copy(p, w.data[off:])
		return
	}
	Contents(w.n.file.Seed, off, p)
}

// tail fills what is behind the file's end: with bytes that are no file's, and in a directory
// with the entries that were moved away.
func (w *writer) tail(p []byte) {
	filler := byte(slack)
	if w.n.file.Type == Directory {
		filler = 0
	}
	for i := copy(p, w.n.slack); i < len(p); i++ {
		p[i] = filler
	}
}

// blank reports whether there is nothing to write.
func (w *writer) blank() bool { return w.data == nil && w.n.file.Seed == 0 }

// subBlocks puts the file into sub-blocks.
func (w *writer) subBlocks() {
	r := w.b.of[toSubBlock]
	m := w.b.newMapper(w.d, 0, 0)
	for off := int64(0); off < w.d.length; off += r.size {
		n, err := r.take()
		if err != nil {
			w.b.fail(err)
			return
		}
		w.d.own(toSubBlock, n)
		w.d.blocks++
		m.set(off/r.size, w.b.address(toSubBlock, n))
		if w.n.file.Type == Directory {
			w.n.at = func(off int64) int64 { return r.file.logical(r.at(n)+off, w.b.blockSize) }
		}
		if !w.blank() {
			p := make([]byte, r.size)
			used := min(r.size, w.d.length-off)
			w.fill(off, p[:used])
			w.tail(p[used:])
			w.b.writeSystem(r.file, r.at(n), p)
		}
	}
}

// blocks puts the file into blocks, with pages of a kind above them.
func (w *writer) blocks(pages addressKind) {
	f, unit := w.n.file, w.d.blockSize
	pieces := slices.Clone(f.Map)
	if len(pieces) == 0 {
		pieces = []Piece{{Kind: Data}}
	}
	if f.Step < 0 {
		w.choose(pieces)
	}
	m := w.b.newMapper(w.d, levelsOf(w.d.zla), pages)
	end := (w.d.length + unit - 1) / unit
	next := int64(0)
	for _, p := range pieces {
		count := (p.Length + unit - 1) / unit
		if p.Length == 0 {
			count = end - next
		}
		if p.Kind == Data && unit == LargeBlock {
			p.Kind = Large
		}
		switch p.Kind {
		case Large:
			w.large(m, next, count)
		case Data, ToBeZeroed:
			for i := next; i < next+count && w.b.err == nil; i++ {
				w.block(m, i, p.Kind == ToBeZeroed)
			}
		}
		if p.Kind == Hole || p.Kind == ToBeZeroed {
			w.n.zeros = append(w.n.zeros, span{next * unit, (next + count) * unit})
		}
		next += count
	}
	if next < end {
		w.n.zeros = append(w.n.zeros, span{next * unit, end * unit})
	}
	m.close()
}

// block takes and writes the ith block.
func (w *writer) block(m *mapper, i int64, tbz bool) {
	b, unit := w.b, w.d.blockSize
	n := w.take()
	w.d.own(toBlock, n)
	w.d.blocks++
	address := b.address(toBlock, n)
	if tbz {
		address = b.toBeZeroed(address)
		w.d.tbz++
		if !w.blank() {
			b.write(n*unit, bytes.Repeat([]byte{stale}, sector))
		}
	} else {
		w.put(n*unit, i*unit, unit)
	}
	if i == 0 && w.n.file.Type == Directory {
		w.n.at = func(off int64) int64 { return n*unit + off }
	}
	m.set(i, address)
}

// put writes the file's data from off to a place in the volume, and what is behind its end.
// Both begin on a MiB.
func (w *writer) put(at, off, size int64) {
	if w.blank() {
		return
	}
	if w.b.buf == nil {
		w.b.buf = make([]byte, mebibyte)
	}
	for end := min(off+size, w.d.length); off < end; at, off = at+mebibyte, off+mebibyte {
		used := min(mebibyte, end-off)
		written := used
		if f := w.n.file; f.Written != 0 {
			written = min(written, f.Written)
		}
		w.fill(off, w.b.buf[:written])
		w.b.write(at, w.b.buf[:written])
		if used < mebibyte {
			rest := w.b.buf[used:min(mebibyte, used+page)]
			w.tail(rest)
			w.b.write(at+used, rest)
		}
	}
}

// take takes the next block, at the file's step from the last one.
func (w *writer) take() int64 {
	r := w.b.of[toBlock]
	if len(w.chosen) > 0 {
		n := w.chosen[0]
		w.chosen = w.chosen[1:]
		return n
	}
	if step := w.n.file.Step; step > 1 && w.last > 0 {
		if n, err := r.free(w.last + step); err == nil {
			r.mark(n)
			w.last = n
			return n
		}
	}
	n, err := r.take()
	if err != nil {
		w.b.fail(err)
	}
	w.last = n
	return n
}

// choose takes all blocks in advance, for a file that goes backwards.
func (w *writer) choose(pieces []Piece) {
	unit := w.d.blockSize
	end := (w.d.length + unit - 1) / unit
	var count int64
	for _, p := range pieces {
		if p.Length == 0 {
			p.Length = end * unit
		}
		if p.Kind == Data || p.Kind == ToBeZeroed {
			count += p.Length / unit
		}
	}
	var chosen []int64
	for range min(count, end) {
		chosen = append(chosen, w.b.takeBlock(w.last))
		w.last = chosen[len(chosen)-1] - w.n.file.Step
	}
	slices.Reverse(chosen)
	w.chosen = chosen
}

// large puts count units from the ith on into large blocks.
func (w *writer) large(m *mapper, i, count int64) {
	b, unit := w.b, w.d.blockSize
	per := LargeBlock / unit
	if !b.six() || i%per != 0 {
		b.fail(fmt.Errorf("%s: a large block at %d: on VMFS6, at multiples of its size", w.n.file.Path, i*unit))
		return
	}
	for end := i + count; i < end; i += per {
		n, err := b.takeLarge()
		if err != nil {
			b.fail(err)
			return
		}
		w.d.own(toLarge, n)
		w.d.large++
		w.put(n*LargeBlock, i*unit, LargeBlock)
		for j := i; j < min(end, i+per); j++ {
			w.d.blocks++
			m.set(j, b.address(toLarge, n))
		}
	}
}

// takeLarge takes the first large block with no small one in use.
func (b *builder) takeLarge() (int64, error) {
	small := b.of[toBlock]
	for ; (b.nextLarge+1)*small.perCluster <= small.total; b.nextLarge++ {
		first := b.nextLarge * small.perCluster
		if slices.IndexFunc(small.used[first/64:(first+small.perCluster)/64], func(w uint64) bool { return w != 0 }) < 0 {
			for i := range small.perCluster {
				small.mark(first + i)
			}
			return b.nextLarge, nil
		}
	}
	return 0, fmt.Errorf("none of the %d large blocks is free", b.of[toLarge].total)
}
