package iscsi

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParsePairs(t *testing.T) {
	many := strings.Repeat("A=1\x00", maxPairs)
	for _, c := range []struct {
		name, text string
		want       []pair
		err        string
	}{
		{"nothing", "", nil, ""},
		{"one", "A=1\x00", []pair{{"A", "1"}}, ""},
		{"several", "A=1\x00B=\x00C==\x00", []pair{{"A", "1"}, {"B", ""}, {"C", "="}}, ""},
		{"padding", "\x00A=1\x00\x00\x00B=2\x00\x00", []pair{{"A", "1"}, {"B", "2"}}, ""},
		{"open end", "A=1\x00B=2", nil, "does not end with a NUL"},
		{"no equals sign", "A\x00", nil, "has no equals sign"},
		{"no key", "=1\x00", nil, "no name of a key"},
		{"blank in key", "A B=1\x00", nil, "no name of a key"},
		{"long key", strings.Repeat("A", maxKey+1) + "=1\x00", nil, "no name of a key"},
		{"longest key", strings.Repeat("A", maxKey) + "=1\x00", []pair{{strings.Repeat("A", maxKey), "1"}}, ""},
		{"many", many, slices.Repeat([]pair{{"A", "1"}}, maxPairs), ""},
		{"too many", many + "A=1\x00", nil, "more than 256 keys"},
	} {
		got, err := parsePairs([]byte(c.text))
		if diff := cmp.Diff(c.want, got, cmp.AllowUnexported(pair{})); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, diff)
		}
		if (err != nil) != (c.err != "") || err != nil && !strings.Contains(err.Error(), c.err) {
			t.Errorf("%s: error %v, want %q", c.name, err, c.err)
		}
	}
}

func TestParseNumber(t *testing.T) {
	for _, c := range []struct {
		text string
		n    int
		ok   bool
	}{
		{"0", 0, true}, {"512", 512, true}, {"007", 7, true}, {"0x1F", 31, true}, {"0Xff", 255, true},
		{"4294967295", 1<<32 - 1, true},
		{"4294967296", 0, false}, {"-1", 0, false}, {"+1", 0, false}, {"1_000", 0, false}, {" 1", 0, false},
		{"1 ", 0, false}, {"0b1", 0, false}, {"0x", 0, false}, {"", 0, false}, {"x", 0, false},
	} {
		if n, ok := parseNumber(c.text); ok != c.ok || ok && n != c.n {
			t.Errorf("parseNumber(%q) = %d, %v", c.text, n, ok)
		}
	}
}

// What was read can be written, and reads the same again.
func FuzzKeyValue(f *testing.F) {
	for _, text := range []string{"A=1\x00", "InitiatorName=iqn.2026-01.org.example:host\x00SessionType=Discovery\x00", "A=\x00\x00B==\x00", "A", "A\x00", "=\x00"} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		pairs, err := parsePairs(text)
		if err != nil {
			if pairs != nil {
				t.Errorf("pairs %q and the error %v", pairs, err)
			}
			return
		}
		var again []byte
		for _, p := range pairs {
			again = appendPair(again, p.key, p.value)
		}
		if len(again) > len(text) {
			t.Errorf("%q became longer: %q", text, again)
		}
		got, err := parsePairs(again)
		if err != nil || !slices.Equal(got, pairs) {
			t.Errorf("%q reads as %q, and then as %q, %v", text, pairs, got, err)
		}
	})
}
