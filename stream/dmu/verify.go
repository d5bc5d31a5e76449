package dmu

import (
	"fmt"
	"io"
)

// A Verifier reads a stream and holds it to everything that can be known of it: the checksums,
// the order of records, the rules of receivers and, deep, that every payload decompresses to
// its block.
type Verifier struct {
	*Reader
	Checker Checker
	deep    bool
	codec   Codec
	block   []byte
}

// NewVerifier makes a Verifier of in.
func NewVerifier(in io.Reader, deep bool) *Verifier {
	return &Verifier{Reader: NewReader(in, Options{}), deep: deep}
}

// Next is the Reader's, with the rules and the payload of the record checked.
func (v *Verifier) Next() (*Record, error) {
	rec, err := v.Reader.Next()
	if err != nil {
		return nil, err
	}
	if err := v.Checker.Check(rec, v.Payload(), v.Order()); err != nil {
		return nil, v.wrong(ErrInvalid, err)
	}
	if v.deep {
		if err := v.decompress(rec); err != nil {
			return nil, v.wrong(ErrCorrupt, err)
		}
	}
	return rec, nil
}

func (v *Verifier) wrong(kind, err error) error {
	return &Error{Kind: kind, Offset: v.Offset(), Number: v.Number(), Cause: err}
}

// decompress tries the payload of a record. That of a raw stream is encrypted, and only the
// receiver's key can tell.
func (v *Verifier) decompress(rec *Record) error {
	if v.Begin().Features().Has(FeatureRaw) {
		return nil
	}
	switch rec.Type() {
	case TypeWrite:
		w := rec.Write()
		if w.Compression() == CompressionNone {
			return nil
		}
		v.block = grown(v.block, int(w.LogicalSize()))
		if err := v.codec.Decompress(w.Compression(), v.block, v.Payload()); err != nil {
			return fmt.Errorf("object %d at %d: %w", w.Object(), w.Offset(), err)
		}
	case TypeWriteEmbedded:
		w := rec.WriteEmbedded()
		v.block = grown(v.block, int(w.Length()))
		if err := v.codec.DecompressEmbedded(w, v.block, v.Payload()); err != nil {
			return fmt.Errorf("object %d at %d: %w", w.Object(), w.Offset(), err)
		}
	}
	return nil
}
