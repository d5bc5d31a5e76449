package dmu

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
)

// ErrDiffers is the kind of what Compare finds.
var ErrDiffers = errors.New("the volume is not what the stream says")

// comparedSize is how much of the volume is read at once (bytes).
const comparedSize = 256 << 10

// Compare reads a stream of one substream, which was applied to v just now, and holds the bytes
// of v against every block and every hole of it. size is the length of the volume.
func Compare(ctx context.Context, v io.ReaderAt, size uint64, in io.Reader) error {
	c := comparison{v: v, size: size, tail: size, zeros: make([]byte, comparedSize)}
	for r := NewReader(in, Options{}); ; {
		rec, err := r.Next()
		if err == nil {
			err = ctx.Err()
		}
		if err == nil {
			err = c.look(rec, r.Payload())
		}
		if errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
	}
}

// A comparison is a Compare under way.
type comparison struct {
	v        io.ReaderAt
	size     uint64
	full     bool
	at       uint64 // behind the last block
	tail     uint64 // nothing is behind it but blocks that come later
	codec    Codec
	got, has []byte
	zeros    []byte
}

func (c *comparison) look(rec *Record, payload []byte) error {
	switch rec.Type() {
	case TypeBegin:
		c.full = rec.Begin().FromGUID() == 0 && !rec.Begin().Features().Has(FeatureResuming)
	case TypeWrite:
		if w := rec.Write(); w.Object() == ZvolData {
			return c.block(w.Offset(), w.LogicalSize(), w.LogicalSize(), w.Compression(), payload)
		}
	case TypeWriteEmbedded:
		if w := rec.WriteEmbedded(); w.Object() == ZvolData {
			return c.block(w.Offset(), w.Length(), uint64(w.LogicalSize()), w.Compression(), payload[:w.PhysicalSize()])
		}
	case TypeFree:
		switch f := rec.Free(); {
		case f.Object() != ZvolData:
		case f.Length() == ToEnd:
			c.tail = f.Offset()
		case !c.full:
			return c.hole(f.Offset(), f.Offset()+f.Length())
		}
	case TypeEnd:
		if c.full {
			c.tail = c.at
		}
		return c.hole(max(c.tail, c.at), c.size)
	}
	return nil
}

// block compares the block of n bytes at off, of which payload has lsize.
func (c *comparison) block(off, n, lsize uint64, how Compression, payload []byte) error {
	if c.full {
		if err := c.hole(c.at, off); err != nil {
			return err
		}
	}
	c.at = off + n
	if how == CompressionZstd && len(payload) > longFrame {
		return c.longZstd(off, lsize, payload)
	}
	want := payload
	if how != CompressionNone {
		c.has = grown(c.has, int(n))
		clear(c.has[lsize:])
		if err := c.codec.Decompress(how, c.has[:lsize], payload); err != nil {
			return err
		}
		want = c.has
	}
	return c.holds(off, want)
}

// longZstd compares a block of n bytes without having all of it in memory: the decoder's window,
// which other compressions do not have, would not fit beside it.
func (c *comparison) longZstd(off, n uint64, payload []byte) error {
	block, err := c.codec.openZstd(payload)
	if err != nil {
		return err
	}
	for end := off + n; off < end; off += uint64(len(c.has)) {
		c.has = grown(c.has, int(min(end-off, comparedSize)))
		if _, err := io.ReadFull(block, c.has); err != nil {
			return fmt.Errorf("%w: %w", errShort, err)
		}
		if err := c.holds(off, c.has); err != nil {
			return err
		}
	}
	return ended(block)
}

// holds sees to it that want is at off.
func (c *comparison) holds(off uint64, want []byte) error {
	for len(want) > 0 {
		if err := c.read(off, min(len(want), comparedSize)); err != nil {
			return err
		}
		if !bytes.Equal(c.got, want[:len(c.got)]) {
			return fmt.Errorf("%w: the %d bytes at %d are not those of a block", ErrDiffers, len(c.got), off)
		}
		off, want = off+uint64(len(c.got)), want[len(c.got):]
	}
	return nil
}

// hole sees to it that what is from from to to, and in the volume, is zeros.
func (c *comparison) hole(from, to uint64) error {
	for to = min(to, c.size); from < to; from += uint64(len(c.got)) {
		if err := c.read(from, int(min(to-from, comparedSize))); err != nil {
			return err
		}
		if !bytes.Equal(c.got, c.zeros[:len(c.got)]) {
			return fmt.Errorf("%w: there is no hole in the %d bytes at %d", ErrDiffers, len(c.got), from)
		}
	}
	return nil
}

func (c *comparison) read(off uint64, n int) error {
	c.got = grown(c.got, n)
	if _, err := c.v.ReadAt(c.got, int64(off)); err != nil {
		return fmt.Errorf("reading %d bytes at %d of the volume back: %w", n, off, err)
	}
	return nil
}
