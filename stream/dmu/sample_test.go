package dmu

import (
	"bytes"
	"encoding/binary"
	"testing"

	"github.com/lunarsan/lunar/stream/dmu/nvlist"
)

// A sample makes small streams for tests.
type sample struct {
	t    testing.TB
	w    *Writer
	out  bytes.Buffer
	guid uint64
}

func newSample(t testing.TB, order binary.ByteOrder) *sample {
	s := &sample{t: t}
	s.w = NewWriter(&s.out, order)
	return s
}

func (s *sample) put(r *Record, payload []byte) *sample {
	s.t.Helper()
	if r.Type() != TypeBegin && r.Type() != TypeEnd || r.Type() == TypeEnd && s.guid != 0 {
		r.SetToGUID(s.guid)
	}
	if err := s.w.Write(r, payload); err != nil {
		s.t.Fatal(err)
	}
	return s
}

// begin begins the substream of tank/vol@name.
func (s *sample) begin(name string, from, to uint64, f Features) *sample {
	s.t.Helper()
	b := NewBegin()
	b.SetVersion(Substream, f)
	b.SetObjset(ObjsetZvol)
	b.SetFlags(BeginFreeRecords | BeginSpillBlock)
	b.SetCreationTime(1_700_000_000)
	b.SetFromGUID(from)
	b.SetToGUID(to)
	if err := b.SetToName("tank/vol@" + name); err != nil {
		s.t.Fatal(err)
	}
	s.guid = to
	return s.put(b.Record(), nil)
}

func (s *sample) compound(list *nvlist.List) *sample {
	s.t.Helper()
	b := NewBegin()
	b.SetVersion(Compound, 0)
	if err := b.SetToName("tank/vol@c"); err != nil {
		s.t.Fatal(err)
	}
	packed, err := list.Encode(nvlist.Encoding{XDR: true, BigEndian: s.w.order == binary.BigEndian})
	if err != nil {
		s.t.Fatal(err)
	}
	b.SetPayloadLen(uint32(len(packed)))
	s.guid = 0
	return s.put(b.Record(), packed).end()
}

func (s *sample) object(n uint64, dmuType, blockSize uint32) *sample {
	s.t.Helper()
	o := NewRecord(TypeObject).Object()
	o.SetObject(n)
	o.SetDMUType(dmuType)
	o.SetBlockSize(blockSize)
	o.SetDnodeSlots(1)
	return s.put(o.Record(), nil)
}

func (s *sample) write(object, offset uint64, block []byte, how Compression) *sample {
	s.t.Helper()
	w := NewRecord(TypeWrite).Write()
	w.SetObject(object)
	w.SetDMUType(ObjectZvol + uint32(object) - 1)
	w.SetOffset(offset)
	w.SetLogicalSize(uint64(len(block)))
	if how != CompressionNone {
		packed, err := new(Codec).Compress(how, 0, nil, block)
		if err != nil {
			s.t.Fatal(err)
		}
		block = packed
		w.SetCompression(how)
		w.SetCompressedSize(uint64(len(packed)))
	}
	return s.put(w.Record(), block)
}

func (s *sample) free(object, offset, length uint64) *sample {
	s.t.Helper()
	f := NewRecord(TypeFree).Free()
	f.SetObject(object)
	f.SetOffset(offset)
	f.SetLength(length)
	return s.put(f.Record(), nil)
}

// size has the objects that a volume of size bytes ends with.
func (s *sample) size(size uint64) *sample {
	s.t.Helper()
	props := VolumeProps(size)
	if s.w.order == binary.BigEndian {
		swap8(props)
		swap8(props[zapEntry:])
	}
	s.object(ZvolProps, ObjectZvolProp, minZvolZAP).free(ZvolProps, minZvolZAP, ToEnd).write(ZvolProps, 0, props, CompressionNone)
	f := NewRecord(TypeFreeObjects).FreeObjects()
	f.SetFirst(3)
	f.SetCount(29)
	return s.put(f.Record(), nil)
}

func (s *sample) end() *sample {
	s.t.Helper()
	return s.put(NewRecord(TypeEnd), nil)
}

// bytes is the whole stream.
func (s *sample) bytes() []byte {
	s.t.Helper()
	if err := s.w.Close(); err != nil {
		s.t.Fatal(err)
	}
	return s.out.Bytes()
}

// text is n bytes that compress.
func text(n int) []byte {
	return bytes.Repeat([]byte("All that glisters is not gold. "), n/31+1)[:n]
}

const allCompressions = FeatureCompressed | FeatureLZ4 | FeatureZstd

// smallVolume is a full stream of a volume of 64 KiB in blocks of 1 KiB.
func smallVolume(t testing.TB, order binary.ByteOrder) []byte {
	return newSample(t, order).begin("a", 0, 0xa1, allCompressions).
		object(ZvolData, ObjectZvol, 1024).free(ZvolData, 8*1024, ToEnd).
		write(ZvolData, 0, noise(1024), CompressionNone).free(ZvolData, 1024, 2048).
		write(ZvolData, 3*1024, text(1024), CompressionLZ4).
		write(ZvolData, 4*1024, text(1024), CompressionZstd).
		write(ZvolData, 7*1024, text(1024), CompressionGzip9).
		size(65536).end().bytes()
}

// smallPackage is a package of that volume's snapshots a, b and c.
func smallPackage(t testing.TB, order binary.ByteOrder) []byte {
	s := newSample(t, order).compound(nvlist.New().AddString("tosnap", "c").AddBoolean("not_recursive"))
	s.begin("a", 0, 0xa1, 0).object(ZvolData, ObjectZvol, 1024).free(ZvolData, 2048, ToEnd).write(ZvolData, 1024, noise(1024), CompressionNone).size(65536).end()
	s.begin("b", 0xa1, 0xb2, 0).object(ZvolData, ObjectZvol, 1024).free(ZvolData, 2048, ToEnd).free(ZvolData, 0, 2048).end()
	s.begin("c", 0xb2, 0xc3, 0).end()
	s.guid = 0
	return s.end().bytes()
}
