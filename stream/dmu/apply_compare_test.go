package dmu

import (
	"bytes"
	"encoding/binary"
	"errors"
	"testing"
)

// TestCompare: a volume is what was applied to it, until a byte of any block or hole is another.
func TestCompare(t *testing.T) {
	const long = 3 << 20 // Zstandard payloads of it are read piece by piece
	half := append(block(7, long/2), make([]byte, long/2)...)
	stream := newSample(t, binary.LittleEndian).begin("a", 0, 1, allCompressions|FeatureLargeBlocks).
		object(ZvolData, ObjectZvol, long).
		write(ZvolData, 0, block(1, long), CompressionNone).
		write(ZvolData, long, half, CompressionZstd).
		write(ZvolData, 3*long, half, CompressionLZ4).
		write(ZvolData, 4*long, text(long), CompressionZstd).
		size(6 * long).end().bytes()
	s := newStore(t)
	if err := s.apply(stream, ApplyOptions{}); err != nil {
		t.Fatal(err)
	}
	volume := s.v.bytes()
	compare := func() error {
		return Compare(background, bytes.NewReader(volume), uint64(len(volume)), bytes.NewReader(stream))
	}
	if err := compare(); err != nil {
		t.Fatal(err)
	}
	n := 0
	for block := range 6 {
		for _, at := range []int{0, comparedSize, long - 1} {
			if n++; n%every != 0 {
				continue
			}
			volume[block*long+at] ^= 1
			if err := compare(); !errors.Is(err, ErrDiffers) {
				t.Errorf("byte %d of block %d is another: %v", at, block, err)
			}
			volume[block*long+at] ^= 1
		}
	}
}

// TestLongZstd: a long Zstandard payload that is cut short, or has another length than the block,
// is told.
func TestLongZstd(t *testing.T) {
	want := append(block(7, 2<<20), make([]byte, 1<<20)...)
	var c Codec
	packed, err := c.Compress(CompressionZstd, 0, nil, want)
	if err != nil || len(packed) <= longFrame {
		t.Fatalf("%d bytes, %v", len(packed), err)
	}
	got := make([]byte, len(want))
	for range 2 { // the decoder is taken again
		if err := c.Decompress(CompressionZstd, got, packed); err != nil || !bytes.Equal(got, want) {
			t.Fatalf("it is not what was packed: %v", err)
		}
		if err := c.Decompress(CompressionZstd, got[:len(got)-1], packed); !errors.Is(err, errLong) {
			t.Errorf("into a byte less: %v", err)
		}
		if err := c.Decompress(CompressionZstd, append(got, 0), packed); !errors.Is(err, errShort) {
			t.Errorf("into a byte more: %v", err)
		}
		cut := bytes.Clone(packed[:len(packed)-sector])
		binary.BigEndian.PutUint32(cut, uint32(len(cut)-8))
		if err := c.Decompress(CompressionZstd, got, cut); !errors.Is(err, ErrPayload) {
			t.Errorf("cut short: %v", err)
		}
	}
}
