package comstar

import (
	"encoding/hex"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func packed(t testing.TB, digits string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(digits, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

const (
	nvHead    = "01010000 00000000 00000001 "
	nvVersion = "00000024 00000020 00000007 76657273696f6e00 00000008 00000001 000000000000001c " // as in the labels of ZFS
	nvEnd     = "00000000 00000000"
)

func TestUnpack(t *testing.T) {
	for name, c := range map[string]struct {
		digits string
		want   nvlist
	}{
		"empty":  {nvHead + nvEnd, nil},
		"uint64": {nvHead + nvVersion + nvEnd, nvlist{{"version", uint64(28)}}},
		"a string, and more": {
			nvHead + "00000020 00000028 00000001 61000000 00000009 00000001 00000003 786e0a00" + nvVersion + nvEnd,
			nvlist{{"a", "xn\n"}, {"version", uint64(28)}},
		},
		"strings": {
			nvHead + "00000028 00000040 00000001 61000000 00000011 00000002 00000001 62000000 00000001 63000000" + nvEnd,
			nvlist{{"a", []string{"b", "c"}}},
		},
		"boolean, and a type of no use": {
			nvHead + "0000001c 00000020 00000001 61000000 00000015 00000001 00000001" +
				"0000001c 00000020 00000001 62000000 00000005 00000001 00000001" + nvEnd,
			nvlist{{"a", true}, {"b", nil}},
		},
		"a list in a list": {
			nvHead + "0000004c 00000060 00000001 61000000 00000013 00000001 00000000 00000001" + nvVersion + nvEnd + nvEnd,
			nvlist{{"a", nvlist{{"version", uint64(28)}}}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := unpack(packed(t, c.digits))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, got, cmp.AllowUnexported(nvpair{})); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func TestUnpackRefuses(t *testing.T) {
	whole := packed(t, nvHead+nvVersion+nvEnd)
	for n := range whole {
		if list, err := unpack(whole[:n]); err == nil {
			t.Errorf("%d of %d bytes are %v", n, len(whole), list)
		}
	}
	deep := strings.Repeat("00001000 00001000 00000001 61000000 00000013 00000001 00000000 00000001", 10)
	for name, digits := range map[string]string{
		"native encoding":   "00010000 00000000 00000001 " + nvEnd,
		"version 1":         "01010000 00000001 00000001 " + nvEnd,
		"a size too small":  nvHead + "00000007 00000020" + nvEnd,
		"a size too large":  nvHead + "00000100 00000020 00000001 61000000 00000015 00000001 00000001" + nvEnd,
		"a long name":       nvHead + "0000001c 00000020 ffffffff 61000000 00000015 00000001 00000001" + nvEnd,
		"a long string":     nvHead + "00000020 00000028 00000001 61000000 00000009 00000001 ffffffff 786e0a00" + nvEnd,
		"too many strings":  nvHead + "00000028 00000040 00000001 61000000 00000011 ffffffff 00000001 62000000 00000001 63000000" + nvEnd,
		"a value that ends": nvHead + "00000018 00000020 00000001 61000000 00000008 00000001" + nvEnd,
		"lists too deep":    nvHead + deep + strings.Repeat("00", 0x1000),
	} {
		if list, err := unpack(packed(t, digits)); err == nil {
			t.Errorf("%s: %v", name, list)
		}
	}
}

func FuzzUnpack(f *testing.F) {
	f.Add(packed(f, nvHead+nvVersion+nvEnd))
	f.Add(packed(f, nvHead+"0000004c 00000060 00000001 61000000 00000013 00000001 00000000 00000001"+nvVersion+nvEnd+nvEnd))
	f.Add(packed(f, nvHead+"00000028 00000040 00000001 61000000 00000011 00000002 00000001 62000000 00000001 63000000"+nvEnd))
	f.Fuzz(func(t *testing.T, b []byte) {
		list, err := unpack(b)
		if err == nil && size(list) > len(b) {
			t.Fatalf("%d bytes became %d", len(b), size(list))
		}
	})
}

// size is how much of the packed bytes a list must have taken.
func size(l nvlist) (n int) {
	for _, p := range l {
		n += 20 + len(p.name)
		switch v := p.value.(type) {
		case string:
			n += 4 + len(v)
		case []string:
			for _, s := range v {
				n += 4 + len(s)
			}
		case nvlist:
			n += size(v)
		}
	}
	return n
}
