package dmu

import (
	"encoding/binary"
	"fmt"
	"strings"
	"testing"
)

// TestTurnRound holds the shapes to the offsets and lengths of the fields of more than a byte,
// written down once more.
func TestTurnRound(t *testing.T) {
	fields := map[Type]string{
		TypeBegin:         "8:8 16:8 24:8 32:4 36:4 40:8 48:8",
		TypeObject:        "8:8 16:4 20:4 24:4 28:4 36:4 40:8 56:8",
		TypeFreeObjects:   "8:8 16:8 24:8",
		TypeWrite:         "8:8 16:4 20:4 24:8 32:8 40:8 56:8 64:8 72:8 80:8 88:8 96:8",
		TypeFree:          "8:8 16:8 24:8 32:8",
		TypeEnd:           "8:8 16:8 24:8 32:8 40:8",
		TypeWriteByref:    "8:8 16:8 24:8 32:8 40:8 48:8 56:8 72:8 80:8 88:8 96:8 104:8",
		TypeSpill:         "8:8 16:8 24:8 40:8 84:4",
		TypeWriteEmbedded: "8:8 16:8 24:8 32:8 48:4 52:4",
		TypeObjectRange:   "8:8 16:8 24:8",
		TypeRedact:        "8:8 16:8 24:8 32:8",
	}
	for kind := range Type(len(types)) {
		var r Record
		for i := range r {
			r[i] = byte(i) ^ byte(i>>8)
		}
		want := r
		all := "0:4 4:4 " + fields[kind]
		if kind != TypeBegin {
			all += " 280:8 288:8 296:8 304:8"
		}
		for _, f := range strings.Fields(all) {
			var at, width int
			if _, err := fmt.Sscanf(f, "%d:%d", &at, &width); err != nil {
				t.Fatal(err)
			}
			for i := range width {
				want[at+i] = r[at+width-1-i]
			}
		}
		got := r
		got.turnRound(kind)
		if got != want {
			t.Errorf("%v turned round is\n%x, want\n%x", kind, got, want)
		}
		if got.turnRound(kind); got != r {
			t.Errorf("%v turned round twice is another", kind)
		}
	}
}

// TestPayloadLen has the rule for each type.
func TestPayloadLen(t *testing.T) {
	object := NewRecord(TypeObject).Object()
	object.SetBonusLen(9)
	raw := NewRecord(TypeObject)
	binary.LittleEndian.PutUint32(raw[28:], 9)
	binary.LittleEndian.PutUint32(raw[36:], 20)
	write := NewRecord(TypeWrite).Write()
	write.SetLogicalSize(4096)
	write.SetCompressedSize(512)
	packed := *write
	packed.SetCompression(CompressionLZ4)
	spill := NewRecord(TypeSpill).Spill()
	spill.SetLength(1024)
	packedSpill := *spill
	binary.LittleEndian.PutUint64(packedSpill[40:], 512)
	embedded := NewRecord(TypeWriteEmbedded).WriteEmbedded()
	embedded.SetPhysicalSize(65)
	begin := NewBegin()
	begin.SetPayloadLen(100)
	for _, test := range []struct {
		r    *Record
		want uint64
	}{
		{begin.Record(), 100}, {object.Record(), 16}, {raw, 20}, {write.Record(), 4096}, {packed.Record(), 512},
		{spill.Record(), 1024}, {packedSpill.Record(), 512}, {embedded.Record(), 72},
		{NewRecord(TypeFree), 0}, {NewRecord(TypeEnd), 0}, {NewRecord(TypeFreeObjects), 0}, {NewRecord(99), 0},
	} {
		if got := test.r.PayloadLen(); got != test.want {
			t.Errorf("%v has %d bytes behind it, want %d", test.r.Type(), got, test.want)
		}
	}
}

func TestFeatures(t *testing.T) {
	f := FeatureLZ4 | FeatureCompressed | 1<<18 | 1<<40
	if got := f.String(); got != "lz4, bit 18, compressed, bit 40" {
		t.Errorf("the features are %q", got)
	}
	if got := f.Unknown(); got != 1<<18|1<<40 {
		t.Errorf("unknown are %v", got)
	}
	if !f.Has(FeatureLZ4|FeatureCompressed) || f.Has(FeatureLZ4|FeatureZstd) {
		t.Error("Has is wrong")
	}
	b := NewBegin()
	b.SetVersion(Substream, f)
	if b.Kind() != Substream || b.Features() != f {
		t.Errorf("BEGIN has kind %d and features %v", b.Kind(), b.Features())
	}
}
