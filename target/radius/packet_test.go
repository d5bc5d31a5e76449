package radius

import (
	"bytes"
	"encoding/hex"
	"errors"
	"strings"
	"testing"
)

// The user flopsy asks with CHAP and is accepted, with the secret xyzzy5461 (RFC 2865 §7.2).
const (
	flopsyAsks   = "010100472aee86f08d0d55969ca5978e0d3367a20108666c6f707379031316e97557c316185895f293ff63440772750406c0a80110050600000014060600000002070600000001"
	flopsyEnters = "0201003815efbc7dab26cfa3dc34d9c03c8601a40606000000020706000000010806fffffffe0a06000000020d06000000010c06000005dc"
	flopsySecret = "xyzzy5461"
)

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	p, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// TestKnownPackets reads packets that others have made.
func TestKnownPackets(t *testing.T) {
	ask, err := parsePacket(unhex(t, flopsyAsks))
	if err != nil {
		t.Fatal(err)
	}
	var user, proof string
	for a, value := range ask.attributes() {
		switch a {
		case userName:
			user = string(value)
		case chapPassword:
			proof = hex.EncodeToString(value)
		}
	}
	if ask.code() != accessRequest || user != "flopsy" || proof != "16e97557c316185895f293ff6344077275" {
		t.Errorf("code %d, user %q, CHAP-Password %s", ask.code(), user, proof)
	}
	answer, err := parsePacket(append(unhex(t, flopsyEnters), "padding"...))
	if err != nil {
		t.Fatal(err)
	}
	if err := answer.authentic([]byte(flopsySecret), ask.authenticator(), true); err != nil {
		t.Error(err)
	}
	if err := answer.authentic([]byte(flopsySecret), ask.authenticator(), false); !errors.Is(err, errUnsigned) {
		t.Errorf("without a Message-Authenticator: %v", err)
	}
	if err := answer.authentic([]byte("another"), ask.authenticator(), true); !errors.Is(err, errForged) {
		t.Errorf("with another secret: %v", err)
	}
}

func TestParsePacket(t *testing.T) {
	head := "0201%s" + strings.Repeat("00", authenticatorLen)
	with := func(length, attributes string) []byte {
		return unhex(t, strings.Replace(head, "%s", length, 1)+attributes)
	}
	for _, test := range []struct {
		name string
		came []byte
		ok   bool
	}{
		{"nothing", nil, false},
		{"half a header", with("0014", "")[:19], false},
		{"no attributes", with("0014", ""), true},
		{"padding", with("0014", "ffff"), true},
		{"shorter than it says", with("0016", ""), false},
		{"shorter than a header", with("0013", ""), false},
		{"longer than allowed", append(with("1001", ""), make([]byte, maxPacket)...), false},
		{"an empty attribute", with("0016", "0102"), true},
		{"an attribute without a length", with("0015", "01"), false},
		{"an attribute of no length", with("0016", "0100"), false},
		{"an attribute shorter than itself", with("0016", "0101"), false},
		{"an attribute beyond the end", with("0017", "010400"), false},
	} {
		if _, err := parsePacket(test.came); (err == nil) != test.ok {
			t.Errorf("%s: %v", test.name, err)
		}
	}
}

func FuzzPacket(f *testing.F) {
	f.Add(unhex(f, flopsyAsks))
	f.Add(unhex(f, flopsyEnters))
	f.Add([]byte(accepted(testRequest().packet("nas", testSecret))))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, came []byte) {
		p, err := parsePacket(came)
		if err != nil {
			if p != nil {
				t.Errorf("%x and the error %v", p, err)
			}
			return
		}
		again := startPacket(p.code(), p.identifier(), [authenticatorLen]byte(p.authenticator()))
		for a, value := range p.attributes() {
			again = again.with(a, value)
		}
		if !bytes.Equal(again, p) {
			t.Errorf("%x becomes %x", p, again)
		}
		if p.authentic(testSecret, p.authenticator(), false) == nil {
			t.Error("it is signed with a secret that nobody has told")
		}
	})
}
