package dmu

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
)

// The properties of a volume are a microZAP of one entry, size. It is the only place of a
// stream that says how long the volume is, and comes behind all blocks.
//
//	 0  0x8000000000000003, salt u64, normflags u64
//	24  pad [40]
//	64  entries of 64 bytes: value u64, cd u32, pad u16, name [50] with a NUL behind
const (
	microZAP   uint64 = 1<<63 + 3
	fatZAP     uint64 = 1<<63 + 1
	zapEntry          = 64
	zapName           = 14 // in an entry
	zapSize           = "size"
	minZvolZAP        = 512
)

// ErrNoVolumeSize is what VolumeSize returns where there is none in the properties.
var ErrNoVolumeSize = errors.New("the volume's properties do not say its size")

// VolumeSize is the length of a volume (bytes), from the decompressed block of its properties
// at offset 0 of object 2, in the byte order of the stream.
func VolumeSize(zap []byte, order binary.ByteOrder) (uint64, error) {
	if len(zap) < 2*zapEntry || len(zap)%zapEntry != 0 {
		return 0, fmt.Errorf("%w: they are %d bytes", ErrNoVolumeSize, len(zap))
	}
	switch kind := order.Uint64(zap); kind {
	case microZAP:
	case fatZAP:
		return 0, fmt.Errorf("%w where it is looked for: they are a fat ZAP, which no volume has been seen to have", ErrNoVolumeSize)
	default:
		return 0, fmt.Errorf("%w: they are no ZAP, but begin with %#x", ErrNoVolumeSize, kind)
	}
	for entry := zap[zapEntry:]; len(entry) > 0; entry = entry[zapEntry:] {
		if name, _, _ := bytes.Cut(entry[zapName:zapEntry], []byte{0}); string(name) == zapSize {
			return order.Uint64(entry), nil
		}
	}
	return 0, ErrNoVolumeSize
}

// VolumeProps is the block of properties, 512 bytes in little-endian order, of a volume of size
// bytes.
func VolumeProps(size uint64) []byte {
	zap := make([]byte, minZvolZAP)
	le.PutUint64(zap, microZAP)
	le.PutUint64(zap[zapEntry:], size)
	copy(zap[zapEntry+zapName:], zapSize)
	return zap
}
