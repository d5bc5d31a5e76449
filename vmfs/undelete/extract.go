package undelete

import (
	"bytes"
	"context"
	"io"
)

// A Report says what was extracted.
type Report struct {
	Written int64   // bytes
	Blank   int64   // bytes that were read and are zeros, which may have been given back to the disk
	Pieces  []Piece // as those of the candidate, but Lost where the volume could not be read
}

// grain is what is looked at for zeros, which are not written.
const grain = 4096

// Extract writes what is left of the candidate to w, which reads as zeros where nothing is
// written. What is reused or lost is left out. progress, which may be nil, hears of how many bytes
// are done. A failure to read is in the report; one to write ends it, and so does ctx.
func (c *Candidate) Extract(ctx context.Context, w io.WriterAt, progress func(done int64)) (Report, error) {
	var (
		r   Report
		buf = make([]byte, 1<<20)
	)
	for _, p := range c.Pieces {
		if p.Status == Zeros || !p.Status.Readable() {
			r.Pieces = join(r.Pieces, p)
			continue
		}
		for at := int64(0); at < p.Length; {
			if ctx.Err() != nil {
				return r, ctx.Err()
			}
			part := p
			part.Offset, part.Physical, part.Length = p.Offset+at, p.Physical+at, min(p.Length-at, int64(len(buf)))
			at += part.Length
			b := buf[:part.Length]
			if err := c.read(b, part); err != nil {
				part.Status = Lost
			} else if err := r.write(w, b, part.Offset); err != nil {
				return r, err
			}
			r.Pieces = join(r.Pieces, part)
			if progress != nil {
				progress(part.Offset + part.Length)
			}
		}
	}
	return r, nil
}

// read reads a piece, or a part of one.
func (c *Candidate) read(b []byte, p Piece) error {
	if p.Status == Stored {
		copy(b, c.contents[p.Offset:])
		return nil
	}
	return c.v.ReadExtent(b, p.Extent)
}

// write writes what is not zeros.
func (r *Report) write(w io.WriterAt, b []byte, off int64) error {
	for len(b) > 0 {
		zeros, n := isZero(b[:min(grain, len(b))]), min(grain, len(b))
		for n < len(b) && isZero(b[n:min(n+grain, len(b))]) == zeros {
			n = min(n+grain, len(b))
		}
		if zeros {
			r.Blank += int64(n)
		} else {
			written, err := w.WriteAt(b[:n], off)
			r.Written += int64(written)
			if err != nil {
				return err
			}
			if written < n {
				return io.ErrShortWrite
			}
		}
		b, off = b[n:], off+int64(n)
	}
	return nil
}

var zeroGrain [grain]byte

func isZero(b []byte) bool { return bytes.Equal(b, zeroGrain[:len(b)]) }
