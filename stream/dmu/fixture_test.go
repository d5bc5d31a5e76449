package dmu

import (
	"bytes"
	"encoding/binary"
	"flag"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var rewrite = flag.Bool("rewrite", false, "write the fixtures anew")

// TestFixtures: the small streams in testdata are read as they were when they were made, and
// what is in them is in the .dump beside. Compressors may change what they write, so a stream
// that is made today need not be the same.
func TestFixtures(t *testing.T) {
	for name, make := range map[string]func() []byte{
		"volume":      func() []byte { return smallVolume(t, binary.LittleEndian) },
		"volume-big":  func() []byte { return smallVolume(t, binary.BigEndian) },
		"package":     func() []byte { return smallPackage(t, binary.LittleEndian) },
		"package-big": func() []byte { return smallPackage(t, binary.BigEndian) },
		"damaged-lz4": func() []byte { return damagedVolume(t) },
		"a-b": func() []byte {
			return newSample(t, binary.LittleEndian).begin("b", 0xa1, 0xb2, 0).object(ZvolData, ObjectZvol, 1024).
				write(ZvolData, 0, noise(1024), CompressionNone).free(ZvolData, 4096, 4096).end().bytes()
		},
		"b-c": func() []byte {
			return newSample(t, binary.LittleEndian).begin("c", 0xb2, 0xc3, 0).object(ZvolData, ObjectZvol, 1024).
				free(ZvolData, 0, 1024).write(ZvolData, 5120, noise(1024), CompressionNone).end().bytes()
		},
		"all-records": func() []byte { return everyRecord(t) },
	} {
		stream, dump := "testdata/"+name+".zs", "testdata/"+name+".dump"
		if *rewrite {
			made := make()
			if err := os.WriteFile(stream, made, 0o644); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(dump, []byte(dumped(t, made)), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		in, err := os.ReadFile(stream)
		if err != nil {
			t.Fatal(err)
		}
		want, err := os.ReadFile(dump)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(dumped(t, in), "\n")); diff != "" {
			t.Errorf("%s (-want +got), -rewrite takes it over:\n%s", name, diff)
		}
	}
}

// damagedVolume is a stream whose checksums are right, and one of whose payloads was damaged
// before it was sent.
func damagedVolume(t testing.TB) []byte {
	s := newSample(t, binary.LittleEndian).begin("a", 0, 0xa1, allCompressions).object(ZvolData, ObjectZvol, 4096)
	packed, err := new(Codec).Compress(CompressionLZ4, 0, nil, text(4096))
	if err != nil {
		t.Fatal(err)
	}
	packed[3]-- // the length of the block
	w := NewRecord(TypeWrite).Write()
	w.SetObject(ZvolData)
	w.SetDMUType(ObjectZvol)
	w.SetLogicalSize(4096)
	w.SetCompression(CompressionLZ4)
	w.SetCompressedSize(uint64(len(packed)))
	return s.put(w.Record(), packed).size(65536).end().bytes()
}

// everyRecord is a stream with a record of each type, which no receiver would take.
func everyRecord(t testing.TB) []byte {
	s := newSample(t, binary.LittleEndian).begin("a", 0, 0xa1, FeatureDedup|FeatureRedacted|FeatureEmbedData)
	var out bytes.Buffer
	s.w.out, s.w.check.open = &out, false // the rules are off
	for kind := TypeObject; kind <= TypeRedact; kind++ {
		if kind == TypeEnd {
			continue
		}
		r := NewRecord(kind)
		for i := atUnion; i < atChecksum; i++ {
			r[i] = byte(i)
		}
		switch kind {
		case TypeObject:
			clear(r[28:32])
			clear(r[36:40])
		case TypeWrite:
			w := r.Write()
			w.SetCompression(CompressionNone)
			w.SetLogicalSize(16)
		case TypeSpill:
			clear(r[40:48])
			r.Spill().SetLength(16)
		case TypeWriteEmbedded:
			r.WriteEmbedded().SetPhysicalSize(9)
		}
		s.put(r, make([]byte, r.PayloadLen()))
	}
	s.end().bytes()
	return out.Bytes()
}

// TestDeep: only who decompresses the payloads finds one that was damaged before it was sent.
func TestDeep(t *testing.T) {
	stream := damagedVolume(t)
	for _, deep := range []bool{false, true} {
		v := NewVerifier(bytes.NewReader(stream), deep)
		var err error
		for err == nil {
			_, err = v.Next()
		}
		if found := strings.Contains(err.Error(), "record 2: object 1 at 0: the payload does not decompress with lz4"); found != deep {
			t.Errorf("deep %v: %v", deep, err)
		}
	}
}
