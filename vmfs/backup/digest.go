package backup

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"io"
)

// A Digest is a SHA-256.
type Digest [sha256.Size]byte

// String writes the digest in hexadecimal digits.
func (d Digest) String() string { return hex.EncodeToString(d[:]) }

// MarshalText writes the digest in hexadecimal digits.
func (d Digest) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText reads what MarshalText wrote.
func (d *Digest) UnmarshalText(b []byte) error {
	if n, err := hex.Decode(d[:], b[:min(len(b), 2*len(d))]); err != nil || n != len(d) || len(b) != 2*len(d) {
		return fmt.Errorf("%q is not a SHA-256", b)
	}
	return nil
}

// A tally counts and digests what is written to it.
type tally struct {
	hash hash.Hash
	n    int64
}

func newTally() *tally { return &tally{hash: sha256.New()} }

// Write implements io.Writer.
func (t *tally) Write(p []byte) (int, error) {
	t.n += int64(len(p))
	return t.hash.Write(p)
}

// sum is the digest of what was written.
func (t *tally) sum() (d Digest) {
	t.hash.Sum(d[:0])
	return d
}

// digest is the digest and the length of what r has.
func digest(r io.Reader) (Digest, int64, error) {
	t := newTally()
	_, err := io.Copy(t, r)
	return t.sum(), t.n, err
}
