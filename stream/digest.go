package stream

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"

	"github.com/lunarsan/lunar/stream/dmu"
)

// A Digest is what a snapshot has, as the SHA-256 of each piece of it. It is made of the
// snapshot's own full stream, whatever keeps it, and takes up to 8 MiB.
type Digest struct {
	GUID  uint64 `json:"guid,string"`
	Size  int64  `json:"size"`  // of the volume (bytes)
	Piece int64  `json:"piece"` // length of one (bytes); the last may be shorter
	Sums  []byte `json:"sums"`  // 32 bytes for each; zeros for a piece of zeros, which is not calculated
}

// A Digester is a Volume that is elsewhere, and has its digests calculated there.
type Digester interface {
	Volume
	Digest(ctx context.Context, snapshot string) (*Digest, error)
}

// digestVersion goes into every root: digests that are made in another way are not equal by it.
const digestVersion = 1

const (
	leastPiece = 1 << 20
	mostPieces = 1 << 18 // those of 1 MiB reach to 256 GiB
)

// pieceOf is how long the pieces of a volume are.
func pieceOf(size int64) int64 {
	piece := int64(leastPiece)
	for size/piece >= mostPieces {
		piece *= 2
	}
	return piece
}

// A Sum is a SHA-256, in hexadecimal where it is text.
type Sum [sha256.Size]byte

func (s Sum) String() string { return hex.EncodeToString(s[:]) }

// MarshalText implements encoding.TextMarshaler.
func (s Sum) MarshalText() ([]byte, error) { return hex.AppendEncode(nil, s[:]), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (s *Sum) UnmarshalText(text []byte) error {
	if hex.DecodedLen(len(text)) != len(s) {
		return fmt.Errorf("a sum of %d letters, want %d", len(text), hex.EncodedLen(len(s)))
	}
	_, err := hex.Decode(s[:], text)
	return err
}

// Root is one sum for all: the SHA-256 of the version, the size, the length of pieces and their
// sums.
func (d *Digest) Root() Sum {
	h := sha256.New()
	var head [24]byte
	binary.BigEndian.PutUint64(head[0:], digestVersion)
	binary.BigEndian.PutUint64(head[8:], uint64(d.Size))
	binary.BigEndian.PutUint64(head[16:], uint64(d.Piece))
	h.Write(head[:])
	h.Write(d.Sums)
	return Sum(h.Sum(nil))
}

// Check says whether a digest that comes from outside is one.
func (d *Digest) Check() error {
	if d.Size < 0 || d.Piece != pieceOf(d.Size) || int64(len(d.Sums)) != (d.Size+d.Piece-1)/d.Piece*sha256.Size {
		return fmt.Errorf("a digest of %d bytes in pieces of %d has %d bytes of sums", d.Size, d.Piece, len(d.Sums))
	}
	return nil
}

// DigestOf calculates the digest of a snapshot of v, where v is. progress, which may be nil, is
// told how far in the volume it is (bytes).
func DigestOf(ctx context.Context, v Volume, snapshot string, progress func(at int64)) (*Digest, error) {
	if far, ok := v.(Digester); ok {
		d, err := far.Digest(ctx, snapshot)
		if err == nil {
			err = d.Check()
		}
		return d, err
	}
	all, err := v.Snapshots(ctx)
	if err != nil {
		return nil, err
	}
	for _, s := range all {
		if s.Name != snapshot || s.Bookmark {
			continue
		}
		in, err := v.Send(ctx, Send{Snapshot: snapshot, Large: true})
		if err != nil {
			return nil, err
		}
		d, err := ReadDigest(in, s.Size, progress)
		err = errors.Join(err, in.Close())
		if err == nil && d.GUID != s.GUID {
			err = fmt.Errorf("the stream is of %#x, the snapshot is %#x", d.GUID, s.GUID)
		}
		if err != nil {
			return nil, fmt.Errorf("reading %s@%s: %w", v.Name(), snapshot, err)
		}
		return d, nil
	}
	return nil, fmt.Errorf("%s@%s: %w", v.Name(), snapshot, ErrNoSnapshot)
}

// ReadDigest calculates the digest of a volume of size bytes from its full stream.
func ReadDigest(in io.Reader, size int64, progress func(at int64)) (*Digest, error) {
	d := &digester{Digest: Digest{Size: size, Piece: pieceOf(size)}, hash: sha256.New()}
	if size <= 0 {
		return nil, fmt.Errorf("a volume of %d bytes cannot be verified", size)
	}
	r := dmu.NewReader(in, dmu.Options{})
	var rules dmu.Checker
	for told := int64(0); ; {
		record, err := r.Next()
		var wrong *dmu.Error
		switch {
		case err == io.EOF:
			return d.end(&rules)
		case err != nil && !errors.As(err, &wrong):
			return nil, err // of what makes the stream
		case err == nil:
			err = rules.Check(record, r.Payload(), r.Order())
		}
		if err == nil {
			err = d.take(record, r)
		}
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrStream, err)
		}
		if progress != nil && d.at-told >= leastPiece {
			told = d.at
			progress(told)
		}
	}
}

// A digester is a Digest that is being calculated. The bytes of the volume pass it in order.
type digester struct {
	Digest
	at    int64 // of the next byte
	hash  hash.Hash
	some  bool // the piece under way has other bytes than zeros: hash has it
	codec dmu.Codec
	block []byte
}

// zeros are for pieces that are no zeros all over, and for comparing.
var zeros [64 << 10]byte

func (d *digester) take(record *dmu.Record, r *dmu.Reader) error {
	switch record.Type() {
	case dmu.TypeBegin:
		b := record.Begin()
		d.GUID = b.ToGUID()
		switch {
		case r.Package() || b.FromGUID() != 0 || b.Features().Has(dmu.FeatureResuming):
			return errors.New("it is no full stream of one snapshot")
		case b.Objset() != dmu.ObjsetZvol:
			return fmt.Errorf("it is of a %v, and volumes alone are verified", b.Objset())
		case b.Features().Has(dmu.FeatureRaw):
			return errors.New("it is encrypted")
		}
	case dmu.TypeFree:
		if f := record.Free(); f.Object() == dmu.ZvolData && f.Offset() < uint64(d.at) {
			return fmt.Errorf("it takes back what is before byte %d", d.at)
		}
	case dmu.TypeWrite:
		w := record.Write()
		if w.Object() != dmu.ZvolData {
			return nil
		}
		if how := w.Compression(); how != dmu.CompressionNone && how != dmu.CompressionOff {
			d.block = room(d.block, w.LogicalSize())
			if err := d.codec.Decompress(how, d.block, r.Payload()); err != nil {
				return err
			}
			return d.put(w.Offset(), d.block)
		}
		return d.put(w.Offset(), r.Payload())
	case dmu.TypeWriteEmbedded:
		w := record.WriteEmbedded()
		if w.Object() != dmu.ZvolData {
			return nil
		}
		d.block = room(d.block, w.Length())
		if err := d.codec.DecompressEmbedded(w, d.block, r.Payload()); err != nil {
			return err
		}
		return d.put(w.Offset(), d.block)
	}
	return nil
}

// room is a block of n bytes; the rules bound n.
func room(block []byte, n uint64) []byte {
	if uint64(cap(block)) < n {
		return make([]byte, n)
	}
	return block[:n]
}

// put takes the bytes at off, with zeros before them where there was nothing.
func (d *digester) put(off uint64, p []byte) error {
	if off < uint64(d.at) || off > uint64(d.Size) || uint64(len(p)) > uint64(d.Size)-off {
		return fmt.Errorf("it has %d bytes at %d, of a volume of %d, behind those up to %d", len(p), off, d.Size, d.at)
	}
	d.skip(int64(off))
	for len(p) > 0 {
		n := min(int64(len(p)), int64(len(zeros)), d.Piece-d.at%d.Piece)
		if some := p[:n]; bytes.Equal(some, zeros[:n]) {
			d.skip(d.at + n)
		} else {
			d.begin()
			d.hash.Write(some)
			d.pass(n)
		}
		p = p[n:]
	}
	return nil
}

// skip takes zeros up to a place.
func (d *digester) skip(to int64) {
	for d.at < to {
		n := min(to, d.Size) - d.at
		if d.some {
			n = min(n, int64(len(zeros)), d.Piece-d.at%d.Piece)
			d.hash.Write(zeros[:n])
		} else {
			n = min(n, d.Piece-d.at%d.Piece)
		}
		d.pass(n)
	}
}

// begin has the piece under way calculated, with the zeros that were before.
func (d *digester) begin() {
	if d.some {
		return
	}
	d.some = true
	d.hash.Reset()
	for n := d.at % d.Piece; n > 0; n -= min(n, int64(len(zeros))) {
		d.hash.Write(zeros[:min(n, int64(len(zeros)))])
	}
}

// pass goes on by n bytes, at most to the end of a piece.
func (d *digester) pass(n int64) {
	d.at += n
	if d.at%d.Piece != 0 && d.at != d.Size {
		return
	}
	if d.some {
		d.Sums = d.hash.Sum(d.Sums)
	} else {
		d.Sums = append(d.Sums, zeros[:sha256.Size]...)
	}
	d.some = false
}

func (d *digester) end(rules *dmu.Checker) (*Digest, error) {
	if size, known := rules.VolumeSize(); !known || size != uint64(d.Size) {
		return nil, fmt.Errorf("%w: it is of a volume of %d bytes, the snapshot has %d", ErrStream, size, d.Size)
	}
	d.skip(d.Size)
	return &d.Digest, nil
}
