package dmu

import (
	"bytes"
	"errors"
	"testing"
)

// packable are the compressions that are written.
var packable = []Compression{CompressionLZ4, CompressionZstd, CompressionGzip1, CompressionGzip6, CompressionGzip9}

func TestCodec(t *testing.T) {
	var c Codec
	for _, how := range packable {
		for _, n := range []int{1024, 4096, 131072, 1 << 20 / every &^ (sector - 1)} {
			for _, level := range []int{0, 1, 9} {
				block := text(n)
				packed, err := c.Compress(how, level, []byte("before"), block)
				if err != nil {
					t.Fatalf("%v of %d: %v", how, n, err)
				}
				packed = packed[len("before"):]
				if len(packed)%sector != 0 || len(packed) >= n {
					t.Errorf("%v of %d bytes has %d", how, n, len(packed))
				}
				got := noise(n)
				if err := c.Decompress(how, got, packed); err != nil || !bytes.Equal(got, block) {
					t.Errorf("%v of %d bytes comes back wrong: %v", how, n, err)
				}
				if err := c.Decompress(how, make([]byte, n+512), packed); !errors.Is(err, ErrPayload) {
					t.Errorf("%v of %d bytes is as good as %d: %v", how, n, n+512, err)
				}
				if err := c.Decompress(how, make([]byte, n-512), packed); !errors.Is(err, ErrPayload) {
					t.Errorf("%v of %d bytes is as good as %d: %v", how, n, n-512, err)
				}
				if err := c.Decompress(how, got, packed[:40]); !errors.Is(err, ErrPayload) {
					t.Errorf("%v of %d bytes is as good cut: %v", how, n, err)
				}
			}
		}
		if packed, err := c.Compress(how, 0, nil, noise(4096)); !errors.Is(err, ErrIncompressible) || packed != nil {
			t.Errorf("%v shortens noise to %d bytes: %v", how, len(packed), err)
		}
	}
	if _, err := c.Compress(CompressionLZJB, 0, nil, text(4096)); err == nil {
		t.Error("LZJB is written")
	}
	if err := c.Decompress(99, make([]byte, 512), make([]byte, 512)); !errors.Is(err, ErrPayload) {
		t.Errorf("compression 99: %v", err)
	}
}

// TestLegacyCodecs has blocks that were packed by hand, and such as end or reach too far.
func TestLegacyCodecs(t *testing.T) {
	tests := []struct {
		how    Compression
		packed string
		want   string // "": an error
	}{
		{CompressionLZJB, "\x00abcd", "abcd"},
		{CompressionLZJB, "\x02a\x08\x01", "aaaaaa"},           // 'a', then 5 from 1 before
		{CompressionLZJB, "\x08abc\x00\x03d", "abcabcd"},       // 3 from 3 before, then as it is
		{CompressionLZJB, "\x08abc\x00\x04", ""},               // 4 before, where 3 are
		{CompressionLZJB, "\x02a\x00\x00", ""},                 // 0 before
		{CompressionLZJB, "\x00ab", ""},                        // ends too early
		{CompressionLZJB, "\x02a\x08", ""},                     // ends inside a copy
		{CompressionZLE, "\x02abc\x43", "abc\x00\x00\x00\x00"}, // 3 as they are, 4 zeros
		{CompressionZLE, "\x40\x00a\x7f", "\x00a\x00\x00"},     // 1 zero, a, zeros past the end
		{CompressionZLE, "\x02ab", ""},
		{CompressionZLE, "\x05abcdef", ""},
		{CompressionOff, "abcd", "abcd"},
		{CompressionOff, "abc", ""},
	}
	var c Codec
	for _, test := range tests {
		got := make([]byte, max(len(test.want), 4))
		err := c.Decompress(test.how, got, []byte(test.packed))
		if test.want == "" && !errors.Is(err, ErrPayload) || test.want != "" && (err != nil || string(got) != test.want) {
			t.Errorf("%v of %q: %q, %v, want %q", test.how, test.packed, got, err, test.want)
		}
	}
}

func TestParseCompression(t *testing.T) {
	for name, want := range map[string]Compression{"off": CompressionOff, "lz4": CompressionLZ4, "zstd": CompressionZstd, "gzip": CompressionGzip6, "gzip-9": CompressionGzip9} {
		if got, err := ParseCompression(name); got != want || err != nil {
			t.Errorf("%s is %v, %v", name, got, err)
		}
	}
	for _, name := range []string{"", "lzjb", "zle", "on", "empty", "zstd-3"} {
		if got, err := ParseCompression(name); err == nil {
			t.Errorf("%q is %v", name, got)
		}
	}
}

// TestRealPayloads decompresses every payload of the real streams.
func TestRealPayloads(t *testing.T) {
	var c Codec
	found := map[Compression]int{}
	eachReal(t, func(t *testing.T, name string, stream []byte) {
		r := NewReader(bytes.NewReader(stream), Options{})
		for {
			rec, err := r.Next()
			if err != nil {
				break // TestRealStreams has an eye on it
			}
			if r.Begin().Features().Has(FeatureRaw) {
				continue
			}
			switch w := rec.Write(); rec.Type() {
			case TypeWrite:
				if w.Compression() == 0 {
					continue
				}
				if err := c.Decompress(w.Compression(), make([]byte, w.LogicalSize()), r.Payload()); err != nil {
					t.Errorf("record %d: %v", r.Number(), err)
				}
				found[w.Compression()]++
			case TypeWriteEmbedded:
				e := rec.WriteEmbedded()
				if err := c.DecompressEmbedded(e, make([]byte, e.Length()), r.Payload()); err != nil {
					t.Errorf("record %d: %v", r.Number(), err)
				}
				found[e.Compression()]++
			}
		}
	})
	for _, how := range []Compression{CompressionLZJB, CompressionGzip6, CompressionLZ4, CompressionZstd} {
		if found[how] == 0 {
			t.Errorf("no payload with %v in %v", how, found)
		}
	}
}

// FuzzDecompress: whatever a payload is, it fills the block or is refused.
func FuzzDecompress(f *testing.F) {
	var c Codec
	for _, how := range packable {
		packed, err := c.Compress(how, 0, nil, text(4096))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(uint8(how), 4096, packed)
	}
	f.Add(uint8(CompressionLZJB), 7, []byte("\x08abc\x00\x03d"))
	f.Add(uint8(CompressionZLE), 7, []byte("\x02abc\x43"))
	f.Fuzz(func(t *testing.T, how uint8, n int, packed []byte) {
		if n < 0 || n > 1<<20 {
			return
		}
		block := make([]byte, n, n+16)
		guard := block[n : n+16]
		copy(guard, "guard behind dst")
		_ = c.Decompress(Compression(how), block, packed)
		if string(guard) != "guard behind dst" {
			t.Fatal("bytes behind the block were written")
		}
	})
}
