package dmu

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// plain is a volume in memory that knows nothing of holes.
type plain []byte

func (p plain) Size() int64 { return int64(len(p)) }

func (p plain) ReadAt(b []byte, off int64) (int, error) {
	if n := copy(b, p[off:]); n < len(b) {
		return n, io.EOF
	}
	return len(b), nil
}

// sparse is a volume in memory that has nothing where pages of grain bytes are zeros, but for
// those that are reserved.
type sparse struct {
	plain
	grain    int64
	reserved map[int64]bool
}

func (s *sparse) Mapped(off int64) (bool, int64, error) {
	page := func(n int64) bool {
		p := s.plain[n*s.grain : min((n+1)*s.grain, s.Size())]
		return s.reserved[n] || !zero(p)
	}
	first := off / s.grain
	n := first
	for n*s.grain < s.Size() && page(n) == page(first) {
		n++
	}
	return page(first), min(n*s.grain, s.Size()) - off, nil
}

// dirty are ranges of bytes, [from, to), in order.
type dirty [][2]int64

func (d dirty) Next(off int64) (from, n int64, err error) {
	for _, r := range d {
		if r[1] > off {
			return r[0], r[1] - r[0], nil
		}
	}
	return 0, 0, nil
}

// made is when snapshots of tests were made.
var made = time.Unix(1_700_000_000, 0).UTC()

func generate(t testing.TB, now Source, o GenerateOptions) []byte {
	t.Helper()
	if o.Snapshot.Name == "" {
		o.Snapshot.Name = fmt.Sprintf("tank/vol@%d", o.Snapshot.GUID)
	}
	if o.Snapshot.BlockSize == 0 {
		o.Snapshot.BlockSize = bs
	}
	o.Snapshot.Created = made
	var out bytes.Buffer
	if _, err := NewGenerator(now, o).Generate(context.Background(), &out); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// TestGenerateForms: the records of streams of small volumes are those in testdata.
func TestGenerateForms(t *testing.T) {
	first := layout(16, map[int][]byte{0: block(1, bs), 3: text(bs), 4: block(2, bs), 9: text(bs)})
	second := layout(16, map[int][]byte{0: block(1, bs), 4: block(3, bs), 9: text(bs)})
	for _, c := range []struct {
		name string
		now  []byte
		o    GenerateOptions
	}{
		{"full", first, GenerateOptions{Snapshot: Link{GUID: 1}}},
		{"full-lz4", first, GenerateOptions{Snapshot: Link{GUID: 1}, Compress: CompressionLZ4}},
		{"full-zstd", first, GenerateOptions{Snapshot: Link{GUID: 1}, Compress: CompressionZstd}},
		{"empty", make([]byte, 16*bs), GenerateOptions{Snapshot: Link{GUID: 1}}},
		{"large-blocks", make([]byte, 1<<20), GenerateOptions{Snapshot: Link{GUID: 1, BlockSize: 256 << 10}}},
		{"incremental", second, GenerateOptions{Snapshot: Link{GUID: 2, From: 1}, Base: plain(first), BaseSize: 16 * bs}},
		{"incremental-all", second, GenerateOptions{Snapshot: Link{GUID: 2, From: 1}, BaseSize: 16 * bs}},
		{"incremental-nothing", first, GenerateOptions{Snapshot: Link{GUID: 2, From: 1}, Base: plain(first), BaseSize: 16 * bs}},
		{"incremental-grown", append(bytes.Clone(first), make([]byte, 8*bs)...), GenerateOptions{Snapshot: Link{GUID: 2, From: 1}, Base: plain(first), BaseSize: 16 * bs}},
		{"incremental-shrunk", first[:8*bs], GenerateOptions{Snapshot: Link{GUID: 2, From: 1}, Base: plain(first), BaseSize: 16 * bs}},
	} {
		t.Run(c.name, func(t *testing.T) {
			stream := generate(t, plain(c.now), c.o)
			got := dumped(t, stream)
			if c.o.Compress != 0 {
				got = withoutPayload.ReplaceAllString(got, "$1 = N")
			}
			name := "testdata/generate/" + c.name + ".dump"
			if *rewrite {
				if err := os.WriteFile(name, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(got, "\n")); diff != "" {
				t.Errorf("-want +got, -rewrite takes it over:\n%s", diff)
			}
			if c.name == "incremental-nothing" && len(stream) != 2*RecordSize {
				t.Errorf("%d bytes of nothing", len(stream))
			}
		})
	}
}

// TestGenerateApplies: what is generated, in every way, applies to the same bytes.
func TestGenerateApplies(t *testing.T) {
	const size = 3 << 20
	a, b, c := make([]byte, size), make([]byte, size), make([]byte, size+1<<20)
	for i := 0; i < size; i += 64 << 10 {
		if i/(64<<10)%3 != 1 {
			copy(a[i:], block(uint64(i), 32<<10))
			copy(a[i+32<<10:], text(20<<10))
		}
	}
	copy(b, a)
	clear(b[128<<10 : 192<<10])
	copy(b[1<<20:], text(100_000))
	b[size-1] = 1
	copy(c, b)
	copy(c[size+512:], text(1<<19))
	clear(c[512<<10 : 2<<20])
	d := c[:1<<20]
	n := 0
	for _, bsize := range []uint32{4096, 16 << 10, 128 << 10, 1 << 20} {
		for _, how := range []Compression{0, CompressionLZ4, CompressionZstd} {
			for _, with := range []string{"base", "sparse base", "base and map", "map", "nothing"} {
				if n++; n%every != 0 {
					continue
				}
				t.Run(fmt.Sprintf("%d %v %s", bsize, how, with), func(t *testing.T) {
					s := newStore(t)
					var before []byte
					for i, now := range [][]byte{a, b, c, d, d} {
						o := GenerateOptions{Snapshot: Link{GUID: uint64(i + 1), From: uint64(i), BlockSize: bsize}, Compress: how, BaseSize: uint64(len(before))}
						source := func(p []byte) Source {
							if with == "base" {
								return plain(p)
							}
							return &sparse{p, 4096, map[int64]bool{3: true, 5: true, 100: true}}
						}
						if i > 0 {
							if with != "map" && with != "nothing" {
								o.Base = source(before)
							}
							if with == "map" || with == "base and map" {
								o.Changes = differences(before, now)
							}
						}
						stream := generate(t, source(now), o)
						if err := s.apply(stream, ApplyOptions{}); err != nil {
							t.Fatalf("snapshot %d: %v", i+1, err)
						}
						s.holds(now)
						if i == 4 && with != "nothing" && len(stream) != 2*RecordSize {
							t.Errorf("nothing has changed, and the stream has %d bytes", len(stream))
						}
						before = now
					}
				})
			}
		}
	}
}

// differences are the dirty map of two volumes, in runs of 1000 bytes.
func differences(was, now []byte) dirty {
	d := dirty{}
	for at := 0; at < min(len(was), len(now)); at += 1000 {
		to := min(at+1000, len(was), len(now))
		if !bytes.Equal(was[at:to], now[at:to]) {
			d = append(d, [2]int64{int64(at), int64(to)})
		}
	}
	return d
}

// TestGenerateAlike: the stream does not depend on who compresses a block when.
func TestGenerateAlike(t *testing.T) {
	volume := make([]byte, 8<<20)
	for i := 0; i < len(volume); i += 8 << 10 {
		copy(volume[i:], block(uint64(i), 1<<10))
		copy(volume[i+1<<10:], text(i%7000))
	}
	for _, how := range []Compression{CompressionLZ4, CompressionZstd} {
		o := GenerateOptions{Snapshot: Link{GUID: 1, BlockSize: 16 << 10}, Compress: how}
		want := generate(t, plain(volume), o)
		for _, n := range []int{1, 3, 8} {
			before := runtime.GOMAXPROCS(n)
			got := generate(t, plain(volume), o)
			runtime.GOMAXPROCS(before)
			if !bytes.Equal(got, want) {
				t.Errorf("%v: another stream with GOMAXPROCS=%d", how, n)
			}
		}
	}
}

// TestGenerateRefuses: options that no receiver survives make no stream.
func TestGenerateRefuses(t *testing.T) {
	volume := plain(make([]byte, 16*bs))
	good := Link{GUID: 2, Name: "tank/vol@a", BlockSize: bs}
	for _, c := range []struct {
		name string
		o    func(*GenerateOptions)
		want string
	}{
		{"no GUID", func(o *GenerateOptions) { o.Snapshot.GUID = 0 }, "cannot have GUID 0"},
		{"from itself", func(o *GenerateOptions) { o.Snapshot.From = 2 }, "go on from 2"},
		{"no name", func(o *GenerateOptions) { o.Snapshot.Name = "vol" }, "not a dataset@snapshot"},
		{"long name", func(o *GenerateOptions) { o.Snapshot.Name = "tank/vol@" + strings.Repeat("a", 250) }, "has room for 255"},
		{"block of 3000", func(o *GenerateOptions) { o.Snapshot.BlockSize = 3000 }, "a power of two"},
		{"block of 32 MiB", func(o *GenerateOptions) { o.Snapshot.BlockSize = 32 << 20 }, "a power of two"},
		{"part of a block", func(o *GenerateOptions) { o.Snapshot.BlockSize = 32 * bs }, "not whole blocks"},
		{"longer than it is", func(o *GenerateOptions) { o.Snapshot.Size = 32 * bs }, "there are 65536"},
		{"full since something", func(o *GenerateOptions) { o.Base = volume }, "nothing to go on from"},
		{"base of no length", func(o *GenerateOptions) { o.Snapshot.From, o.Base = 1, volume }, "had 0 bytes before"},
	} {
		o := GenerateOptions{Snapshot: good}
		c.o(&o)
		var out bytes.Buffer
		if _, err := NewGenerator(volume, o).Generate(context.Background(), &out); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
	}
}

// faulty fails at a byte, or blocks there.
type faulty struct {
	plain
	at   int64
	meet func() error
}

func (f *faulty) ReadAt(p []byte, off int64) (int, error) {
	if off <= f.at && f.at < off+int64(len(p)) {
		if err := f.meet(); err != nil {
			return 0, err
		}
	}
	return f.plain.ReadAt(p, off)
}

// TestGenerateBreaksOff: whatever breaks off leaves a stream that is not whole, and nobody
// at work.
func TestGenerateBreaksOff(t *testing.T) {
	broken := errors.New("broken")
	volume := plain(bytes.Repeat(block(1, 64<<10), 32<<4))
	snapshot := Link{GUID: 2, Name: "tank/vol@a", BlockSize: bs, Created: made}
	for _, c := range []struct {
		name string
		run  func(ctx context.Context, out io.Writer) error
		want error
	}{
		{"medium", func(ctx context.Context, out io.Writer) error {
			f := &faulty{volume, 20 << 20, func() error { return broken }}
			_, err := NewGenerator(f, GenerateOptions{Snapshot: snapshot}).Generate(ctx, out)
			return err
		}, broken},
		{"what it was", func(ctx context.Context, out io.Writer) error {
			f := &faulty{volume, 20 << 20, func() error { return broken }}
			s := snapshot
			s.From = 1
			_, err := NewGenerator(volume, GenerateOptions{Snapshot: s, Base: f, BaseSize: uint64(len(volume))}).Generate(ctx, out)
			return err
		}, broken},
		{"cancelled", func(ctx context.Context, out io.Writer) error {
			ctx, cancel := context.WithCancel(ctx)
			f := &faulty{volume, 20 << 20, func() error { cancel(); return nil }}
			_, err := NewGenerator(f, GenerateOptions{Snapshot: snapshot}).Generate(ctx, out)
			return err
		}, context.Canceled},
		{"output", func(ctx context.Context, out io.Writer) error {
			_, err := NewGenerator(volume, GenerateOptions{Snapshot: snapshot}).Generate(ctx, &fullDisk{out, 5 << 20, broken})
			return err
		}, broken},
		{"caller", func(ctx context.Context, out io.Writer) error {
			_, err := NewGenerator(volume, GenerateOptions{Snapshot: snapshot, Done: func(Generated) error { return broken }}).Generate(ctx, out)
			return err
		}, broken},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { // which wants every goroutine to end
				var out bytes.Buffer
				if err := c.run(t.Context(), &out); !errors.Is(err, c.want) {
					t.Fatalf("%v, want %v", err, c.want)
				}
				var err error
				for v := NewVerifier(&out, false); err == nil; {
					_, err = v.Next()
				}
				if !errors.Is(err, ErrTruncated) && !errors.Is(err, ErrNotStream) {
					t.Errorf("what was written: %v", err)
				}
			})
		})
	}
}

// A fullDisk takes room bytes.
type fullDisk struct {
	io.Writer
	room int
	err  error
}

func (d *fullDisk) Write(p []byte) (int, error) {
	if len(p) > d.room {
		return 0, d.err
	}
	d.room -= len(p)
	return d.Writer.Write(p)
}

// TestGenerateMemory: a volume of any length takes no more memory than a short one.
func TestGenerateMemory(t *testing.T) {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	peak := uint64(0)
	o := GenerateOptions{Snapshot: Link{GUID: 1, Name: "tank/vol@a", BlockSize: 128 << 10}, Compress: CompressionLZ4, Progress: func(at int64) {
		if at%(32<<20) == 0 {
			runtime.ReadMemStats(&after)
			peak = max(peak, after.HeapInuse)
		}
	}}
	if _, err := NewGenerator(endlessVolume(256<<20), o).Generate(t.Context(), io.Discard); err != nil {
		t.Fatal(err)
	}
	if peak > before.HeapInuse+64<<20 {
		t.Errorf("%d MiB", (peak-before.HeapInuse)>>20)
	}
}

// endlessVolume is a volume of so many bytes, each block of 4 KiB with its number in it.
type endlessVolume int64

func (v endlessVolume) Size() int64 { return int64(v) }

func (v endlessVolume) ReadAt(p []byte, off int64) (int, error) {
	for i := 0; i < len(p); i += 4096 {
		binary.LittleEndian.PutUint64(p[i:], uint64(off+int64(i)+1))
	}
	return len(p), nil
}

// FuzzGenerate: streams of two volumes made of a map of blocks, and of what changes in it, apply
// to the same bytes.
func FuzzGenerate(f *testing.F) {
	f.Add([]byte{1, 0, 2, 0, 0, 3}, []byte{1, 0, 0, 2}, uint8(0), uint8(0))
	f.Add([]byte{0, 0, 0, 0}, []byte{}, uint8(1), uint8(5))
	f.Add([]byte{9, 9, 9}, []byte{9, 8, 9, 0, 7}, uint8(2), uint8(7))
	f.Fuzz(func(t *testing.T, first, second []byte, compress, how uint8) {
		if len(first) == 0 || len(second) == 0 || len(first)+len(second) > 512 {
			t.Skip()
		}
		volume := func(blocks []byte) *sparse {
			const block = 1024
			p := make([]byte, (len(blocks)*block+bs-1)/bs*bs)
			for i, b := range blocks {
				if b != 0 {
					copy(p[i*block:], text(int(b) * 4)[b%31:])
				}
			}
			return &sparse{p, 512 << (how >> 5), map[int64]bool{int64(how % 13): true}}
		}
		a, b := volume(first), volume(second)
		compression := []Compression{0, CompressionLZ4, CompressionZstd}[compress%3]
		s := newStore(t)
		apply := func(v *sparse, o GenerateOptions) {
			o.Compress = compression
			if err := s.apply(generate(t, v, o), ApplyOptions{}); err != nil {
				t.Fatal(err)
			}
			s.holds(v.plain)
		}
		apply(a, GenerateOptions{Snapshot: Link{GUID: 1}})
		o := GenerateOptions{Snapshot: Link{GUID: 2, From: 1}, BaseSize: uint64(len(a.plain))}
		if how&1 != 0 {
			o.Base = a
		}
		if how&2 != 0 {
			o.Changes = differences(a.plain, b.plain)
		}
		apply(b, o)
	})
}

// withoutPayload is where a dump tells how long compressed payloads are, which is up to the
// compressor.
var withoutPayload = regexp.MustCompile(`(compressed_size|checksum|payload_size|size) = \S+`)
