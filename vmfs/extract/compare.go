package extract

import (
	"bytes"
	"context"
	"fmt"
	"io"

	"github.com/lunarsan/lunar/vmfs"
)

// Compare reads a copy and its source and returns an error that says where they differ. A
// copy that can say where it has holes is not read there; one that is longer is not looked at
// behind the source's end.
func Compare(ctx context.Context, copied io.ReaderAt, src Source, o Options) error {
	return o.run(ctx, src, func() func(vmfs.Span) error {
		want, got := make([]byte, pieceLen), make([]byte, pieceLen)
		return func(s vmfs.Span) error {
			if s.Zero {
				return checkZeros(copied, s, got)
			}
			if n, err := src.ReadAt(want[:s.Length], s.Offset); n < int(s.Length) {
				return err
			}
			return same(copied, want[:s.Length], got[:s.Length], s.Offset)
		}
	})
}

// A sparse copy knows where it has holes.
type sparse interface {
	// Data finds the first data in a range; n is 0 when there is none.
	Data(from, to int64) (off, n int64, err error)
}

// checkZeros reads what is to be zeros.
func checkZeros(copied io.ReaderAt, s vmfs.Span, buf []byte) error {
	for off, end := s.Offset, s.Offset+s.Length; off < end; {
		n := end - off
		if c, ok := copied.(sparse); ok {
			var err error
			if off, n, err = c.Data(off, end); err != nil || n == 0 {
				return err
			}
		}
		for n > 0 {
			part := min(n, blockLen)
			if err := same(copied, zeros[:part], buf[:part], off); err != nil {
				return err
			}
			off, n = off+part, n-part
		}
	}
	return nil
}

// same reads what is at off and compares it.
func same(copied io.ReaderAt, want, got []byte, off int64) error {
	if n, err := copied.ReadAt(got, off); n < len(got) {
		return fmt.Errorf("reading the copy at %d: %w", off, err)
	}
	if bytes.Equal(want, got) {
		return nil
	}
	i := 0
	for want[i] == got[i] {
		i++
	}
	return fmt.Errorf("the copy differs at %d: %#x, not %#x", off+int64(i), got[i], want[i])
}
