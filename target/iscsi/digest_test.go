package iscsi

import (
	"bytes"
	"testing"
)

// The examples of RFC 7143 §A.4.
func TestDigest(t *testing.T) {
	ascending, descending := make([]byte, 32), make([]byte, 32)
	for i := range ascending {
		ascending[i], descending[i] = byte(i), byte(31-i)
	}
	for _, c := range []struct {
		name string
		p    []byte
		want [DigestLen]byte
	}{
		{"zeros", make([]byte, 32), [DigestLen]byte{0xaa, 0x36, 0x91, 0x8a}},
		{"ones", bytes.Repeat([]byte{0xff}, 32), [DigestLen]byte{0x43, 0xab, 0xa8, 0x62}},
		{"ascending", ascending, [DigestLen]byte{0x4e, 0x79, 0xdd, 0x46}},
		{"descending", descending, [DigestLen]byte{0x5c, 0xdb, 0x3f, 0x11}},
	} {
		var got [DigestLen]byte
		Digest(0).Add(c.p).Put(&got)
		if got != c.want {
			t.Errorf("%s: %x, want %x", c.name, got, c.want)
		}
		if d := DigestFrom(&c.want); d != Digest(0).Add(c.p[:5]).Add(c.p[5:]) {
			t.Errorf("%s: in two pieces: %x", c.name, d)
		}
	}
	for n := range 8 {
		p := make([]byte, Padded(n))
		if got, want := Digest(0).Add(p[:n]).AddPadding(n), Digest(0).Add(p); got != want {
			t.Errorf("padding after %d bytes: %x, want %x", n, got, want)
		}
	}
}
