package wire

import (
	"crypto/ed25519"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base32"
	"errors"
	"fmt"
	"strings"
)

// A Fingerprint is what people compare to know that a key is the other site's: the SHA-256 of
// the public key. It is written as lunar1- and 13 groups of four characters; what is read may
// have the dashes, or spaces, anywhere, and capitals.
type Fingerprint [sha256.Size]byte

const (
	fingerprintPrefix = "lunar1-"
	fingerprintGroup  = 4
)

// fingerprintLetters are those of RFC 4648 §6, which has no 0, 1 and 8 to mix up with letters.
var fingerprintLetters = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

func fingerprintOf(key ed25519.PublicKey) Fingerprint { return sha256.Sum256(key) }

func (f Fingerprint) String() string {
	text := fingerprintLetters.EncodeToString(f[:])
	var b strings.Builder
	b.WriteString(fingerprintPrefix)
	for i := 0; i < len(text); i += fingerprintGroup {
		if i > 0 {
			b.WriteByte('-')
		}
		b.WriteString(text[i:min(i+fingerprintGroup, len(text))])
	}
	return b.String()
}

// MarshalText writes the fingerprint as String does.
func (f Fingerprint) MarshalText() ([]byte, error) { return []byte(f.String()), nil }

// UnmarshalText reads a fingerprint.
func (f *Fingerprint) UnmarshalText(p []byte) (err error) {
	*f, err = ParseFingerprint(string(p))
	return err
}

// ErrFingerprint is the kind of every error of a text that is no fingerprint.
var ErrFingerprint = errors.New("this is no fingerprint of a lunar key")

// ParseFingerprint reads what String has written. ErrFingerprint.
func ParseFingerprint(s string) (Fingerprint, error) {
	var f Fingerprint
	text := strings.ToLower(strings.NewReplacer("-", "", " ", "", "\n", "").Replace(s))
	text, ok := strings.CutPrefix(text, strings.TrimSuffix(fingerprintPrefix, "-"))
	if !ok {
		return f, fmt.Errorf("%w: %q does not begin with %s", ErrFingerprint, s, fingerprintPrefix)
	}
	p, err := fingerprintLetters.DecodeString(text)
	if err != nil || len(p) != len(f) || fingerprintLetters.EncodeToString(p) != text {
		return f, fmt.Errorf("%w: %q: compare it with what lunar key show prints there", ErrFingerprint, s)
	}
	return Fingerprint(p), nil
}

// Is compares in constant time.
func (f Fingerprint) Is(other Fingerprint) bool {
	return subtle.ConstantTimeCompare(f[:], other[:]) == 1
}
