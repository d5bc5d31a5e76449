package dmu

import "fmt"

// A batch is what a few records do to a volume, in order, with their data. Records that lie
// side by side are written at once.
type batch struct {
	pieces []piece
	packed []packing
	in     []byte     // compressed payloads
	out    []byte     // blocks
	cursor Cursor     // behind the last record
	ready  chan error // of unpack
	loan   *long      // what out is of while there is a long block in it
}

// A piece is something done to a part of a volume.
type piece struct {
	off, n int64
	at     int // of the block in out; -1: a hole
}

// A packing is a payload that is to be decompressed.
type packing struct {
	how     Compression
	lsize   int // that it decompresses to (bytes): embedded blocks are longer, with zeros behind
	in, inN int
	at, n   int // in out
	off     uint64
}

// A mark is how far a batch was filled.
type mark struct {
	pieces, packed, in, out int
	cursor                  Cursor
}

const (
	batchSize   = 1 << 20 // of blocks that are handed on at once (bytes)
	batchPieces = 4096
)

func newBatch() *batch { return &batch{ready: make(chan error, 1)} }

func (b *batch) reset() {
	b.pieces, b.packed, b.in, b.out, b.cursor = b.pieces[:0], b.packed[:0], b.in[:0], b.out[:0], Cursor{}
}

func (b *batch) mark() mark {
	return mark{len(b.pieces), len(b.packed), len(b.in), len(b.out), b.cursor}
}

// rewind drops what came behind m.
func (b *batch) rewind(m mark) {
	b.pieces, b.packed, b.in, b.out, b.cursor = b.pieces[:m.pieces], b.packed[:m.packed], b.in[:m.in], b.out[:m.out], m.cursor
}

func (b *batch) empty() bool { return len(b.pieces) == 0 && b.cursor == Cursor{} }

// A long is room for one block of more than batchSize. There is but one, whatever the number of
// batches.
type long struct{ out []byte }

// borrow gives the empty b the room of l, for a block of n bytes.
func (b *batch) borrow(l *long, n int) {
	if cap(l.out) < n {
		l.out = make([]byte, (n+batchSize-1)/batchSize*batchSize)
	}
	b.out, l.out = l.out[:0], b.out
	b.loan = l
}

// giveBack takes away from b what it has borrowed.
func (b *batch) giveBack() *long {
	l := b.loan
	b.out, l.out = l.out, b.out
	b.loan = nil
	return l
}

// room says whether b can take a block of n bytes, and in compressed ones.
func (b *batch) room(n, in int) bool {
	if b.out == nil && n > 0 && n <= batchSize {
		b.out = make([]byte, 0, batchSize)
	}
	if b.in == nil && in > 0 {
		b.in = make([]byte, 0, batchSize)
	}
	return len(b.pieces) < batchPieces && len(b.out)+n <= cap(b.out) && len(b.in)+in <= cap(b.in)
}

// hole adds zeros.
func (b *batch) hole(off, n uint64) {
	b.pieces = append(b.pieces, piece{off: int64(off), n: int64(n), at: -1})
}

// block adds a block of n bytes at off and returns the place for it.
func (b *batch) block(off uint64, n int) []byte {
	at := len(b.out)
	b.out = b.out[:at+n]
	b.pieces = append(b.pieces, piece{off: int64(off), n: int64(n), at: at})
	return b.out[at:]
}

// compressed adds a block of n bytes at off, of which payload decompresses to lsize.
func (b *batch) compressed(off uint64, n, lsize int, how Compression, payload []byte) {
	b.packed = append(b.packed, packing{how, lsize, len(b.in), len(payload), len(b.out), n, off})
	b.in = append(b.in, payload...)
	b.block(off, n)
}

// unpack decompresses the blocks of b.
func (b *batch) unpack(c *Codec) error {
	for _, p := range b.packed {
		if err := unpack(c, p.how, b.out[p.at:p.at+p.n], p.lsize, b.in[p.in:p.in+p.inN], p.off); err != nil {
			return err
		}
	}
	return nil
}

// unpack fills the block at off from a payload that decompresses to lsize bytes.
func unpack(c *Codec, how Compression, block []byte, lsize int, payload []byte, off uint64) error {
	clear(block[lsize:])
	if err := c.Decompress(how, block[:lsize], payload); err != nil {
		return fmt.Errorf("the block at byte %d of the volume: %w", off, err)
	}
	return nil
}

// write does to v what is in b.
func (b *batch) write(v Volume) error {
	for i := 0; i < len(b.pieces); {
		p := b.pieces[i]
		i++
		if p.at < 0 {
			if err := v.Punch(p.off, p.n); err != nil {
				return err
			}
			continue
		}
		for i < len(b.pieces) && b.pieces[i].at == p.at+int(p.n) && b.pieces[i].off == p.off+p.n {
			p.n += b.pieces[i].n
			i++
		}
		if _, err := v.WriteAt(b.out[p.at:p.at+int(p.n)], p.off); err != nil {
			return err
		}
	}
	return nil
}
