package dmu

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

// TestReadAhead looks at windows of all lengths, across chunks and longer than they are.
func TestReadAhead(t *testing.T) {
	for _, size := range []int{0, 1, 1000, aheadSize - 1, aheadSize, aheadSize + 1, 7*aheadSize + 5} {
		data := noise(size)
		for _, step := range []int{312, 8192 + 312, 1 << 19, 2*aheadSize + 17} {
			a := NewReadAhead(bytes.NewReader(data))
			for at := 0; ; at += step {
				w, err := a.Window(int64(at), step)
				want := data[min(at, size):]
				if err != nil || len(w) < min(step, len(want)) || !bytes.Equal(w, want[:len(w)]) {
					t.Fatalf("%d bytes by %d: at %d there are %d, %v", size, step, at, len(w), err)
				}
				// A window may be asked for again, with more in it.
				w = want[:len(w)]
				if again, err := a.Window(int64(at), step+100); err != nil || !bytes.HasPrefix(again, w[:min(step, len(w))]) {
					t.Fatalf("%d bytes by %d: at %d again there are %d, %v", size, step, at, len(again), err)
				}
				if at >= size {
					break
				}
			}
			a.Close()
		}
		if size > aheadSize/every+1 {
			continue // it reads byte by byte
		}
		a := NewReadAhead(bytes.NewReader(data))
		if err := iotest.TestReader(a, data); err != nil {
			t.Errorf("%d bytes: %v", size, err)
		}
		a.Close()
	}
}

// failing fails from an offset on.
type failing struct {
	io.ReaderAt
	from int64
	err  error
}

func (f failing) ReadAt(p []byte, at int64) (int, error) {
	if at+int64(len(p)) > f.from {
		n, _ := f.ReaderAt.ReadAt(p[:max(0, f.from-at)], at)
		return n, f.err
	}
	return f.ReaderAt.ReadAt(p, at)
}

// TestReadAheadErrors: what is in front of an error can be looked at, and the error is told.
func TestReadAheadErrors(t *testing.T) {
	broken := errors.New("the disk is on fire")
	a := NewReadAhead(failing{bytes.NewReader(noise(5 * aheadSize)), 2*aheadSize + 100, broken})
	if _, err := a.Window(aheadSize, 4096); err != nil {
		t.Error(err)
	}
	if _, err := a.Window(2*aheadSize, 4096); !errors.Is(err, broken) {
		t.Errorf("at the error there is %v", err)
	}
	a.Close()

	// Nobody looks: Close ends it all the same.
	NewReadAhead(bytes.NewReader(noise(9 * aheadSize))).Close()
}

// TestReadAheadStream reads a stream longer than a chunk.
func TestReadAheadStream(t *testing.T) {
	s := newSample(t, orders[0]).begin("a", 0, 0xa1, FeatureLargeBlocks).object(ZvolData, ObjectZvol, 512<<10)
	for i := range uint64(10) {
		s.write(ZvolData, i<<19, noise(512<<10), CompressionNone)
	}
	stream := s.size(16 << 20).end().bytes()
	a := NewReadAhead(bytes.NewReader(stream))
	defer a.Close()
	if n, err := drain(a, Options{}); n != 17 || err != nil {
		t.Errorf("%d records, %v", n, err)
	}
	cut := NewReadAhead(strings.NewReader(string(stream[:3<<20])))
	defer cut.Close()
	if _, err := drain(cut, Options{}); !errors.Is(err, ErrTruncated) {
		t.Errorf("cut: %v", err)
	}
}

// TestReadAheadSums: what was summed where it was read is what it is by the definition, of parts
// of all lengths, across chunks and longer than those that sums are kept of.
func TestReadAheadSums(t *testing.T) {
	data := noise(7*aheadSize + 4004)
	for _, step := range []int{4, 312, aheadGrain - 4, aheadGrain, 2 * aheadGrain, 16<<10 + 312, 128<<10 + 312, aheadSize + 8, 5*aheadSize + 4} {
		a := NewReadAhead(bytes.NewReader(data))
		var got Fletcher4
		for at := 0; at < len(data); at += step {
			w, err := a.Window(int64(at), step)
			if err != nil {
				t.Fatal(err)
			}
			a.sum(&got, w[:min(step, len(w))], int64(at))
		}
		a.Close()
		if want := plainSum(data, binary.LittleEndian); got != want {
			t.Errorf("by %d: %v, want %v", step, got, want)
		}
	}
}
