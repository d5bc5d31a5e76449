package dmu

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/iotest"
)

// A memVolume is a volume in memory, of pages, that remembers what was synced.
type memVolume struct {
	pages  map[int64]*[memPage]byte
	size   int64
	fixed  bool // a device
	synced *memVolume
	calls  int // that change something
	fail   func(call int) error
}

const memPage = 4096

func newMemVolume() *memVolume { return &memVolume{pages: map[int64]*[memPage]byte{}} }

func (v *memVolume) change() error {
	v.calls++
	if v.fail != nil {
		return v.fail(v.calls)
	}
	return nil
}

func (v *memVolume) Size() int64 { return v.size }

func (v *memVolume) Fixed() bool { return v.fixed }

func (v *memVolume) WriteAt(p []byte, off int64) (int, error) {
	if err := v.change(); err != nil {
		return 0, err
	}
	if end := off + int64(len(p)); off < 0 || end < off || v.fixed && end > v.size {
		return 0, fmt.Errorf("WriteAt: %d bytes at %d of %d", len(p), off, v.size)
	} else if end > v.size {
		v.size = end
	}
	for done := 0; done < len(p); {
		at := off + int64(done)
		page := v.pages[at/memPage]
		if page == nil {
			page = new([memPage]byte)
			v.pages[at/memPage] = page
		}
		done += copy(page[at%memPage:], p[done:])
	}
	return len(p), nil
}

func (v *memVolume) ReadAt(p []byte, off int64) (int, error) {
	for i := range p {
		p[i] = 0
		if page := v.pages[(off+int64(i))/memPage]; page != nil {
			p[i] = page[(off+int64(i))%memPage]
		}
	}
	if off+int64(len(p)) > v.size {
		return 0, io.ErrUnexpectedEOF
	}
	return len(p), nil
}

func (v *memVolume) Punch(off, n int64) error {
	if err := v.change(); err != nil {
		return err
	}
	if off < 0 || n < 0 || off > v.size || n > v.size-off {
		return fmt.Errorf("Punch: %d bytes at %d of %d", n, off, v.size)
	}
	for number, page := range v.pages {
		from, to := max(off-number*memPage, 0), min(off+n-number*memPage, memPage)
		switch {
		case from >= to:
		case to-from == memPage:
			delete(v.pages, number)
		default:
			clear(page[from:to])
		}
	}
	return nil
}

func (v *memVolume) Truncate(size int64) error {
	if err := v.change(); err != nil {
		return err
	}
	if v.fixed {
		return errors.New("Truncate: it is a device")
	}
	old := v.size
	v.size = max(old, size)
	if err := v.Punch(size, v.size-size); err != nil {
		return err
	}
	v.size = size
	return nil
}

func (v *memVolume) Sync() error {
	if err := v.change(); err != nil {
		return err
	}
	v.synced = v.clone()
	return nil
}

// same says whether two have the same bytes.
func (v *memVolume) same(w *memVolume) bool {
	holds := func(v, w *memVolume) bool {
		for n, page := range v.pages {
			if other := w.pages[n]; other == nil && *page != [memPage]byte{} || other != nil && *page != *other {
				return false
			}
		}
		return true
	}
	return v.size == w.size && holds(v, w) && holds(w, v)
}

func (v *memVolume) clone() *memVolume {
	c := &memVolume{pages: map[int64]*[memPage]byte{}, size: v.size, fixed: v.fixed}
	for n, page := range v.pages {
		p := *page
		c.pages[n] = &p
	}
	return c
}

func (v *memVolume) bytes() []byte {
	p := make([]byte, v.size)
	for n, page := range v.pages {
		if at := n * memPage; at < v.size {
			copy(p[at:], page[:])
		}
	}
	return p
}

// A store is a volume and its chain, as it would be on disk.
type store struct {
	t     testing.TB
	v     *memVolume
	saved []byte
	done  []Applied
}

func newStore(t testing.TB) *store { return &store{t: t, v: newMemVolume()} }

// apply applies a stream as a process of its own would.
func (s *store) apply(stream []byte, o ApplyOptions) error {
	s.t.Helper()
	return s.applyFrom(bytes.NewReader(stream), o)
}

func (s *store) applyFrom(in io.Reader, o ApplyOptions) error {
	s.t.Helper()
	chain := new(Chain)
	if s.saved != nil {
		var err error
		if chain, err = ParseChain(s.saved); err != nil {
			s.t.Fatalf("the chain that was saved: %v\n%s", err, s.saved)
		}
	}
	if o.Every == 0 {
		o.Every = 1 // whenever there is something new
	}
	o.Blank = s.v.size == 0
	o.Done = func(d Applied) error { s.done = append(s.done, d); return nil }
	return NewApplier(s.v, chain, func(c *Chain) error {
		var err error
		s.saved, err = c.Encode()
		return err
	}, o).Apply(background, in)
}

func (s *store) chain() *Chain {
	s.t.Helper()
	c, err := ParseChain(s.saved)
	if err != nil {
		s.t.Fatal(err)
	}
	return c
}

// powerLoss takes away what was not synced, and leaves garbage where it may: in what the last
// sync did not cover.
func (s *store) powerLoss(t testing.TB) {
	t.Helper()
	if s.v.synced == nil {
		s.v = newMemVolume()
		return
	}
	s.v = s.v.synced.clone()
}

// block is n bytes that are told apart by seed.
func block(seed uint64, n int) []byte {
	p := make([]byte, n)
	_, _ = rand.NewChaCha8([32]byte{byte(seed), byte(seed >> 8), byte(seed >> 16), byte(seed >> 24)}).Read(p) // which does not fail
	return p
}

const bs = 4096

// fullStream is tank/vol@a, blocks 0, 1, 4 and 5 of 16; incremental streams go on from there.
func fullStream(t testing.TB) []byte {
	return newSample(t, binary.LittleEndian).begin("a", 0, 1, allCompressions).
		object(1, ObjectZvol, bs).free(1, 6*bs, ToEnd).
		write(1, 0, block(1, bs), 0).write(1, bs, text(bs), CompressionLZ4).
		free(1, 2*bs, 2*bs).
		write(1, 4*bs, text(bs), CompressionZstd).write(1, 5*bs, block(2, bs), 0).
		size(16 * bs).end().bytes()
}

// growStream makes @b of @a: block 1 is a hole, block 4 changes, and there are 32 blocks.
func growStream(t testing.TB) []byte {
	return newSample(t, binary.LittleEndian).begin("b", 1, 2, 0).
		object(1, ObjectZvol, bs).free(1, 21*bs, ToEnd).
		free(1, bs, bs).write(1, 4*bs, block(3, bs), 0).write(1, 20*bs, block(4, bs), 0).
		size(32 * bs).end().bytes()
}

// shrinkStream makes @c of @b: 8 blocks, and block 5 changes.
func shrinkStream(t testing.TB) []byte {
	return newSample(t, binary.LittleEndian).begin("c", 2, 3, 0).
		object(1, ObjectZvol, bs).free(1, 6*bs, ToEnd).
		write(1, 5*bs, block(5, bs), 0).
		size(8 * bs).end().bytes()
}

// regrowStream makes @d of @c: 32 blocks again, and not one of them anew.
func regrowStream(t testing.TB) []byte {
	return newSample(t, binary.LittleEndian).begin("d", 3, 4, 0).size(32 * bs).end().bytes()
}

// emptyStream makes @e of @d, which is the same.
func emptyStream(t testing.TB) []byte {
	return newSample(t, binary.LittleEndian).begin("e", 4, 5, 0).end().bytes()
}

// layout is a volume of n blocks.
func layout(n int, blocks map[int][]byte) []byte {
	p := make([]byte, n*bs)
	for i, b := range blocks {
		copy(p[i*bs:], b)
	}
	return p
}

type step struct {
	stream []byte
	want   []byte
}

func steps(t testing.TB) []step {
	a := map[int][]byte{0: block(1, bs), 1: text(bs), 4: text(bs), 5: block(2, bs)}
	b := map[int][]byte{0: a[0], 4: block(3, bs), 5: a[5], 20: block(4, bs)}
	c := map[int][]byte{0: a[0], 4: b[4], 5: block(5, bs)}
	return []step{
		{fullStream(t), layout(16, a)},
		{growStream(t), layout(32, b)},
		{shrinkStream(t), layout(8, c)},
		{regrowStream(t), layout(32, c)},
		{emptyStream(t), layout(32, c)},
	}
}

// devices and files, as the volume is at first.
func volumes() map[string]func() *memVolume {
	return map[string]func() *memVolume{
		"file": newMemVolume,
		"device full of garbage": func() *memVolume {
			v := newMemVolume()
			if _, err := v.WriteAt(block(99, 32*bs), 0); err != nil {
				panic(err)
			}
			v.fixed, v.calls = true, 0
			return v
		},
	}
}

func TestApplyChain(t *testing.T) {
	for name, volume := range volumes() {
		t.Run(name, func(t *testing.T) {
			s := newStore(t)
			s.v = volume()
			for i, step := range steps(t) {
				if err := s.apply(step.stream, ApplyOptions{Overwrite: i == 0}); err != nil {
					t.Fatal(err)
				}
				s.holds(step.want)
				head := s.chain().Head()
				if head.GUID != uint64(i+1) || head.Size != uint64(len(step.want)) || head.BlockSize != bs || head.Name != "tank/vol@"+string(rune('a'+i)) {
					t.Fatalf("the head of the chain is %+v", head)
				}
				// Once more: it is there.
				before := s.v.calls
				if err := s.apply(step.stream, ApplyOptions{}); err != nil || s.v.calls != before {
					t.Fatalf("the same again: %v, %d calls", err, s.v.calls-before)
				}
				if !s.done[len(s.done)-1].Passed {
					t.Fatal("the same again was not passed over")
				}
			}
		})
	}
}

// holds compares the volume, or its beginning where it is a device.
func (s *store) holds(want []byte) {
	s.t.Helper()
	got := s.v.bytes()
	if s.v.fixed && len(got) > len(want) {
		got = got[:len(want)]
	}
	if len(got) != len(want) {
		s.t.Fatalf("the volume is %d bytes long, want %d", len(got), len(want))
	}
	for i := 0; i < len(want); i += bs {
		if !bytes.Equal(got[i:i+bs], want[i:i+bs]) {
			s.t.Fatalf("block %d is %x..., want %x...", i/bs, got[i:i+8], want[i:i+8])
		}
	}
}

// TestApplyCutAnywhere cuts each stream at bytes anywhere, loses the power, and applies it
// again: a whole stream, or one that resumes where the store is.
func TestApplyCutAnywhere(t *testing.T) {
	for name, volume := range volumes() {
		t.Run(name, func(t *testing.T) {
			s := newStore(t)
			s.v = volume()
			for i, step := range steps(t) {
				const stride = 97 * every
				for cut := 0; cut < len(step.stream); cut += stride {
					c := &store{t: t, v: s.v.clone(), saved: s.saved}
					c.v.synced = c.v.clone()
					err := c.apply(step.stream[:cut], ApplyOptions{Overwrite: i == 0})
					if err == nil {
						t.Fatalf("stream %d: %d of %d bytes were taken for the whole", i, cut, len(step.stream))
					}
					if cut%2 == 0 {
						c.powerLoss(t)
					}
					if err := c.apply(step.stream, ApplyOptions{Overwrite: i == 0 && c.saved == nil}); err != nil {
						t.Fatalf("stream %d after a cut at %d: %v", i, cut, err)
					}
					c.holds(step.want)
				}
				if err := s.apply(step.stream, ApplyOptions{Overwrite: i == 0}); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

// TestApplyFaults has each call to the volume fail once.
func TestApplyFaults(t *testing.T) {
	broken := errors.New("the disk is broken")
	for i, step := range steps(t) {
		base := newStore(t)
		for _, before := range steps(t)[:i] {
			if err := base.apply(before.stream, ApplyOptions{}); err != nil {
				t.Fatal(err)
			}
		}
		for n := 1; ; n++ {
			s := &store{t: t, v: base.v.clone(), saved: base.saved}
			s.v.synced = s.v.clone()
			s.v.fail = func(call int) error {
				if call == n {
					return broken
				}
				return nil
			}
			err := s.apply(step.stream, ApplyOptions{})
			if err == nil {
				if n < 2 {
					t.Errorf("stream %d: no call failed", i)
				}
				break
			}
			if !errors.Is(err, broken) {
				t.Fatalf("stream %d, call %d: %v", i, n, err)
			}
			if state := s.chain().State(); state != ChainReceiving {
				t.Fatalf("stream %d, call %d: the chain is %s", i, n, state)
			}
			s.powerLoss(t)
			if err := s.apply(step.stream, ApplyOptions{}); err != nil {
				t.Fatalf("stream %d after call %d failed: %v", i, n, err)
			}
			s.holds(step.want)
		}
	}
}

// TestApplyFlips: no bit of a stream can be another without its being noticed, and what was
// written before is right.
func TestApplyFlips(t *testing.T) {
	all := steps(t)
	for at := 0; at < len(all[0].stream); at += 13 * every {
		stream := bytes.Clone(all[0].stream)
		stream[at] ^= 0x10
		s := newStore(t)
		if err := s.apply(stream, ApplyOptions{}); err == nil {
			t.Fatalf("byte %d is wrong, and nothing was said", at)
		}
		if s.saved == nil {
			continue
		}
		if state := s.chain().State(); state == ChainComplete {
			t.Fatalf("byte %d is wrong, and the chain is %s", at, state)
		}
		if s.chain().Receiving.GUID != 1 {
			continue // BEGIN itself
		}
		if err := s.apply(all[0].stream, ApplyOptions{}); err != nil {
			t.Fatalf("the stream itself, behind one with a wrong byte at %d: %v", at, err)
		}
		s.holds(all[0].want)
	}
}

func TestApplyRefusals(t *testing.T) {
	full, grow, shrink := fullStream(t), growStream(t), shrinkStream(t)
	other := newSample(t, binary.LittleEndian).begin("z", 0, 77, 0).object(1, ObjectZvol, bs).size(bs).end().bytes()
	otherBlocks := newSample(t, binary.LittleEndian).begin("b", 1, 2, 0).object(1, ObjectZvol, 2*bs).size(16 * bs).end().bytes()
	beyond := newSample(t, binary.LittleEndian).begin("b", 1, 2, 0).object(1, ObjectZvol, bs).write(1, 16*bs, block(1, bs), 0).end().bytes()
	backwards := newSample(t, binary.LittleEndian).begin("b", 1, 2, 0).object(1, ObjectZvol, bs).write(1, 2*bs, block(1, bs), 0).free(1, 0, bs).end().bytes()
	for _, c := range []struct {
		name   string
		before [][]byte
		stream []byte
		o      ApplyOptions
		want   error
	}{
		{"incremental on nothing", nil, grow, ApplyOptions{}, ErrBase},
		{"incremental on another", [][]byte{full}, shrink, ApplyOptions{}, ErrBase},
		{"incremental on an older one", [][]byte{full, grow}, newSample(t, binary.LittleEndian).begin("x", 1, 9, 0).end().bytes(), ApplyOptions{}, ErrBase},
		{"full over another", [][]byte{full}, other, ApplyOptions{}, ErrNotEmpty},
		{"full over a part", [][]byte{full[:len(full)-700]}, other, ApplyOptions{}, ErrReceiving},
		{"incremental over a part", [][]byte{full, grow[:len(grow)-700]}, newSample(t, binary.LittleEndian).begin("x", 1, 9, 0).end().bytes(), ApplyOptions{}, ErrReceiving},
		{"written to", [][]byte{full}, grow, ApplyOptions{Modified: true}, ErrModified},
		{"other blocks", [][]byte{full}, otherBlocks, ApplyOptions{}, ErrInvalid},
		{"behind the end", [][]byte{full}, beyond, ApplyOptions{}, ErrInvalid},
		{"backwards", [][]byte{full}, backwards, ApplyOptions{}, ErrInvalid},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newStore(t)
			for _, stream := range c.before {
				if err := s.apply(stream, ApplyOptions{}); err != nil && !errors.Is(err, ErrTruncated) {
					t.Fatal(err)
				}
			}
			before, chain := s.v.bytes(), string(s.saved)
			err := s.apply(c.stream, c.o)
			if !errors.Is(err, c.want) {
				t.Fatalf("%v, want %v", err, c.want)
			}
			if broken := (*BrokenOffError)(nil); errors.As(err, &broken) {
				if s.chain().State() != ChainReceiving {
					t.Errorf("%v, and the chain is %s", err, s.saved)
				}
				return
			}
			if !bytes.Equal(before, s.v.bytes()) || chain != string(s.saved) {
				t.Errorf("%v, and there was a change", err)
			}
		})
	}
}

func TestApplyOverwrite(t *testing.T) {
	for name, before := range map[string][][]byte{
		"complete":  {fullStream(t), growStream(t)},
		"receiving": {fullStream(t), growStream(t)[:9000]},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStore(t)
			for _, stream := range before {
				if err := s.apply(stream, ApplyOptions{}); err != nil && !errors.Is(err, ErrTruncated) {
					t.Fatal(err)
				}
			}
			if err := s.apply(fullStream(t), ApplyOptions{Overwrite: true}); err != nil {
				t.Fatal(err)
			}
			s.holds(steps(t)[0].want)
			if got := s.chain().Snapshots; len(got) != 1 {
				t.Errorf("the chain is %+v", got)
			}
		})
	}
}

// TestApplyLongBlocks has blocks longer than a batch, and more batches than there are.
func TestApplyLongBlocks(t *testing.T) {
	const long = 3 << 20
	f := newSample(t, binary.LittleEndian).begin("a", 0, 1, allCompressions|FeatureLargeBlocks).object(1, ObjectZvol, long)
	want := make([]byte, 8*long)
	for i := range uint64(8) {
		how, b := CompressionNone, block(i, long)
		if i%2 == 1 {
			how, b = CompressionZstd, text(long)
		}
		copy(want[i*long:], b)
		f.write(1, i*long, b, how)
	}
	s := newStore(t)
	if err := s.apply(f.size(8*long).end().bytes(), ApplyOptions{}); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(s.v.bytes(), want) {
		t.Error("the volume is not what was sent")
	}
}

// TestApplyFailsToRead: an error of the reader below comes as it is, and can be gone on from.
func TestApplyFailsToRead(t *testing.T) {
	gone := errors.New("the cable is out")
	full := fullStream(t)
	s := newStore(t)
	err := s.applyFrom(io.MultiReader(bytes.NewReader(full[:10000]), iotest.ErrReader(gone)), ApplyOptions{})
	broken := new(BrokenOffError)
	if !errors.Is(err, gone) || !errors.As(err, &broken) || !strings.Contains(err.Error(), "tank/vol@a is there up to byte") {
		t.Fatal(err)
	}
	if broken.Receiving.Offset == 0 || broken.Receiving.Bytes == 0 {
		t.Fatalf("%+v", broken.Receiving)
	}
	if err := s.apply(full, ApplyOptions{}); err != nil {
		t.Fatal(err)
	}
	if !s.done[0].GoneOn {
		t.Error("it began anew")
	}
	s.holds(steps(t)[0].want)
}
