package nvlist

import (
	"bytes"
	"encoding/hex"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// everything has a pair of each type, at lengths with padding and without.
func everything() *List {
	inner := New().AddUint64("n", 7).AddList("deeper", New().AddString("s", "x"))
	l := New().AddBoolean("there").AddUint64("big", 1<<63+5).AddString("name", "tank/vol@a").AddString("", "").
		AddList("list", inner).AddList("none", New())
	for t := Type(1); int(t) < len(types); t++ {
		switch t.shape() {
		case number:
			l.Add(Pair{"one " + t.String(), t, t.narrow(1<<64 - 2)})
		case numbers:
			l.Add(Pair{"some " + t.String(), t, []uint64{0, 1, t.narrow(1<<64 - 3)}}, Pair{"no " + t.String(), t, []uint64{}})
		}
	}
	return l.Add(
		Pair{"octets", ByteArray, []byte{1, 2, 3, 254, 5}}, Pair{"no octets", ByteArray, []byte{}},
		Pair{"texts", StringArray, []string{"", "a", "four", "longer than eight"}}, Pair{"no texts", StringArray, []string{}},
		Pair{"lists", NestedArray, []*List{inner, New()}}, Pair{"no lists", NestedArray, []*List{}},
	)
}

var encodings = []Encoding{{}, {BigEndian: true}, {XDR: true}, {XDR: true, BigEndian: true}}

func TestRoundTrip(t *testing.T) {
	for _, e := range encodings {
		packed, err := everything().Encode(e)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := EncodingOf(packed); err != nil || got != e {
			t.Errorf("%+v is read as %+v, %v", e, got, err)
		}
		l, err := Decode(append(packed, 0, 0, 0, 0))
		if err != nil {
			t.Fatalf("%+v: %v", e, err)
		}
		if diff := cmp.Diff(everything(), l); diff != "" {
			t.Errorf("%+v (-want +got):\n%s", e, diff)
		}
	}
}

// TestVectors has pairs as OpenZFS packs them: the sizes are what its receivers allocate by.
func TestVectors(t *testing.T) {
	tests := []struct {
		name string
		list *List
		as   Encoding
		hex  string
	}{
		{"xdr string", New().AddString("tosnap", "s5"), XDRLittle,
			"01010000 00000000 00000001" +
				"00000024 00000020 00000006 746f736e61700000 00000009 00000001 00000002 73350000" +
				"00000000 00000000"},
		{"xdr number", New().AddUint64("compression", 15), XDRLittle,
			"01010000 00000000 00000001" +
				"00000028 00000028 0000000b 636f6d7072657373696f6e00 00000008 00000001 000000000000000f" +
				"00000000 00000000"},
		{"xdr boolean", New().AddBoolean("not_recursive"), XDRLittle,
			"01010000 00000000 00000001" +
				"00000024 00000020 0000000d 6e6f745f726563757273697665000000 00000001 00000000" +
				"00000000 00000000"},
		{"native number", New().AddUint64("object", 1), NativeLittle,
			"00010000 00000000 01000000" +
				"20000000 0700 0000 01000000 08000000 6f626a65637400 00 0100000000000000" +
				"00000000"},
	}
	for _, test := range tests {
		want, err := hex.DecodeString(strings.ReplaceAll(test.hex, " ", ""))
		if err != nil {
			t.Fatal(err)
		}
		got, err := test.list.Encode(test.as)
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s: packed to\n%x, want\n%x (%v)", test.name, got, want, err)
		}
		if l, err := Decode(want); err != nil || cmp.Diff(test.list, l) != "" {
			t.Errorf("%s: unpacked to %+v, %v", test.name, l, err)
		}
	}
}

// TestMalformed cuts packed lists short everywhere, and has lists that lie.
func TestMalformed(t *testing.T) {
	for _, e := range encodings {
		packed, err := everything().Encode(e)
		if err != nil {
			t.Fatal(err)
		}
		for n := range packed {
			if l, err := Decode(packed[:n]); !errors.Is(err, ErrMalformed) || l != nil {
				t.Fatalf("%+v, %d of %d bytes: %v, %v", e, n, len(packed), l, err)
			}
		}
		if _, err := Decode(append(packed, 1)); !errors.Is(err, ErrMalformed) {
			t.Errorf("%+v with a byte behind it: %v", e, err)
		}
		deep := New()
		for range maxDepth {
			deep = New().AddList("l", deep)
		}
		packed, err = deep.Encode(e)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := Decode(packed); !errors.Is(err, ErrMalformed) {
			t.Errorf("%+v nested too deep: %v", e, err)
		}
		for _, wrong := range []Pair{{"n", Uint64, "text"}, {"l", Nested, (*List)(nil)}, {"x", 99, uint64(1)}, {strings.Repeat("n", maxName), Boolean, nil}} {
			if _, err := New().Add(wrong).Encode(e); err == nil {
				t.Errorf("%+v: packed %+.30v", e, wrong)
			}
		}
	}
}

func TestLookup(t *testing.T) {
	l := everything()
	if v, ok := l.Uint64("big"); !ok || v != 1<<63+5 {
		t.Errorf("big is %d, %v", v, ok)
	}
	if _, ok := l.Uint64("name"); ok {
		t.Error("a string is a number")
	}
	if s, ok := l.String("name"); !ok || s != "tank/vol@a" {
		t.Errorf("name is %q, %v", s, ok)
	}
	if in, ok := l.List("list"); !ok || !in.Has("deeper") || in.Has("n2") {
		t.Errorf("list is %v, %v", in, ok)
	}
	if b, ok := l.Bytes("octets"); !ok || len(b) != 5 {
		t.Errorf("octets are %v, %v", b, ok)
	}
	if n, ok := l.Uint64s("some uint64 array"); !ok || len(n) != 3 {
		t.Errorf("numbers are %v, %v", n, ok)
	}
	if (*List)(nil).Has("a") {
		t.Error("nothing has a")
	}
}

// FuzzDecode: what unpacks packs again, to a list that is the same.
func FuzzDecode(f *testing.F) {
	for _, e := range encodings {
		packed, err := everything().Encode(e)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(packed)
	}
	f.Fuzz(func(t *testing.T, p []byte) {
		l, err := Decode(p)
		if err != nil {
			if l != nil {
				t.Fatal("a list, and an error")
			}
			return
		}
		_ = l.Dump()
		e, err := EncodingOf(p)
		if err != nil {
			t.Fatal(err)
		}
		packed, err := l.Encode(e)
		if err != nil {
			t.Fatal(err)
		}
		again, err := Decode(packed)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(l, again); diff != "" {
			t.Fatal(diff)
		}
	})
}
