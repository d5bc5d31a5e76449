package dmu

import (
	"bytes"
	"encoding/binary"
	"errors"
	"strings"
	"testing"

	"github.com/lunarsan/lunar/stream/dmu/nvlist"
)

// TestRules breaks each rule, once, in a stream that is right but for it. The Writer refuses
// the record, and nothing of it goes out.
func TestRules(t *testing.T) {
	small := noise(1024)
	big := make([]byte, 256<<10)
	begin := func(f Features, change func(b *Begin)) func(s *sample) (*Record, []byte) {
		return func(s *sample) (*Record, []byte) {
			b := NewBegin()
			b.SetVersion(Substream, f)
			b.SetObjset(ObjsetZvol)
			b.SetToGUID(0xa1)
			if err := b.SetToName("tank/vol@a"); err != nil {
				t.Fatal(err)
			}
			change(b)
			return b.Record(), nil
		}
	}
	// in makes a record in a volume's stream whose OBJECT 1 was there.
	in := func(f Features, kind Type, payload []byte, change func(r *Record)) func(s *sample) (*Record, []byte) {
		return func(s *sample) (*Record, []byte) {
			s.begin("a", 0, 0xa1, f).object(ZvolData, ObjectZvol, 1024).write(ZvolData, 4096, small, CompressionNone)
			r := NewRecord(kind)
			r.SetToGUID(0xa1)
			change(r)
			return r, payload
		}
	}
	object := func(f Features, change func(o *Object)) func(s *sample) (*Record, []byte) {
		return in(f, TypeObject, nil, func(r *Record) {
			o := r.Object()
			o.SetObject(7)
			o.SetDMUType(ObjectZvol)
			o.SetBlockSize(1024)
			change(o)
		})
	}
	write := func(f Features, payload []byte, change func(w *Write)) func(s *sample) (*Record, []byte) {
		return in(f, TypeWrite, payload, func(r *Record) {
			w := r.Write()
			w.SetObject(ZvolData)
			w.SetDMUType(ObjectZvol)
			w.SetOffset(8192)
			w.SetLogicalSize(uint64(len(payload)))
			change(w)
		})
	}
	embedded := func(f Features, change func(w *WriteEmbedded)) func(s *sample) (*Record, []byte) {
		return in(f, TypeWriteEmbedded, make([]byte, 16), func(r *Record) {
			w := r.WriteEmbedded()
			w.SetObject(ZvolData)
			w.SetOffset(8192)
			w.SetLength(1024)
			w.SetLogicalSize(1024)
			w.SetPhysicalSize(16)
			change(w)
		})
	}
	end := func(f func(s *sample)) func(s *sample) (*Record, []byte) {
		return func(s *sample) (*Record, []byte) {
			f(s)
			r := NewRecord(TypeEnd)
			r.SetToGUID(s.guid)
			return r, nil
		}
	}
	tests := []struct {
		says   string
		record func(s *sample) (*Record, []byte)
	}{
		{"", begin(0, func(b *Begin) {})},
		{"without the snapshot's GUID", begin(0, func(b *Begin) { b.SetToGUID(0) })},
		{"goes on from the snapshot that it makes", begin(0, func(b *Begin) { b.SetFromGUID(0xa1) })},
		{"not a dataset@snapshot", begin(0, func(b *Begin) { _ = b.SetToName("tank/vol") })},
		{"cannot be received: objset type 4", begin(0, func(b *Begin) { b.SetObjset(4) })},
		{"says where it resumes", begin(FeatureResuming, func(b *Begin) {})},
		{"comes where a record of the substream should", func(s *sample) (*Record, []byte) {
			s.begin("a", 0, 1, 0)
			return NewBegin().Record(), nil
		}},
		{"FREE comes where BEGIN should", func(s *sample) (*Record, []byte) { return NewRecord(TypeFree), nil }},
		{"comes behind the end", func(s *sample) (*Record, []byte) {
			s.begin("b", 2, 1, 0).end()
			return NewRecord(TypeFree), nil
		}},
		{"no record of type 11", in(0, TypeFree, nil, func(r *Record) { r[0] = 11 })},
		{"payload of 8 bytes, and should have 0", in(0, TypeFree, make([]byte, 8), func(r *Record) {})},
		{"belongs to snapshot 0x1", in(0, TypeFree, nil, func(r *Record) { r.SetToGUID(1) })},

		{"", object(0, func(o *Object) {})},
		{"OBJECT is of object 0x0", object(0, func(o *Object) { o.SetObject(0) })},
		{"OBJECT is of object 0x1000000000000", object(0, func(o *Object) { o.SetObject(1 << 48) })},
		{"has type 54", object(0, func(o *Object) { o.SetDMUType(54) })},
		{"has type 0", object(0, func(o *Object) { o.SetDMUType(0) })},
		{"", object(0, func(o *Object) { o.SetDMUType(0xc4) })},
		{"blocks of 0 bytes", object(0, func(o *Object) { o.SetBlockSize(0) })},
		{"blocks of 1000 bytes", object(0, func(o *Object) { o.SetBlockSize(1000) })},
		{"without large blocks", object(0, func(o *Object) { o.SetBlockSize(256 << 10) })},
		{"", object(FeatureLargeBlocks, func(o *Object) { o.SetBlockSize(256 << 10) })},
		{"blocks of 33554432 bytes", object(FeatureLargeBlocks, func(o *Object) { o.SetBlockSize(32 << 20) })},
		{"without large dnodes", object(0, func(o *Object) { o.SetDnodeSlots(2) })},
		{"takes 33 slots", object(FeatureLargeDnode, func(o *Object) { o.SetDnodeSlots(33) })},
		{"what only raw streams have", object(0, func(o *Object) { o.SetFlags(1) })},
		{"what only raw streams have", object(0, func(o *Object) { o[49] = 2 })},
		{"changes the volume's blocks from 1024 to 2048", object(0, func(o *Object) { o.SetObject(ZvolData); o.SetBlockSize(2048) })},

		{"", write(0, small, func(w *Write) {})},
		{"WRITE is of object 3", write(0, small, func(w *Write) { w.SetObject(3) })},
		{"behind object 1 at 4096", write(0, small, func(w *Write) { w.SetOffset(0) })},
		{"where no object reaches", write(0, small, func(w *Write) { w.SetOffset(ToEnd - 512) })},
		{"a block of 256 bytes", write(0, make([]byte, 256), func(w *Write) {})},
		{"without large blocks", write(0, big, func(w *Write) {})},
		{"", write(FeatureLargeBlocks, big, func(w *Write) {})},
		{"type 99", write(0, small, func(w *Write) { w.SetDMUType(99) })},
		{"not compressed, to 512", write(0, small, func(w *Write) { w.SetCompressedSize(512) })},
		{"compressed from 1024 bytes to 2048", write(allCompressions, make([]byte, 2048), func(w *Write) {
			w.SetLogicalSize(1024)
			w.SetCompression(CompressionLZ4)
			w.SetCompressedSize(2048)
		})},
		{"in a stream without lz4, compressed", write(0, small, func(w *Write) {
			w.SetLogicalSize(2048)
			w.SetCompression(CompressionLZ4)
			w.SetCompressedSize(1024)
		})},
		{"compressed with compression 77", write(allCompressions, small, func(w *Write) {
			w.SetLogicalSize(2048)
			w.SetCompression(77)
			w.SetCompressedSize(1024)
		})},

		{"", embedded(FeatureEmbedData, func(w *WriteEmbedded) {})},
		{"without embedded data", embedded(0, func(w *WriteEmbedded) {})},
		{"something else than data", embedded(FeatureEmbedData, func(w *WriteEmbedded) { w[41] = 1 })},
		{"has 2048 bytes for a block of 1024", embedded(FeatureEmbedData, func(w *WriteEmbedded) { w.SetLogicalSize(2048) })},

		{"FREE is of object 0x0", in(0, TypeFree, nil, func(r *Record) {})},
		{"FREE is of 2 from", in(0, TypeFree, nil, func(r *Record) { r.Free().SetObject(1); r.Free().SetOffset(ToEnd - 1); r.Free().SetLength(2) })},
		{"FREEOBJECTS is of", in(0, TypeFreeObjects, nil, func(r *Record) { r.FreeObjects().SetFirst(maxObject); r.FreeObjects().SetCount(2) })},
		{"a stream that is not redacted", in(0, TypeRedact, nil, func(r *Record) {})},
		{"zstream redup", in(0, TypeWriteByref, nil, func(r *Record) {})},
		{"a stream that is not raw", in(0, TypeObjectRange, nil, func(r *Record) {})},
		{"SPILL has a block of 8 bytes", in(0, TypeSpill, make([]byte, 8), func(r *Record) { r.Spill().SetObject(1); r.Spill().SetLength(8) })},

		{"a receiver would panic", end(func(s *sample) { s.begin("a", 0, 1, 0).object(ZvolData, ObjectZvol, 1024) })},
		{"a receiver would panic", end(func(s *sample) { s.begin("a", 0, 1, 0) })},
		{"", end(func(s *sample) { s.begin("b", 1, 2, 0) })},
		{"", end(func(s *sample) { s.begin("a", 0, 1, 0).object(ZvolData, ObjectZvol, 1024).size(65536) })},
		{"has a block that ends at 66560", end(func(s *sample) {
			s.begin("a", 0, 1, 0).object(ZvolData, ObjectZvol, 1024).write(ZvolData, 65536, small, CompressionNone).size(65536)
		})},
		{"do not say its size", props(make([]byte, 512))},
		{"a fat ZAP", props(binary.LittleEndian.AppendUint64(nil, fatZAP))},
		{"1536 bytes long, in blocks of 1024", props(VolumeProps(1536))},
		{"0 bytes long", props(VolumeProps(0))},
	}
	for _, test := range tests {
		s := newSample(t, binary.LittleEndian)
		rec, payload := test.record(s)
		if err := s.w.Flush(); err != nil {
			t.Fatal(err)
		}
		before := s.out.Len()
		err := s.w.Write(rec, payload)
		switch {
		case test.says == "" && err != nil:
			t.Errorf("refused: %v", err)
		case test.says == "":
		case !errors.Is(err, ErrInvalid) || !strings.Contains(err.Error(), test.says):
			t.Errorf("%v, want ... %s", err, test.says)
		default:
			if again := s.w.Write(NewRecord(TypeEnd), nil); again != err {
				t.Errorf("after %v there is %v", err, again)
			}
			if s.w.Close() != err || s.out.Len() != before {
				t.Errorf("%v: something went out", err)
			}
		}
	}
}

// props is a WRITE of a volume's properties.
func props(zap []byte) func(s *sample) (*Record, []byte) {
	return func(s *sample) (*Record, []byte) {
		s.begin("a", 0, 0xa1, 0).object(ZvolData, ObjectZvol, 1024)
		w := NewRecord(TypeWrite).Write()
		w.SetObject(ZvolProps)
		w.SetDMUType(ObjectZvolProp)
		zap = append(zap, make([]byte, 512-len(zap))...)
		w.SetLogicalSize(512)
		w.Record().SetToGUID(0xa1)
		return w.Record(), zap
	}
}

// TestPackedProps: a volume's properties may be compressed, or embedded in a block pointer.
func TestPackedProps(t *testing.T) {
	zap := append(VolumeProps(65536), make([]byte, 1536)...)
	s := newSample(t, binary.LittleEndian).begin("a", 0, 0xa1, allCompressions|FeatureEmbedData).object(ZvolData, ObjectZvol, 1024)
	s.write(ZvolProps, 0, zap, CompressionZstd).end().bytes()

	s = newSample(t, binary.LittleEndian).begin("a", 0, 0xa1, FeatureEmbedData|FeatureLZ4).object(ZvolData, ObjectZvol, 1024)
	packed, err := packLZ4(&Codec{}, nil, zap[:512], 0)
	if err != nil {
		t.Fatal(err)
	}
	w := NewRecord(TypeWriteEmbedded).WriteEmbedded()
	w.SetObject(ZvolProps)
	w.SetLength(512)
	w.SetLogicalSize(512)
	w.SetPhysicalSize(uint32(len(packed)))
	w.SetCompression(CompressionLZ4)
	stream := s.put(w.Record(), append(packed, make([]byte, -len(packed)&7)...)).end().bytes()
	v := NewVerifier(bytes.NewReader(stream), true)
	for err == nil {
		_, err = v.Next()
	}
	if size, known := v.Checker.VolumeSize(); size != 65536 || !known {
		t.Errorf("the volume has %d bytes, %v (%v)", size, known, err)
	}
}

// TestResumedBehindSize: what goes on behind the volume's size need not have it.
func TestResumedBehindSize(t *testing.T) {
	for object, refused := range map[uint64]bool{1: true, 2: true, 3: false} {
		s := newSample(t, binary.LittleEndian)
		b := NewBegin()
		b.SetVersion(Substream, FeatureResuming)
		b.SetObjset(ObjsetZvol)
		b.SetToGUID(0xa1)
		if err := b.SetToName("tank/vol@a"); err != nil {
			t.Fatal(err)
		}
		list, err := nvlist.New().AddUint64("resume_object", object).AddUint64("resume_offset", 0).Encode(nvlist.XDRLittle)
		if err != nil {
			t.Fatal(err)
		}
		b.SetPayloadLen(uint32(len(list)))
		s.guid = 0xa1
		s.put(b.Record(), list)
		end := NewRecord(TypeEnd)
		end.SetToGUID(0xa1)
		if err := s.w.Write(end, nil); (err != nil) != refused {
			t.Errorf("resumed at object %d: %v", object, err)
		}
	}
}

// TestWriterUnfinished: a stream without its end is not whole, and that is said.
func TestWriterUnfinished(t *testing.T) {
	s := newSample(t, binary.LittleEndian).begin("b", 1, 2, 0)
	if err := s.w.Close(); !errors.Is(err, ErrUnfinished) {
		t.Errorf("closed: %v", err)
	}
	s = newSample(t, binary.LittleEndian).compound(nvlist.New())
	if err := s.w.Close(); !errors.Is(err, ErrUnfinished) {
		t.Errorf("closed in a package: %v", err)
	}
}
