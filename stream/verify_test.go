package stream_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/lunarsan/lunar/stream"
	"github.com/lunarsan/lunar/stream/dmu"
)

const mib = 1 << 20

// bytesOf is a source for dmu.NewGenerator.
type bytesOf struct{ *bytes.Reader }

// fullStream is the full stream of a disk.
func fullStream(t testing.TB, disk []byte, guid uint64, blocks uint32, how dmu.Compression) []byte {
	t.Helper()
	var out bytes.Buffer
	o := dmu.GenerateOptions{Snapshot: dmu.Link{GUID: guid, Name: "tank/v@a", BlockSize: blocks}, Compress: how}
	if _, err := dmu.NewGenerator(bytesOf{bytes.NewReader(disk)}, o).Generate(context.Background(), &out); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// someDisk has data, zeros that were written, and holes.
func someDisk(random *rand.Rand, size int) []byte {
	disk := make([]byte, size)
	for range random.IntN(12) {
		at := random.IntN(size)
		for i := range disk[at:min(size, at+random.IntN(2*mib))] {
			disk[at+i] = byte(random.Uint32() >> 28 * 16)
		}
	}
	return disk
}

// sumsOf is what a digest of a disk has to be.
func sumsOf(disk []byte) (sums []byte) {
	for piece := range slices.Chunk(disk, mib) {
		if bytes.Count(piece, []byte{0}) == len(piece) {
			sums = append(sums, make([]byte, sha256.Size)...)
			continue
		}
		sum := sha256.Sum256(piece)
		sums = append(sums, sum[:]...)
	}
	return sums
}

// TestDigest: however a disk is sent, its digest is that of its bytes.
func TestDigest(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 12 {
		disk := someDisk(random, 128<<10*(1+random.IntN(40)))
		var roots []stream.Sum
		for _, form := range []struct {
			blocks uint32
			how    dmu.Compression
		}{{4 << 10, dmu.CompressionNone}, {16 << 10, dmu.CompressionLZ4}, {128 << 10, dmu.CompressionZstd}} {
			d, err := stream.ReadDigest(bytes.NewReader(fullStream(t, disk, 7, form.blocks, form.how)), int64(len(disk)), nil)
			if err != nil {
				t.Fatal(err)
			}
			if err := d.Check(); err != nil {
				t.Error(err)
			}
			if !bytes.Equal(d.Sums, sumsOf(disk)) || d.GUID != 7 || d.Size != int64(len(disk)) {
				t.Errorf("%d bytes in blocks of %d: other sums", len(disk), form.blocks)
			}
			roots = append(roots, d.Root())
		}
		if roots[0] != roots[1] || roots[0] != roots[2] {
			t.Errorf("the roots are %v", roots)
		}
	}
}

// TestDiffers: what was changed is in the ranges, and no piece that was not.
func TestDiffers(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	for range 100 {
		a := make([]byte, 128<<10*(1+random.IntN(40)))
		b := bytes.Clone(a)
		touched := map[int64]bool{}
		for range random.IntN(4) {
			at := random.IntN(len(b))
			b[at] ^= byte(1 + random.IntN(255))
			if b[at] != a[at] {
				touched[int64(at/mib)] = true
			}
		}
		got := (&stream.Digest{Size: int64(len(a)), Piece: mib, Sums: sumsOf(a)}).Differs(&stream.Digest{Size: int64(len(b)), Piece: mib, Sums: sumsOf(b)})
		last := int64(-1)
		pieces := 0
		for _, r := range got {
			if r.Offset <= last || r.Length <= 0 || r.Offset%mib != 0 {
				t.Fatalf("%+v", got)
			}
			last = r.Offset + r.Length
			for at := r.Offset; at < last; at += mib {
				pieces++
				if !touched[at/mib] {
					t.Errorf("piece %d was not touched", at/mib)
				}
			}
		}
		if pieces != len(touched) {
			t.Errorf("%d pieces were touched, %+v", len(touched), got)
		}
	}
	short, long := make([]byte, 5*mib/2), make([]byte, 4*mib)
	got := (&stream.Digest{Size: int64(len(long)), Piece: mib, Sums: sumsOf(long)}).Differs(&stream.Digest{Size: int64(len(short)), Piece: mib, Sums: sumsOf(short)})
	if want := []stream.Range{{Offset: 2 * mib, Length: 2 * mib}}; !slices.Equal(got, want) {
		t.Errorf("%+v, want %+v", got, want)
	}
}

// streamed is a Volume that has snapshots, and streams of them.
type streamed struct {
	stream.Volume
	name      string
	snapshots []stream.Snapshot
	streams   map[string][]byte
	failed    error
}

func (s *streamed) Name() string { return s.name }

func (s *streamed) Snapshots(context.Context) ([]stream.Snapshot, error) { return s.snapshots, nil }

func (s *streamed) Send(ctx context.Context, what stream.Send) (io.ReadCloser, error) {
	if s.failed != nil {
		return nil, s.failed
	}
	return io.NopCloser(bytes.NewReader(s.streams[what.Snapshot])), nil
}

// far is one that is elsewhere: what it says of itself has come by wire.
type far struct {
	*streamed
	t *testing.T
}

func (f far) Digest(ctx context.Context, snapshot string) (*stream.Digest, error) {
	d, err := stream.DigestOf(ctx, f.streamed, snapshot, nil)
	if err != nil {
		return nil, err
	}
	text, err := json.Marshal(d)
	if err != nil {
		f.t.Error(err)
	}
	d = new(stream.Digest)
	return d, json.Unmarshal(text, d)
}

func (f far) Send(context.Context, stream.Send) (io.ReadCloser, error) {
	return nil, errors.New("it would be sent")
}

func having(t *testing.T, name string, guids map[string]uint64, disks map[string][]byte) *streamed {
	s := &streamed{name: name, streams: map[string][]byte{}}
	for _, n := range []string{"a", "b", "c"} {
		if disks[n] == nil {
			continue
		}
		s.snapshots = append(s.snapshots, stream.Snapshot{Name: n, GUID: guids[n], Size: int64(len(disks[n]))})
		s.streams[n] = fullStream(t, disks[n], guids[n], 16<<10, dmu.CompressionNone)
	}
	return s
}

func TestVerify(t *testing.T) {
	random := rand.New(rand.NewPCG(5, 6))
	disk, other := someDisk(random, 3*mib), someDisk(random, 3*mib)
	rotten := bytes.Clone(disk)
	rotten[2*mib+5] ^= 1
	source := having(t, "tank/v", map[string]uint64{"a": 1, "b": 2, "c": 3}, map[string][]byte{"a": disk, "b": disk, "c": other})
	replica := far{having(t, "far/v", map[string]uint64{"a": 1, "c": 2}, map[string][]byte{"a": disk, "c": rotten}), t}
	source.snapshots = append(source.snapshots, stream.Snapshot{Name: "m", GUID: 2, Bookmark: true})

	var told [2]int64
	v, err := stream.Verify(t.Context(), source, replica, 0, func(side int, at int64) { told[side] = max(told[side], at) })
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(v)
	if err != nil || !strings.HasPrefix(string(text), `{"guid":"2","sides":[{"snapshot":"tank/v@b","size":3145728,"root":"`) || !strings.HasSuffix(string(text), `"differs":[{"offset":2097152,"length":1048576}]}`) {
		t.Errorf("%s, %v", text, err)
	}
	if v.Same() || v.Sides[0].Root == v.Sides[1].Root {
		t.Errorf("they are the same: %+v", v)
	}
	if v, err = stream.Verify(t.Context(), source, replica, 1, nil); err != nil || !v.Same() || len(v.Differs) != 0 {
		t.Errorf("%+v, %v", v, err)
	}
	for _, guid := range []uint64{3, 4} {
		if v, err := stream.Verify(t.Context(), source, replica, guid, nil); !errors.Is(err, stream.ErrNoSnapshot) || !strings.Contains(err.Error(), fmt.Sprintf("%#x", guid)) {
			t.Errorf("%+v, %v", v, err)
		}
	}
	replica.failed = stream.ErrForbidden
	if v, err := stream.Verify(t.Context(), source, replica, 0, nil); !errors.Is(err, stream.ErrForbidden) {
		t.Errorf("%+v, %v", v, err)
	}
}

func TestDigestRefuses(t *testing.T) {
	disk := bytes.Repeat([]byte("lunar "), mib/3)[:2*mib-64<<10]
	full := fullStream(t, disk, 7, 16<<10, dmu.CompressionNone)
	var more bytes.Buffer
	o := dmu.GenerateOptions{Snapshot: dmu.Link{GUID: 8, From: 7, Name: "tank/v@b", BlockSize: 16 << 10}, BaseSize: uint64(len(disk)), Base: bytesOf{bytes.NewReader(make([]byte, len(disk)))}}
	if _, err := dmu.NewGenerator(bytesOf{bytes.NewReader(disk)}, o).Generate(t.Context(), &more); err != nil {
		t.Fatal(err)
	}
	for what, p := range map[string][]byte{"an increment": more.Bytes(), "half a stream": full[:len(full)/2], "nothing": nil} {
		if d, err := stream.ReadDigest(bytes.NewReader(p), int64(len(disk)), nil); !errors.Is(err, stream.ErrStream) {
			t.Errorf("%s: %+v, %v", what, d, err)
		}
	}
	for _, size := range []int64{0, -1, 16 << 10, int64(len(disk)) - 16<<10, int64(len(disk)) + 16<<10} {
		if d, err := stream.ReadDigest(bytes.NewReader(full), size, nil); err == nil {
			t.Errorf("of a volume of %d bytes: %+v", size, d)
		}
	}
	for _, d := range []stream.Digest{{Size: 1, Piece: mib}, {Size: -1, Piece: mib}, {Size: mib, Piece: 0, Sums: make([]byte, 32)}, {Size: mib, Piece: 512, Sums: make([]byte, 32)}, {Size: mib + 1, Piece: mib, Sums: make([]byte, 32)}, {Size: 1 << 62, Piece: 1 << 44}} {
		if d.Check() == nil {
			t.Errorf("%+v is taken for a digest", d)
		}
	}
	if err := new(stream.Sum).UnmarshalText([]byte("abc")); err == nil {
		t.Error("three letters are a sum")
	}
}

// TestDigestLarge: a volume of 16 TiB takes 8 MiB of sums, and no time where it is empty.
func TestDigestLarge(t *testing.T) {
	const size = 16 << 40
	var out bytes.Buffer
	o := dmu.GenerateOptions{Snapshot: dmu.Link{GUID: 7, Name: "tank/v@a", BlockSize: 128 << 10, Size: size}}
	if _, err := dmu.NewGenerator(hole(size), o).Generate(t.Context(), &out); err != nil {
		t.Fatal(err)
	}
	d, err := stream.ReadDigest(&out, size, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Check(); err != nil || len(d.Sums) > 8<<20 || bytes.Count(d.Sums, []byte{0}) != len(d.Sums) {
		t.Errorf("%d bytes of sums, pieces of %d: %v", len(d.Sums), d.Piece, err)
	}
}

// hole is a volume of so many bytes that has nothing.
type hole int64

func (h hole) Size() int64 { return int64(h) }

func (h hole) ReadAt([]byte, int64) (int, error) { return 0, errors.New("it is read") }

func (h hole) Mapped(off int64) (mapped bool, n int64, err error) { return false, int64(h) - off, nil }

func FuzzDigest(f *testing.F) {
	f.Add(fullStream(f, bytes.Repeat([]byte("lunar "), 40_000)[:224<<10], 7, 16<<10, dmu.CompressionLZ4))
	f.Add(fullStream(f, make([]byte, 224<<10), 7, 16<<10, dmu.CompressionNone))
	f.Fuzz(func(t *testing.T, p []byte) {
		const size = 224 << 10
		if d, err := stream.ReadDigest(bytes.NewReader(p), size, nil); err == nil && d.Check() != nil {
			t.Error(d.Check())
		}
	})
}
