// Package dmutest makes streams of volumes for tests, record by record.
package dmutest

import (
	"encoding/binary"
	"io"
	"testing"

	"github.com/lunarsan/lunar/stream/dmu"
	"github.com/lunarsan/lunar/stream/dmu/nvlist"
)

// A Stream is a stream under way. What cannot be in one ends the test.
type Stream struct {
	Dataset string // of the substreams that begin; New says tank/vol
	Clone   bool   // they are of clones

	t    testing.TB
	w    *dmu.Writer
	guid uint64 // of the snapshot
}

// New begins a stream that goes to out.
func New(t testing.TB, out io.Writer) *Stream {
	return &Stream{Dataset: "tank/vol", t: t, w: dmu.NewWriter(out, binary.LittleEndian)}
}

// put writes a record.
func (s *Stream) put(r *dmu.Record, payload []byte) {
	s.t.Helper()
	if r.Type() != dmu.TypeBegin && s.guid != 0 {
		r.SetToGUID(s.guid)
	}
	if err := s.w.Write(r, payload); err != nil {
		s.t.Fatal(err)
	}
}

// Package begins a package of substreams, whose last snapshot is the dataset's of that name. more
// is what its header has beside the name.
func (s *Stream) Package(name string, more ...nvlist.Pair) {
	s.t.Helper()
	list, err := nvlist.New().AddString("tosnap", name).Add(more...).Encode(nvlist.XDRLittle)
	if err != nil {
		s.t.Fatal(err)
	}
	b := dmu.NewBegin()
	b.SetVersion(dmu.Compound, 0)
	if err := b.SetToName(s.Dataset + "@" + name); err != nil {
		s.t.Fatal(err)
	}
	b.SetPayloadLen(uint32(len(list)))
	s.put(b.Record(), list)
	s.EndPackage()
}

// EndPackage ends a package.
func (s *Stream) EndPackage() {
	s.t.Helper()
	s.guid = 0
	s.put(dmu.NewRecord(dmu.TypeEnd), nil)
}

// Begin begins the substream of a snapshot of the dataset, a volume, with blocks of blockSize
// bytes, of which some are compressed in one of the given ways.
func (s *Stream) Begin(name string, from, to uint64, blockSize int, how ...dmu.Compression) {
	s.t.Helper()
	var f dmu.Features
	if blockSize > 128<<10 {
		f |= dmu.FeatureLargeBlocks
	}
	for _, h := range how {
		f |= h.Needs()
	}
	s.begin(name, from, to, dmu.ObjsetZvol, f)
	s.object(dmu.ZvolData, dmu.ObjectZvol, blockSize)
}

// Files is the substream of a snapshot of the dataset, a file system, in which nothing changed.
func (s *Stream) Files(name string, from, to uint64) {
	s.t.Helper()
	s.begin(name, from, to, dmu.ObjsetZFS, 0)
	s.put(dmu.NewRecord(dmu.TypeEnd), nil)
}

func (s *Stream) begin(name string, from, to uint64, what dmu.ObjsetType, f dmu.Features) {
	s.t.Helper()
	b := dmu.NewBegin()
	b.SetVersion(dmu.Substream, f)
	b.SetObjset(what)
	b.SetFlags(dmu.BeginFreeRecords | dmu.BeginSpillBlock)
	if s.Clone {
		b.SetFlags(b.Flags() | dmu.BeginClone)
	}
	b.SetCreationTime(1_700_000_000)
	b.SetFromGUID(from)
	b.SetToGUID(to)
	if err := b.SetToName(s.Dataset + "@" + name); err != nil {
		s.t.Fatal(err)
	}
	s.guid = to
	s.put(b.Record(), nil)
}

func (s *Stream) object(n uint64, dmuType uint32, blockSize int) {
	s.t.Helper()
	o := dmu.NewRecord(dmu.TypeObject).Object()
	o.SetObject(n)
	o.SetDMUType(dmuType)
	o.SetBlockSize(uint32(blockSize))
	o.SetDnodeSlots(1)
	s.put(o.Record(), nil)
}

// Block writes a block of the volume.
func (s *Stream) Block(off int, block []byte, how dmu.Compression) {
	s.t.Helper()
	s.write(dmu.ZvolData, dmu.ObjectZvol, off, block, how)
}

func (s *Stream) write(object uint64, dmuType uint32, off int, block []byte, how dmu.Compression) {
	s.t.Helper()
	w := dmu.NewRecord(dmu.TypeWrite).Write()
	w.SetObject(object)
	w.SetDMUType(dmuType)
	w.SetOffset(uint64(off))
	w.SetLogicalSize(uint64(len(block)))
	if how != dmu.CompressionNone {
		packed, err := new(dmu.Codec).Compress(how, 0, nil, block)
		if err != nil {
			s.t.Fatal(err)
		}
		block = packed
		w.SetCompression(how)
		w.SetCompressedSize(uint64(len(block)))
	}
	s.put(w.Record(), block)
}

// Hole frees n bytes of the volume.
func (s *Stream) Hole(off, n int) {
	s.t.Helper()
	f := dmu.NewRecord(dmu.TypeFree).Free()
	f.SetObject(dmu.ZvolData)
	f.SetOffset(uint64(off))
	f.SetLength(uint64(n))
	s.put(f.Record(), nil)
}

// End ends the substream of a volume of size bytes.
func (s *Stream) End(size int) {
	s.t.Helper()
	s.object(dmu.ZvolProps, dmu.ObjectZvolProp, 512)
	s.write(dmu.ZvolProps, dmu.ObjectZvolProp, 0, dmu.VolumeProps(uint64(size)), dmu.CompressionNone)
	s.put(dmu.NewRecord(dmu.TypeEnd), nil)
}

// Close ends the stream.
func (s *Stream) Close() {
	s.t.Helper()
	if err := s.w.Close(); err != nil {
		s.t.Fatal(err)
	}
}
