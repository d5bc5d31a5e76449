package dmu

import (
	"fmt"
	"math/bits"
	"strings"
)

// Features are the features that a stream makes use of: a receiver that does not know one of
// them cannot make sense of the stream.
type Features uint64

// Features of streams. Bits 3 to 15 belong to closed-source forks, and 18 to a vendor.
const (
	FeatureDedup               Features = 1 << 0
	FeatureDedupProps          Features = 1 << 1
	FeatureSASpill             Features = 1 << 2
	FeatureEmbedData           Features = 1 << 16
	FeatureLZ4                 Features = 1 << 17
	FeatureLargeBlocks         Features = 1 << 19
	FeatureResuming            Features = 1 << 20
	FeatureRedacted            Features = 1 << 21
	FeatureCompressed          Features = 1 << 22
	FeatureLargeDnode          Features = 1 << 23
	FeatureRaw                 Features = 1 << 24
	FeatureZstd                Features = 1 << 25
	FeatureHolds               Features = 1 << 26
	FeatureSwitchToLargeBlocks Features = 1 << 27
	FeatureLongName            Features = 1 << 28
	FeatureLargeMicroZAP       Features = 1 << 29
)

// features has a row for each bit: its name, and what it says of a stream. A bit without a
// name is not known.
var features = [...]struct{ name, means string }{
	0:  {"dedup", "blocks refer to others of the stream (send -D)"},
	1:  {"dedup-props", "dedup, with properties"},
	2:  {"sa-spill", "attributes overflow into spill blocks"},
	16: {"embed-data", "small blocks come as WRITE_EMBEDDED (send -e)"},
	17: {"lz4", "payloads may be compressed with LZ4 or a later algorithm"},
	19: {"large-blocks", "blocks may be longer than 128 KiB (send -L)"},
	20: {"resuming", "goes on where an interrupted receive stopped (send -t)"},
	21: {"redacted", "some blocks are left out on purpose (send --redact)"},
	22: {"compressed", "blocks come as they are on disk (send -c)"},
	23: {"large-dnode", "objects may take several dnode slots"},
	24: {"raw", "encrypted, and sent so (send -w)"},
	25: {"zstd", "payloads may be compressed with Zstandard"},
	26: {"holds", "holds are in the package (send -h)"},
	27: {"switch-to-large-blocks", "blocks become longer than 128 KiB here"},
	28: {"longname", "file names may be longer than 255 bytes"},
	29: {"large-microzap", "microZAPs may be longer than 128 KiB"},
}

// Has says whether all of want are there.
func (f Features) Has(want Features) bool { return f&want == want }

// Unknown are those of f that no row describes.
func (f Features) Unknown() Features {
	var unknown Features
	for rest := f; rest != 0; rest &= rest - 1 {
		if bit := bits.TrailingZeros64(uint64(rest)); bit >= len(features) || features[bit].name == "" {
			unknown |= 1 << bit
		}
	}
	return unknown
}

// Names are the names of f in the order of bits, with "bit N" for one that is not known.
func (f Features) Names() []string {
	names := []string{}
	for rest := f; rest != 0; rest &= rest - 1 {
		bit := bits.TrailingZeros64(uint64(rest))
		if bit < len(features) && features[bit].name != "" {
			names = append(names, features[bit].name)
		} else {
			names = append(names, fmt.Sprintf("bit %d", bit))
		}
	}
	return names
}

func (f Features) String() string { return strings.Join(f.Names(), ", ") }
