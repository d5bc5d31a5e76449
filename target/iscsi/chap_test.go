package iscsi

import (
	"bytes"
	"encoding/base64"
	"errors"
	"strings"
	"testing"

	"github.com/lunarsan/lunar/target"
)

// Known answers: the digest of the bytes 07, "secret", "challenge" by each algorithm, as
// other software computes it.
func TestCHAPDigest(t *testing.T) {
	for i, want := range []string{
		"0x35524f3f6d24a5b27d3a2ff77c7c5060",
		"0x680d9c1d423b422bd5d1b011642fe34e01602a6c",
		"0xe90c73de581a9d0ca40cb82bbeeaa22c97a79c0e02044a798b98e2a3be20e172",
		"0xdc087731d8f9a953cadfb7a7e35b14f543e0a0d9470debfe418717693ea13115",
	} {
		c := chap{algorithm: i}
		got := c.digest(7, []byte("secret"), []byte("challenge"))
		if encodeBinary(got) != want || len(got) != chapAlgorithms[i].size {
			t.Errorf("%s: %x, want %s", chapAlgorithms[i].name, got, want)
		}
	}
}

func TestDecodeBinary(t *testing.T) {
	for _, c := range []struct {
		text string
		want string
		ok   bool
	}{
		{"0x00ff", "\x00\xff", true},
		{"0X00FF", "\x00\xff", true},
		{"0bAP8=", "\x00\xff", true},
		{"0BAP8=", "\x00\xff", true},
		{"0x" + strings.Repeat("00", 8), strings.Repeat("\x00", 8), true},
		{"0x" + strings.Repeat("00", 9), "", false},
		{"0b" + base64.StdEncoding.EncodeToString(make([]byte, 8)), strings.Repeat("\x00", 8), true},
		{"0b" + base64.StdEncoding.EncodeToString(make([]byte, 9)), "", false},
		{"0x0", "", false},
		{"0xgg", "", false},
		{"0x", "", false},
		{"0b", "", false},
		{"0bAP8", "", false},
		{"0bAP\n8=", "", false},
		{"0bAP9=", "", false}, // bits beyond the last byte
		{"00ff", "", false},
		{"0", "", false},
		{"", "", false},
	} {
		got, err := decodeBinary(c.text, 8)
		if (err == nil) != c.ok || string(got) != c.want {
			t.Errorf("decodeBinary(%q) = %q, %v", c.text, got, err)
		}
	}
}

func FuzzCHAP(f *testing.F) {
	for _, text := range []string{"0x00ff", "0X", "0bAP8=", "0b====", "0b" + strings.Repeat("A", 100), "12"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		p, err := decodeBinary(text, 32)
		if err != nil {
			if p != nil {
				t.Errorf("%x and the error %v", p, err)
			}
			return
		}
		if len(p) == 0 || len(p) > 32 {
			t.Errorf("%q holds %d bytes", text, len(p))
		}
		if again, err := decodeBinary(encodeBinary(p), 32); err != nil || !bytes.Equal(again, p) {
			t.Errorf("%x reads back as %x, %v", p, again, err)
		}
	})
}

// The device does not let one secret serve both directions; if it did, the login would not.
func TestCHAPSameSecret(t *testing.T) {
	secret := []byte("one secret for both")
	asks := &target.Admission{
		Auth: target.Auth{Method: target.AuthMutual, Self: target.Credential{User: "disks", Secret: secret}},
		Peer: func(string) (target.Credential, bool) { return target.Credential{User: "host", Secret: secret}, true },
	}
	var c chap
	if _, err := c.step(t.Context(), map[string]string{"CHAP_A": "8"}, asks); err != nil {
		t.Fatal(err)
	}
	_, err := c.step(t.Context(), map[string]string{
		"CHAP_N": "host", "CHAP_R": encodeBinary(c.digest(c.id, secret, c.challenge)),
		"CHAP_I": "1", "CHAP_C": encodeBinary(make([]byte, 16)),
	}, asks)
	if !errors.Is(err, errCHAPSame) {
		t.Errorf("the error is %v", err)
	}
}

// A challenge is never sent twice.
func TestCHAPFresh(t *testing.T) {
	seen := map[string]bool{}
	for range 64 {
		var c chap
		if _, err := c.step(t.Context(), map[string]string{"CHAP_A": "5"}, new(target.Admission)); err != nil {
			t.Fatal(err)
		}
		if len(c.challenge) < minChallenge || seen[string(c.challenge)] {
			t.Fatalf("challenge %x", c.challenge)
		}
		seen[string(c.challenge)] = true
	}
}
