package dmu

import (
	"bytes"
	"encoding/binary"
	"errors"
	"strings"
	"testing"
)

// scripted is a stream of one volume that a fuzzer's bytes describe, with right checksums, and
// with or without sense: what it breaks of the rules a Writer would not write.
func scripted(script []byte) []byte {
	var out bytes.Buffer
	w := NewWriter(&out, binary.LittleEndian)
	put := func(r *Record, payload []byte) {
		if r.Type() != TypeBegin {
			r.SetToGUID(uint64(1 + len(script)%2))
		}
		w.seal(r, r.Type(), r.Type() != TypeBegin)
		w.sum.Add(payload, w.order)
		if err := w.put(r[:], payload); err != nil {
			panic(err) // it goes to memory
		}
	}
	next := func() uint64 {
		if len(script) == 0 {
			return 0
		}
		b := script[0]
		script = script[1:]
		return uint64(b)
	}
	b := NewBegin()
	b.SetObjset(ObjsetZvol)
	b.SetVersion(Substream, allCompressions|FeatureEmbedData)
	b.SetToGUID(uint64(1 + len(script)%2))
	b.SetFromGUID(uint64(len(script) % 2))
	if err := b.SetToName("tank/vol@x"); err != nil {
		panic(err)
	}
	put(b.Record(), nil)
	for len(script) > 0 {
		switch op := next(); op % 6 {
		case 0:
			o := NewRecord(TypeObject).Object()
			o.SetObject(next() % 4)
			o.SetDMUType(ObjectZvol)
			o.SetBlockSize(uint32(512 * (1 + next()%16)))
			put(o.Record(), nil)
		case 1:
			r := NewRecord(TypeWrite).Write()
			r.SetObject(next() % 4)
			r.SetDMUType(ObjectZvol)
			r.SetOffset(512 * next() << (next() % 60))
			data := bytes.Repeat([]byte{byte(next())}, int(512*(1+next()%8)))
			r.SetLogicalSize(uint64(len(data)))
			if op > 128 {
				if packed, err := w.check.codec.Compress(CompressionLZ4, 0, nil, data); err == nil {
					r.SetCompression(CompressionLZ4)
					r.SetCompressedSize(uint64(len(packed)))
					data = packed
				}
			}
			put(r.Record(), data)
		case 2:
			f := NewRecord(TypeFree).Free()
			f.SetObject(next() % 4)
			f.SetOffset(512 * next())
			f.SetLength(512 * next())
			if op > 200 {
				f.SetLength(ToEnd)
			}
			put(f.Record(), nil)
		case 3:
			r := NewRecord(TypeWrite).Write()
			r.SetObject(ZvolProps)
			r.SetDMUType(ObjectZvolProp)
			r.SetLogicalSize(minZvolZAP)
			put(r.Record(), VolumeProps(512*next()<<(next()%60)))
		case 4:
			e := NewRecord(TypeWriteEmbedded).WriteEmbedded()
			e.SetObject(next() % 3)
			e.SetOffset(512 * next())
			e.SetLength(512 * (1 + next()%4))
			e.SetLogicalSize(uint32(8 * next()))
			e.SetPhysicalSize(uint32(next() % 130))
			e.SetCompression(Compression(next() % 20))
			put(e.Record(), make([]byte, roundUp8(uint64(e.PhysicalSize()))))
		case 5:
			put(NewRecord(TypeEnd), nil)
		}
	}
	put(NewRecord(TypeEnd), nil)
	if err := w.Flush(); err != nil {
		panic(err)
	}
	return out.Bytes()
}

// fullOf is a small full stream of GUID 1, which the odd streams of scripted go on from.
func fullOf(t testing.TB) []byte {
	return newSample(t, binary.LittleEndian).begin("a", 0, 1, 0).object(1, ObjectZvol, 512).
		write(1, 0, block(1, 512), 0).write(1, 7*512, block(2, 512), 0).size(16 * 512).end().bytes()
}

// FuzzApply: whatever a stream says, no call to the volume is out of its range, nothing comes to
// harm, and the chain says complete only of a stream that was whole.
func FuzzApply(f *testing.F) {
	f.Add([]byte{0, 1, 0, 1, 1, 0, 0, 7, 0, 3, 16, 0}, false)
	f.Add([]byte{0, 1, 0, 129, 1, 3, 0, 7, 2, 205, 1, 4, 0, 3, 16, 0, 0}, true)
	f.Add([]byte{2, 1, 4, 8, 1, 1, 9, 0, 3, 1, 1, 1, 255, 59, 1, 1, 3, 255, 59}, true)
	f.Add([]byte{4, 1, 2, 0, 64, 9, 2, 3, 8, 0}, false)
	f.Fuzz(func(t *testing.T, script []byte, device bool) {
		if len(script) > 4096 {
			return
		}
		s := newStore(t)
		if device {
			s.v.size = 32 * 512
			s.v.fixed = true
		}
		if len(script)%2 == 1 {
			if err := s.apply(fullOf(t), ApplyOptions{Overwrite: true}); err != nil {
				t.Fatal(err)
			}
		}
		before := len(s.done)
		err := s.apply(scripted(script), ApplyOptions{Overwrite: true})
		if err != nil && (strings.Contains(err.Error(), "Punch:") || strings.Contains(err.Error(), "Truncate:")) {
			t.Fatal(err)
		}
		if err == nil && len(s.done) == before {
			t.Fatal("nothing was done, and nothing was said")
		}
		if s.saved == nil {
			return
		}
		head := s.chain().Head()
		broken := new(BrokenOffError)
		switch {
		case errors.As(err, &broken) && s.chain().State() != ChainReceiving:
			t.Fatalf("%v, and the chain is %s", err, s.saved)
		case err == nil && !device && int64(head.Size) != s.v.size:
			t.Fatalf("the chain says %d bytes, the volume has %d", head.Size, s.v.size)
		}
	})
}

// FuzzParseChain: what is taken for a chain is written again, and read as the same.
func FuzzParseChain(f *testing.F) {
	c := Chain{Snapshots: []Link{{GUID: 1, Name: "a@b", Size: 512, BlockSize: 512}}, Receiving: &Receiving{Link: Link{GUID: 2, From: 1}, Cursor: Cursor{Offset: 3}}}
	p, err := c.Encode()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(p)
	f.Add([]byte(`{"format":1,"state":"empty","snapshots":[]}`))
	f.Fuzz(func(t *testing.T, p []byte) {
		c, err := ParseChain(p)
		if err != nil {
			if c != nil || !errors.Is(err, ErrChain) {
				t.Fatalf("%v with %v", c, err)
			}
			return
		}
		again, err := c.Encode()
		if err != nil {
			t.Fatal(err)
		}
		d, err := ParseChain(again)
		if err != nil {
			t.Fatalf("%v\n%s", err, again)
		}
		if third, err := d.Encode(); err != nil || !bytes.Equal(again, third) {
			t.Fatalf("%s\nbecame\n%s\n%v", again, third, err)
		}
	})
}
