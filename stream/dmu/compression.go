package dmu

import (
	"errors"
	"fmt"
	"slices"
)

// A Compression is how a payload, or an object, is compressed.
type Compression uint8

// Compressions of payloads. Numbers that are not here were never in a stream's payload.
const (
	CompressionNone  Compression = 0 // of WRITE; of OBJECT: that of the dataset
	CompressionOff   Compression = 2
	CompressionLZJB  Compression = 3
	CompressionEmpty Compression = 4
	CompressionGzip1 Compression = 5
	CompressionGzip6 Compression = 10
	CompressionGzip9 Compression = 13
	CompressionZLE   Compression = 14
	CompressionLZ4   Compression = 15
	CompressionZstd  Compression = 16
)

// compressions has a row for each: its name, the features without which no receiver expects it
// in a payload, and the codec. A row without a codec has no payloads of its own.
var compressions = [...]struct {
	name   string
	needs  Features
	unpack func(c *Codec, dst, src []byte) error
	pack   func(c *Codec, dst, src []byte, level int) ([]byte, error)
}{
	0:  {name: "none"},
	1:  {name: "on"},
	2:  {name: "off", needs: FeatureCompressed, unpack: copied},
	3:  {name: "lzjb", needs: FeatureCompressed, unpack: unpackLZJB},
	4:  {name: "empty"},
	5:  {"gzip-1", FeatureCompressed, unpackZlib, packZlib},
	6:  {"gzip-2", FeatureCompressed, unpackZlib, packZlib},
	7:  {"gzip-3", FeatureCompressed, unpackZlib, packZlib},
	8:  {"gzip-4", FeatureCompressed, unpackZlib, packZlib},
	9:  {"gzip-5", FeatureCompressed, unpackZlib, packZlib},
	10: {"gzip-6", FeatureCompressed, unpackZlib, packZlib},
	11: {"gzip-7", FeatureCompressed, unpackZlib, packZlib},
	12: {"gzip-8", FeatureCompressed, unpackZlib, packZlib},
	13: {"gzip-9", FeatureCompressed, unpackZlib, packZlib},
	14: {name: "zle", needs: FeatureCompressed, unpack: unpackZLE},
	15: {"lz4", FeatureCompressed | FeatureLZ4, unpackLZ4, packLZ4},
	16: {"zstd", FeatureCompressed | FeatureZstd, unpackZstd, packZstd},
}

func (c Compression) String() string {
	if int(c) < len(compressions) {
		return compressions[c].name
	}
	return fmt.Sprintf("compression %d", uint8(c))
}

// Needs are the features that a stream must have for a WRITE compressed by c.
func (c Compression) Needs() Features {
	if int(c) < len(compressions) {
		return compressions[c].needs
	}
	return 0
}

// ParseCompression is the compression of a name: off, lz4, zstd, or gzip-1 to gzip-9.
func ParseCompression(name string) (Compression, error) {
	if name == "gzip" {
		return CompressionGzip6, nil
	}
	var names []string
	for i, row := range compressions {
		if row.pack == nil && Compression(i) != CompressionOff {
			continue
		}
		if row.name == name {
			return Compression(i), nil
		}
		names = append(names, row.name)
	}
	return 0, fmt.Errorf("there is no compression %q; choose one of %v", name, slices.Compact(names))
}

// ErrPayload is the kind of every error of a payload that does not decompress to what its
// record says.
var ErrPayload = errors.New("the payload does not decompress")

// ErrIncompressible is what Pack returns where the packed block would be no shorter.
var ErrIncompressible = errors.New("the block does not get shorter")

// Decompress fills dst, as long as the block is, from the payload src. src may have padding
// behind it.
func (c *Codec) Decompress(how Compression, dst, src []byte) error {
	if int(how) >= len(compressions) || compressions[how].unpack == nil {
		return fmt.Errorf("%w: %v has no payloads", ErrPayload, how)
	}
	if err := compressions[how].unpack(c, dst, src); err != nil {
		return fmt.Errorf("%w with %v: %w", ErrPayload, how, err)
	}
	return nil
}

// DecompressEmbedded fills dst, as long as w says that the block is, from the payload of w.
func (c *Codec) DecompressEmbedded(w *WriteEmbedded, dst, src []byte) error {
	n := int(w.LogicalSize())
	if n > len(dst) || int(w.PhysicalSize()) > len(src) {
		return fmt.Errorf("%w: it has %d bytes for %d of a block of %d", ErrPayload, len(src), n, len(dst))
	}
	clear(dst[n:])
	return c.Decompress(w.Compression(), dst[:n], src[:w.PhysicalSize()])
}

// Compress appends src, compressed, to dst, with zeros up to a multiple of 512. A level of 0 is
// the usual one. What would not be shorter than src is ErrIncompressible: it goes out as it is.
func (c *Codec) Compress(how Compression, level int, dst, src []byte) ([]byte, error) {
	if int(how) >= len(compressions) || compressions[how].pack == nil {
		return nil, fmt.Errorf("nothing is compressed with %v any more", how)
	}
	if how >= CompressionGzip1 && how <= CompressionGzip9 {
		level = int(how-CompressionGzip1) + 1
	}
	at := len(dst)
	out, err := compressions[how].pack(c, dst, src, level)
	if err != nil {
		return dst, err
	}
	for (len(out)-at)%sector != 0 {
		out = append(out, 0)
	}
	if len(out)-at >= len(src) {
		return dst, ErrIncompressible
	}
	return out, nil
}

// sector is what the lengths of blocks and payloads are multiples of (bytes).
const sector = 512

func copied(_ *Codec, dst, src []byte) error {
	if len(src) != len(dst) {
		return fmt.Errorf("there are %d bytes for a block of %d", len(src), len(dst))
	}
	copy(dst, src)
	return nil
}
