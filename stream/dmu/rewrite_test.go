package dmu

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/lunarsan/lunar/stream/dmu/nvlist"
)

// model applies a volume's stream to a copy of a volume, record by record, as simply as can be. base
// may be nil.
func model(t testing.TB, base *memVolume, stream []byte) *memVolume {
	t.Helper()
	var c Codec
	var v Checker
	volume := newMemVolume()
	if base != nil {
		volume = base.clone()
	}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	write := func(block []byte, at uint64) {
		_, err := volume.WriteAt(block, int64(at))
		must(err)
	}
	for r := NewReader(window{stream}, Options{}); ; {
		rec, err := r.Next()
		if err == io.EOF {
			return volume
		}
		must(err)
		must(v.Check(rec, r.Payload(), r.Order()))
		switch rec.Type() {
		case TypeWrite:
			w := rec.Write()
			if w.Object() != ZvolData {
				continue
			}
			block := r.Payload()
			if w.Compression() != CompressionNone {
				block = make([]byte, w.LogicalSize())
				must(c.Decompress(w.Compression(), block, r.Payload()))
			}
			write(block, w.Offset())
		case TypeWriteEmbedded:
			w := rec.WriteEmbedded()
			if w.Object() != ZvolData {
				continue
			}
			block := make([]byte, w.Length())
			must(c.DecompressEmbedded(w, block, r.Payload()))
			write(block, w.Offset())
		case TypeFree:
			if f := rec.Free(); f.Object() == ZvolData {
				size := uint64(volume.size)
				from := min(f.Offset(), size)
				must(volume.Punch(int64(from), int64(min(f.Length(), size-from))))
			}
		case TypeEnd:
			if size, known := v.VolumeSize(); known {
				must(volume.Truncate(int64(size)))
			}
		}
	}
}

var realVolumes = []string{"v4", "v8", "v64", "v128", "vgz", "vlzjb", "vzle"}

// TestRebaseReal: a to b and b to c make a to c, and whatever begins with nothing goes to it.
func TestRebaseReal(t *testing.T) {
	files := realFiles(t)
	for _, name := range realVolumes[:(len(realVolumes)+every-1)/every] {
		t.Run(name, func(t *testing.T) {
			full, ab, bc := files[name+"-full-a.zs"], files[name+"-a-b.zs"], files[name+"-b-c-Lec.zs"]
			a := model(t, nil, full)
			checkReal(t, files, name+"@a", a)
			ac := rebased(t, ab, bc)
			checkReal(t, files, name+"@c", model(t, a, ac))
			checkReal(t, files, name+"@b", model(t, nil, rebased(t, full, ab)))
			checkReal(t, files, name+"@c", model(t, nil, rebased(t, full, ac)))
			checkReal(t, files, name+"@c", model(t, nil, rebased(t, rebased(t, full, ab), bc)))
			if len(ac) > len(ab)+len(bc) {
				t.Errorf("it got longer: %d bytes of %d and %d", len(ac), len(ab), len(bc))
			}
		})
	}
}

func rebase(older, newer []byte) ([]byte, error) {
	var out bytes.Buffer
	err := Rebase(NewReader(window{older}, Options{}), NewReader(window{newer}, Options{}), &out)
	return out.Bytes(), err
}

func rebased(t *testing.T, older, newer []byte) []byte {
	t.Helper()
	out, err := rebase(older, newer)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// TestRebaseModel makes up chains of changes, and holds what is rebased to what happens when
// they are applied one after the other. There is no padding: ranges touch and overlap in every
// way.
func TestRebaseModel(t *testing.T) {
	const block, blocks = 512, 40
	rng := rand.New(rand.NewPCG(7, 7))
	change := func(from, to uint64, blocksNow int) []byte {
		s := newSample(t, binary.LittleEndian).begin(fmt.Sprint(to), from, to, 0)
		if rng.IntN(4) > 0 || from == 0 {
			s.object(ZvolData, ObjectZvol, block)
			if rng.IntN(3) > 0 {
				s.free(ZvolData, uint64(rng.IntN(blocksNow+5))*block, ToEnd)
			}
		}
		for at := rng.IntN(5); at < blocksNow; at += rng.IntN(4) {
			n := min(1+rng.IntN(8), blocksNow-at)
			switch rng.IntN(3) {
			case 0:
				s.free(ZvolData, uint64(at)*block, uint64(n)*block)
				at += n
			default:
				data := noise(block)
				data[0], data[1] = byte(to), byte(at)
				s.write(ZvolData, uint64(at)*block, data, CompressionNone)
				at++
			}
		}
		if rng.IntN(8) == 0 {
			s.free(ZvolData, uint64(blocksNow)*block, ToEnd)
		}
		if from == 0 || rng.IntN(2) == 0 {
			s.size(uint64(blocksNow) * block)
		}
		return s.end().bytes()
	}
	for range 300 {
		now := 10 + rng.IntN(blocks)
		a, b, c := change(0, 1, now), change(1, 2, now), change(2, 3, now)
		base := model(t, nil, a)
		want := model(t, model(t, base, b), c)
		if got := model(t, base, rebased(t, b, c)); !got.same(want) {
			t.Fatalf("rebased it is another:\n%s\n%s", dumped(t, b), dumped(t, c))
		}
		if got := model(t, nil, rebased(t, rebased(t, a, b), c)); !got.same(want) {
			t.Fatal("rebased on nothing it is another")
		}
	}
}

func TestRebaseRefuses(t *testing.T) {
	a := newSample(t, binary.LittleEndian).begin("a", 0, 1, 0).object(ZvolData, ObjectZvol, 1024).write(ZvolData, 0, noise(1024), CompressionNone).size(65536).end().bytes()
	b := func(f func(s *sample)) []byte {
		s := newSample(t, binary.LittleEndian).begin("b", 1, 2, 0)
		f(s)
		return s.end().bytes()
	}
	for says, newer := range map[string][]byte{
		"goes on from snapshot 161":         smallPackagePart(t),
		"blocks of 1024 bytes, and later":   b(func(s *sample) { s.object(ZvolData, ObjectZvol, 2048) }),
		"changed in part, from 512 to 1024": b(func(s *sample) { s.free(ZvolData, 512, 512) }),
		"not in order: FREE":                b(func(s *sample) { s.free(ZvolData, 4096, 1024).free(ZvolData, 1024, 1024) }),
		"is a package":                      smallPackage(t, binary.LittleEndian),
		"the stream is truncated":           b(func(s *sample) {})[:400],
	} {
		if _, err := rebase(a, newer); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%v, want ... %s", err, says)
		}
	}
}

// smallPackagePart is an incremental stream from snapshot 161.
func smallPackagePart(t *testing.T) []byte {
	return newSample(t, binary.LittleEndian).begin("b", 161, 162, 0).end().bytes()
}

// TestRecompressReal: the volume stays the same, with every compression.
func TestRecompressReal(t *testing.T) {
	files := realFiles(t)
	for _, name := range realVolumes[:(len(realVolumes)+every-1)/every] {
		lengths := map[Compression]int{}
		for _, how := range []Compression{CompressionOff, CompressionLZ4, CompressionZstd, CompressionGzip6} {
			var out bytes.Buffer
			if err := Recompress(NewReader(bytes.NewReader(files[name+"-full-c-Lec.zs"]), Options{}), &out, how, 0); err != nil {
				t.Fatalf("%s, %v: %v", name, how, err)
			}
			lengths[how] = out.Len()
			checkReal(t, files, name+"@c", model(t, nil, out.Bytes()))
		}
		if lengths[CompressionZstd] >= lengths[CompressionOff] {
			t.Errorf("%s: zstd does not shorten: %v", name, lengths)
		}
	}
	var out bytes.Buffer
	if err := Recompress(NewReader(bytes.NewReader(files["venc-raw-a.zs"]), Options{}), &out, CompressionZstd, 0); !errors.Is(err, errRaw) {
		t.Errorf("encrypted: %v", err)
	}
	// A file system's, there and back.
	var packed, plain bytes.Buffer
	if err := Recompress(NewReader(bytes.NewReader(files["fs-full-a.zs"]), Options{}), &packed, CompressionZstd, 0); err != nil {
		t.Fatal(err)
	}
	if err := Recompress(NewReader(&packed, Options{}), &plain, CompressionOff, 0); err != nil {
		t.Fatal(err)
	}
	if got, want := dumped(t, plain.Bytes()), dumped(t, files["fs-full-a.zs"]); len(got) > len(want) || plain.Len() != len(files["fs-full-a.zs"]) {
		t.Errorf("there and back it has %d bytes, not %d", plain.Len(), len(files["fs-full-a.zs"]))
	}
}

// TestRecompress: what fails ends it, wherever it is; and only whole blocks are compressed.
func TestRecompress(t *testing.T) {
	var out bytes.Buffer
	if err := Recompress(NewReader(bytes.NewReader(damagedVolume(t)), Options{}), &out, CompressionZstd, 0); !errors.Is(err, ErrPayload) {
		t.Errorf("a payload that is damaged: %v", err)
	}
	s := newSample(t, binary.LittleEndian).begin("a", 0, 1, 0).object(ZvolData, ObjectZvol, 4096)
	for i := range uint64(5000) {
		s.write(ZvolData, i*4096, text(4096), CompressionNone)
	}
	stream := s.size(5000 * 4096).end().bytes()
	full := errors.New("the disk is full")
	if err := Recompress(NewReader(bytes.NewReader(stream), Options{}), &failingWriter{room: 100 << 10, err: full}, CompressionLZ4, 0); !errors.Is(err, full) {
		t.Errorf("a disk that is full: %v", err)
	}
	if err := Recompress(NewReader(bytes.NewReader(stream[:len(stream)/2]), Options{}), io.Discard, CompressionLZ4, 0); !errors.Is(err, ErrTruncated) {
		t.Errorf("a stream that is cut: %v", err)
	}
	if err := Recompress(NewReader(bytes.NewReader(nil), Options{}), io.Discard, CompressionLZ4, 0); !errors.Is(err, ErrNotStream) {
		t.Errorf("no stream: %v", err)
	}
	long := newSample(t, binary.LittleEndian).begin("a", 0, 1, FeatureLargeBlocks).object(ZvolData, ObjectZvol, 4<<20).
		write(ZvolData, 0, text(4<<20), CompressionNone).write(ZvolData, 4<<20, text(4<<20), CompressionNone).size(8 << 20).end().bytes()
	out.Reset()
	if err := Recompress(NewReader(bytes.NewReader(long), Options{}), &out, CompressionZstd, 0); err != nil || out.Len() > 1<<20 || !model(t, nil, out.Bytes()).same(model(t, nil, long)) {
		t.Errorf("long blocks: %d bytes, %v", out.Len(), err)
	}
	part := newSample(t, binary.LittleEndian).begin("b", 1, 2, 0).object(ZvolData, ObjectZvol, 8192).write(ZvolData, 0, text(4096), CompressionNone).end().bytes()
	out.Reset()
	if err := Recompress(NewReader(bytes.NewReader(part), Options{}), &out, CompressionLZ4, 0); err != nil {
		t.Fatal(err)
	}
	if text := dumped(t, out.Bytes()); !strings.Contains(text, "compression type = 0") {
		t.Errorf("a part of a block is compressed:\n%s", text)
	}
}

type failingWriter struct {
	room int
	err  error
}

func (f *failingWriter) Write(p []byte) (int, error) {
	if f.room -= len(p); f.room < 0 {
		return 0, f.err
	}
	return len(p), nil
}

// TestFilter: what is left out reads as zeros, in a full stream and in the ones behind it, which
// still follow one another.
func TestFilter(t *testing.T) {
	files := realFiles(t)
	drop := []Range{{49152, 16384}, {65536, 8192 + 100}, {4 << 20, 1 << 20}}
	filtered := func(name string) (*Begin, []byte, Filtered) {
		var out bytes.Buffer
		done, err := Filter(NewReader(bytes.NewReader(files[name]), Options{}), &out, drop)
		if err != nil {
			t.Fatal(err)
		}
		r := NewReader(bytes.NewReader(out.Bytes()), Options{})
		if _, err := r.Next(); err != nil {
			t.Fatal(err)
		}
		return r.Begin(), out.Bytes(), done
	}
	a, full, done := filtered("v8-full-a.zs")
	b, ab, _ := filtered("v8-a-b.zs")
	if a.FromGUID() != 0 || a.ToGUID() == 0 || b.FromGUID() != a.ToGUID() || b.ToGUID() == a.ToGUID() {
		t.Errorf("from %d to %d, from %d to %d", a.FromGUID(), a.ToGUID(), b.FromGUID(), b.ToGUID())
	}
	want := model(t, nil, files["v8-full-a.zs"])
	dropped := func(v *memVolume) *memVolume {
		if err := errors.Join(v.Punch(49152, 16384+8192), v.Punch(4<<20, 1<<20)); err != nil {
			t.Fatal(err)
		}
		return v
	}
	if !model(t, nil, full).same(dropped(want)) || done.Dropped != 3*8192+8192 || done.Partial != 8192 {
		t.Errorf("filtered it is another; %+v", done)
	}
	want = model(t, want, files["v8-a-b.zs"])
	if !model(t, model(t, nil, full), ab).same(dropped(want)) {
		t.Error("the next one is another")
	}
	for _, name := range []string{"fs-full-a.zs", "venc-raw-a.zs"} {
		if _, err := Filter(NewReader(bytes.NewReader(files[name]), Options{}), io.Discard, drop); err == nil {
			t.Errorf("%s was filtered", name)
		}
	}
	if _, err := Filter(NewReader(bytes.NewReader(full), Options{}), io.Discard, []Range{{ToEnd, 2}}); err == nil {
		t.Error("a range behind the end of all volumes makes sense")
	}
}

// part is a part in memory.
type part struct{ bytes.Buffer }

func (*part) Close() error { return nil }

// TestSplitJoin: the parts behind one another are the stream, and joined in any order too.
func TestSplitJoin(t *testing.T) {
	streams := map[string][]byte{
		"volume": smallVolume(t, binary.LittleEndian), "volume, big-endian": smallVolume(t, binary.BigEndian),
		"package": smallPackage(t, binary.LittleEndian), "package, big-endian": smallPackage(t, binary.BigEndian),
	}
	rng := rand.New(rand.NewPCG(3, 3))
	for _, name := range slices.Sorted(maps.Keys(streams)) {
		stream := streams[name]
		for _, size := range []int64{1400, 3000, 5000, 1 << 20} {
			var made []*part
			n, err := Split(NewReader(bytes.NewReader(stream), Options{}), size, func(n int) (io.WriteCloser, error) {
				made = append(made, new(part))
				return made[n-1], nil
			})
			if err != nil || n != len(made) || n > 1 == (size > int64(len(stream))) {
				t.Fatalf("%s: %d parts of %d bytes, %v", name, n, size, err)
			}
			var parts []Part
			var all []byte
			for i, p := range made {
				if int64(p.Len()) > size || p.Len() == 0 {
					t.Errorf("%s: a part of %d bytes, not %d", name, p.Len(), size)
				}
				data := p.Bytes()
				all = append(all, data...)
				parts = append(parts, Part{Name: fmt.Sprint(i), Open: func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(data)), nil }})
			}
			if !bytes.Equal(all, stream) {
				t.Errorf("%s: the parts are not the stream", name)
			}
			for range 5 {
				var out bytes.Buffer
				if _, err := Join(parts, &out); err != nil || !bytes.Equal(out.Bytes(), stream) {
					t.Fatalf("%s: joined %d parts of %d bytes: %d bytes, %v", name, n, size, out.Len(), err)
				}
				rng.Shuffle(len(parts), func(i, j int) { parts[i], parts[j] = parts[j], parts[i] })
			}
			for i := range parts {
				missing := slices.Delete(slices.Clone(parts), i, i+1)
				if _, err := Join(missing, io.Discard); err == nil || !strings.Contains(err.Error(), "missing") && name != "package" {
					t.Errorf("%s: joined without part %s: %v", name, parts[i].Name, err)
				}
			}
			if _, err := Join(append(slices.Clone(parts), parts[0]), io.Discard); err == nil {
				t.Errorf("%s: joined with a part twice", name)
			}
		}
	}
	if _, err := Split(NewReader(bytes.NewReader(streams["volume"]), Options{}), 1000, func(int) (io.WriteCloser, error) { return new(part), nil }); err == nil || !strings.Contains(err.Error(), "does not fit") {
		t.Errorf("parts that are too small: %v", err)
	}
	full := errors.New("no medium")
	if _, err := Split(NewReader(bytes.NewReader(streams["volume"]), Options{}), 3000, func(n int) (io.WriteCloser, error) { return nil, full }); !errors.Is(err, full) {
		t.Errorf("no medium: %v", err)
	}
}

// FuzzRebase: whatever two streams are, what comes out is a whole stream that keeps the rules.
func FuzzRebase(f *testing.F) {
	a := newSample(f, binary.LittleEndian).begin("b", 1, 2, 0).object(ZvolData, ObjectZvol, 512).free(ZvolData, 4096, ToEnd).write(ZvolData, 512, noise(512), CompressionNone).free(ZvolData, 1024, 2048).size(8192).end().bytes()
	b := newSample(f, binary.LittleEndian).begin("c", 2, 3, 0).object(ZvolData, ObjectZvol, 512).free(ZvolData, 2048, ToEnd).free(ZvolData, 0, 1024).write(ZvolData, 1024, noise(512), CompressionNone).end().bytes()
	f.Add(a, b)
	f.Fuzz(func(t *testing.T, older, newer []byte) {
		out, err := rebase(reseal(older), reseal(newer))
		if err != nil {
			return
		}
		if _, err := drain(bytes.NewReader(out), Options{}); err != nil {
			t.Fatal(err)
		}
	})
}

// TestFilterPackage: the header of a package names its snapshots by the GUIDs that they have in
// what comes out, and the rest of it stays.
func TestFilterPackage(t *testing.T) {
	header := func(stream []byte) (list *nvlist.List, guids []uint64) {
		t.Helper()
		for r := NewReader(bytes.NewReader(stream), Options{}); ; {
			rec, err := r.Next()
			switch {
			case err == io.EOF:
				return list, guids
			case err != nil:
				t.Fatal(err)
			case rec.Type() != TypeBegin:
			case rec.Begin().Kind() == Substream:
				guids = append(guids, rec.Begin().ToGUID())
			default:
				if list, err = nvlist.Decode(r.Payload()); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	snaps := func(list *nvlist.List) (guids []uint64) {
		t.Helper()
		all, _ := list.List("fss")
		if all == nil || len(all.Pairs) != 1 {
			t.Fatalf("the header has %v", list)
		}
		of, _ := all.Pairs[0].Value.(*nvlist.List).List("snaps")
		for _, p := range of.Pairs {
			guids = append(guids, p.Value.(uint64))
		}
		return guids
	}
	stream := realFiles(t)["v8-R-c.zs"]
	var out bytes.Buffer
	if _, err := Filter(NewReader(bytes.NewReader(stream), Options{}), &out, []Range{{0, 64 << 10}}); err != nil {
		t.Fatal(err)
	}
	before, old := header(stream)
	after, now := header(out.Bytes())
	if !slices.Equal(snaps(before), old) || !slices.Equal(snaps(after), now) || slices.Equal(old, now) || len(now) != 3 {
		t.Errorf("the header says %x of %x", snaps(after), now)
	}
	if len(before.Pairs) != len(after.Pairs) || before.Pairs[0] != after.Pairs[0] {
		t.Errorf("the header was %v, and is %v", before, after)
	}
}
