package extract

import (
	"bytes"
	"context"
	"errors"
	"io"
	"iter"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/lunarsan/lunar/vmfs"
)

// memory is a source in memory, with zeros where its spans say so.
type memory struct {
	bytes []byte
	spans []vmfs.Span
	fail  int64 // reads of this offset fail; 0: none
}

var errRead = errors.New("a bad sector")

func (m *memory) Size() int64 { return int64(len(m.bytes)) }

func (m *memory) ReadAt(p []byte, off int64) (int, error) {
	if m.fail > 0 && off <= m.fail && m.fail < off+int64(len(p)) {
		return 0, errRead
	}
	return bytes.NewReader(m.bytes).ReadAt(p, off)
}

func (m *memory) Spans(from, to int64) iter.Seq2[vmfs.Span, error] {
	return func(yield func(vmfs.Span, error) bool) {
		for _, s := range m.spans {
			begin, end := max(from, s.Offset), min(to, s.Offset+s.Length)
			if begin < end && !yield(vmfs.Span{Offset: begin, Length: end - begin, Zero: s.Zero}, nil) {
				return
			}
		}
	}
}

// source is data, a hole, data with zeros in it, a hole, and data to an odd end.
func source() *memory {
	m := &memory{}
	add := func(n int64, zero bool) {
		b := make([]byte, n)
		if !zero {
			rand.NewChaCha8([32]byte{byte(n)}).Read(b)
		}
		m.spans = append(m.spans, vmfs.Span{Offset: m.Size(), Length: n, Zero: zero})
		m.bytes = append(m.bytes, b...)
	}
	add(9<<20+100, false)
	add(3<<20, true)
	add(6<<20, false)
	clear(m.bytes[13<<20 : 13<<20+200<<10])
	clear(m.bytes[14<<20 : 14<<20+8192])
	add(5000, true)
	add(4097, false)
	return m
}

// target is a copy in memory that counts what is written.
type target struct {
	mu      sync.Mutex
	bytes   []byte
	written int64
	room    int64 // 0: without end
}

var errFull = errors.New("no space left")

func (t *target) WriteAt(p []byte, off int64) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.written += int64(len(p)); t.room > 0 && t.written > t.room {
		return 0, errFull
	}
	return copy(t.bytes[off:], p), nil
}

func TestCopy(t *testing.T) {
	for _, workers := range []int{0, 1, 3, 17} {
		src := source()
		dst := &target{bytes: make([]byte, src.Size())}
		var copied atomic.Int64
		var marks []int64
		err := Copy(t.Context(), dst, src, Options{Workers: workers, Copied: func(n int64) { copied.Add(n) }, Marked: func(at int64) { marks = append(marks, at) }})
		if err != nil || !bytes.Equal(dst.bytes, src.bytes) {
			t.Errorf("%d workers: the copy differs, or %v", workers, err)
		}
		if copied.Load() != src.Size() || !slices.IsSorted(marks) || marks[len(marks)-1] != src.Size() {
			t.Errorf("%d workers: %d bytes were copied of %d, marks %v", workers, copied.Load(), src.Size(), marks)
		}
		if want := int64(15<<20 - 200<<10 + 100 + 4097); dst.written > want+2*blockLen || dst.written < want-2*blockLen {
			t.Errorf("%d workers: %d bytes were written, %d are not zeros", workers, dst.written, want)
		}
	}
}

// TestResume cuts a copy short at every so many bytes, and goes on from the mark.
func TestResume(t *testing.T) {
	for room := int64(1); room < 15<<20; room += 1234567 {
		src := source()
		dst := &target{bytes: make([]byte, src.Size()), room: room}
		var mark atomic.Int64
		o := Options{Marked: func(at int64) { mark.Store(at) }}
		if err := Copy(t.Context(), dst, src, o); !errors.Is(err, errFull) {
			t.Fatalf("a full disk gives %v", err)
		}
		dst.room = 0
		before := dst.written
		o.From = mark.Load()
		if err := Copy(t.Context(), dst, src, o); err != nil || !bytes.Equal(dst.bytes, src.bytes) {
			t.Errorf("after %d bytes, from %d: the copy differs, or %v", room, o.From, err)
		}
		if again := dst.written - before; again > src.Size()-o.From {
			t.Errorf("after a mark at %d, %d bytes were written", o.From, again)
		}
	}
}

func TestCopyFails(t *testing.T) {
	src := source()
	src.fail = 14 << 20
	if err := Copy(t.Context(), &target{bytes: make([]byte, src.Size())}, src, Options{}); !errors.Is(err, errRead) {
		t.Errorf("a bad sector gives %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := Copy(ctx, &target{bytes: make([]byte, src.Size())}, source(), Options{}); !errors.Is(err, context.Canceled) {
		t.Errorf("a copy that was cancelled gives %v", err)
	}
}

func TestCompare(t *testing.T) {
	src := source()
	for _, tt := range []struct {
		name string
		at   int64 // of a byte that is changed; -1: none
	}{{"same", -1}, {"first", 0}, {"in a hole", 10 << 20}, {"in data", 15 << 20}, {"last", src.Size() - 1}} {
		b := slices.Clone(src.bytes)
		if tt.at >= 0 {
			b[tt.at] ^= 0x10
		}
		err := Compare(t.Context(), bytes.NewReader(b), src, Options{})
		if tt.at < 0 && err != nil || tt.at >= 0 && (err == nil || !strings.Contains(err.Error(), "differs at ")) {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
	if err := Compare(t.Context(), bytes.NewReader(src.bytes[:1000]), src, Options{}); !errors.Is(err, io.EOF) {
		t.Errorf("a copy that is too short gives %v", err)
	}
	if err := Compare(t.Context(), holey{bytes.NewReader(src.bytes)}, src, Options{}); err != nil {
		t.Errorf("a copy that knows its holes: %v", err)
	}
}

// holey has data in the second half of whatever it is asked for.
type holey struct{ io.ReaderAt }

func (holey) Data(from, to int64) (int64, int64, error) {
	return from + (to-from)/2, (to - from + 1) / 2, nil
}
