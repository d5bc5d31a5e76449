package backup

import (
	"bytes"
	"context"
	"fmt"
	"io"

	"github.com/lunarsan/lunar/vmfs"
)

// A source is a part as it is on the volume now.
type source struct {
	Part
	volatile bool // hosts write to it all the time, and it does not have to be stable
	write    func(ctx context.Context, w io.Writer) error
}

// piece is how much is read at a time.
const piece = 1 << 20

// ranges is a source of bytes that are in ranges of the members.
func ranges(v *vmfs.Volume, p Part) *source {
	p.Size = sum(p.Ranges)
	s := &source{Part: p}
	s.write = func(ctx context.Context, w io.Writer) error {
		buf := make([]byte, min(piece, s.Size))
		for _, r := range s.Ranges {
			if err := copyRange(ctx, w, v, r, s.OnDevice, buf); err != nil {
				return fmt.Errorf("reading %s: %w", s.Name, err)
			}
		}
		return nil
	}
	return s
}

// copyRange writes the bytes of a range to w; buf is to read into.
func copyRange(ctx context.Context, w io.Writer, v *vmfs.Volume, r Range, onDevice bool, buf []byte) error {
	for done := int64(0); done < r.Length; {
		if err := ctx.Err(); err != nil {
			return err
		}
		b := buf[:min(int64(len(buf)), r.Length-done)]
		var err error
		switch {
		case r.Member < 0:
			clear(b)
		case onDevice:
			d := v.Members[r.Member].Device()
			if n, e := d.ReadAt(b, r.Offset+done); n < len(b) {
				err = fmt.Errorf("reading %d bytes at %#x of %s: %w", len(b), r.Offset+done, d.Name, e)
			}
		default:
			_, err = v.Members[r.Member].ReadAt(b, r.Offset+done)
		}
		if err != nil {
			return &readError{err}
		}
		if _, err := w.Write(b); err != nil {
			return err
		}
		done += int64(len(b))
	}
	return nil
}

// A readError is one of the volume, not of the backup.
type readError struct{ error }

// Unwrap is what went wrong.
func (e *readError) Unwrap() error { return e.error }

// content is a source of bytes that were read already.
func content(p Part, b []byte) *source {
	p.Size = int64(len(b))
	return &source{Part: p, write: func(_ context.Context, w io.Writer) error {
		_, err := io.Copy(w, bytes.NewReader(b))
		return err
	}}
}

// logical is where a piece of the logical volume is.
func logical(v *vmfs.Volume, l, n int64) (list []Range) {
	for n > 0 {
		m, physical, whole := v.Locate(l)
		if whole = min(whole, n); whole <= 0 {
			return append(list, Range{-1, 0, n})
		}
		list = appendRange(list, Range{m, physical, whole})
		l, n = l+whole, n-whole
	}
	return list
}

// appendRange appends r, or makes the last range longer.
func appendRange(list []Range, r Range) []Range {
	if r.Member < 0 {
		r = Range{-1, 0, r.Length}
	}
	if k := len(list); k > 0 && list[k-1].Member == r.Member && (r.Member < 0 || list[k-1].Offset+list[k-1].Length == r.Offset) {
		list[k-1].Length += r.Length
		return list
	}
	return append(list, r)
}
