package dmu

import (
	"bytes"
	"errors"
	"fmt"
)

// A portion is a span on its way: read, held against what it was, and compressed by a worker.
type portion struct {
	span
	now     []byte
	was     []byte // at most portionSize of it, from wasAt on
	wasAt   int64
	packed  []byte
	changed []change
	err     error
	ready   chan struct{} // takes one when the portion is done
}

// A change is what the stream says of a range: that it is a hole, or a block of payload.
type change struct {
	off, n  int64
	payload []byte // nil: a hole
	how     Compression
}

// A worker does portions, one at a time.
type worker struct {
	now     Source
	was     Source // nil: not there
	wasSize int64
	block   int64
	how     Compression
	level   int
	codec   Codec
}

// do fills p.changed.
func (w *worker) do(p *portion) {
	p.changed = p.changed[:0]
	if p.hole {
		p.changed = append(p.changed, change{off: p.off, n: p.n})
		return
	}
	p.err = w.read(p)
	for at := int64(0); at < p.n && p.err == nil; at += w.block {
		now := p.now[at:][:w.block]
		same, err := w.same(p, p.off+at, now)
		switch {
		case err != nil:
			p.err = err
		case same:
		case zero(now):
			p.free(p.off+at, w.block)
		default:
			p.err = w.pack(p, p.off+at, now)
		}
	}
}

// read reads what is at the span.
func (w *worker) read(p *portion) error {
	p.now = grown(p.now, int(p.n))
	if w.how.Needs() != 0 { // room for what does not get shorter too
		p.packed = grown(p.packed, int(p.n+p.n/64)+4*sector)
	}
	p.packed, p.was, p.wasAt = p.packed[:0], p.was[:0], p.off
	_, err := w.now.ReadAt(p.now, p.off)
	return err
}

// same says whether the block at off is what it was. Of what was there is a piece in memory, of a
// long block not all at once.
func (w *worker) same(p *portion, off int64, block []byte) (bool, error) {
	if w.was == nil || off+w.block > w.wasSize {
		return false, nil
	}
	for len(block) > 0 {
		if off >= p.wasAt+int64(len(p.was)) {
			p.was, p.wasAt = grown(p.was, int(min(portionSize, p.off+p.n-off, w.wasSize-off))), off
			if _, err := w.was.ReadAt(p.was, off); err != nil {
				return false, err
			}
		}
		was := p.was[off-p.wasAt:]
		n := min(len(block), len(was))
		if !bytes.Equal(block[:n], was[:n]) {
			return false, nil
		}
		block, off = block[n:], off+int64(n)
	}
	return true, nil
}

// free adds a hole, or makes the last one longer.
func (p *portion) free(off, n int64) {
	if last := len(p.changed) - 1; last >= 0 && p.changed[last].payload == nil && p.changed[last].off+p.changed[last].n == off {
		p.changed[last].n += n
		return
	}
	p.changed = append(p.changed, change{off: off, n: n})
}

// pack adds a block, compressed if it gets shorter.
func (w *worker) pack(p *portion, off int64, block []byte) error {
	c := change{off: off, n: w.block, payload: block}
	if w.how.Needs() != 0 {
		at := len(p.packed)
		packed, err := w.codec.Compress(w.how, w.level, p.packed, block)
		switch {
		case errors.Is(err, ErrIncompressible):
		case err != nil:
			return fmt.Errorf("the block at byte %d: %w", off, err)
		default:
			p.packed, c.payload, c.how = packed, packed[at:], w.how
		}
	}
	p.changed = append(p.changed, c)
	return nil
}

// zero says whether p is nothing but zeros.
func zero(p []byte) bool { return p[0] == 0 && bytes.Equal(p[1:], p[:len(p)-1]) }
