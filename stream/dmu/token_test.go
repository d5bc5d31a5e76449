package dmu

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lunarsan/lunar/stream/dmu/nvlist"
)

// realToken was printed by OpenZFS 2.1.11 after a receive was cut.
const realToken = "1-c1ac69f3b-b8-789c636064000310a500c4ec50360710e72765a5269740f80cd8e4d3d28a534b4032ac70793624f9a4ca92d462201dc0ce8c557f497e7a69660a03c38eab477b3972f5f76a20c97382e5f31273538174625eb67e9999894322031c0000ce8b152e"

func TestToken(t *testing.T) {
	got, err := ParseToken(realToken + "\n")
	want := &Token{Object: 1, Offset: 327680, Bytes: 198480, ToGUID: 13632234480579499448, ToName: "tank/v64@a"}
	if err != nil || cmp.Diff(want, got) != "" {
		t.Fatalf("%+v, %v", got, err)
	}
	want.FromGUID, want.Compressed, want.Raw = 99, true, true
	want.Other = nvlist.New().Add(nvlist.Pair{Name: "redact_snaps", Type: nvlist.Uint64Array, Value: []uint64{1, 2}})
	s, err := want.Encode()
	if err != nil {
		t.Fatal(err)
	}
	if got, err := ParseToken(s); err != nil || cmp.Diff(want, got) != "" {
		t.Errorf("%s says %+v, %v", s, got, err)
	}
}

// TestTokenTypos: what a person copies wrong is found.
func TestTokenTypos(t *testing.T) {
	for i := range realToken {
		for _, wrong := range []string{realToken[:i], realToken[:i] + realToken[i+1:], realToken[:i] + "0" + realToken[i:], realToken[:i] + "x" + realToken[i+1:]} {
			if got, err := ParseToken(wrong); err == nil && cmp.Diff(got, mustParse(t, realToken)) != "" || err != nil && !errors.Is(err, ErrToken) {
				t.Errorf("%q: %+v, %v", wrong, got, err)
			}
		}
	}
	if _, err := ParseToken(strings.Replace(realToken, "1-", "2-", 1)); err == nil || !strings.Contains(err.Error(), `"2"`) {
		t.Errorf("version 2: %v", err)
	}
	none, err := (&Token{}).Encode()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := ParseToken(none); err != nil {
		t.Errorf("a token of zeros: %v", err)
	}
}

func mustParse(t *testing.T, s string) *Token {
	t.Helper()
	token, err := ParseToken(s)
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// FuzzToken: what parses can be written, and says the same.
func FuzzToken(f *testing.F) {
	f.Add(realToken)
	f.Fuzz(func(t *testing.T, s string) {
		token, err := ParseToken(s)
		if err != nil {
			return
		}
		again, err := token.Encode()
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(token, mustParse(t, again)); diff != "" {
			t.Fatal(diff)
		}
	})
}
