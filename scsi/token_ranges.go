package scsi

import (
	"encoding/binary"

	"github.com/lunarsan/lunar/sbd"
)

// parseTokenRanges returns the ranges of POPULATE TOKEN or WRITE USING TOKEN, in bytes of t's
// unit, and their sum. p begins with a header whose first two bytes say how many bytes of the
// list follow them, and whose last two how many are block device range descriptors (SBC-4):
//
//	0..7  LOGICAL BLOCK ADDRESS
//	8..11 NUMBER OF LOGICAL BLOCKS
func (t *Task) parseTokenRanges(p []byte, header int) (ranges []sbd.Range, total int64, err error) {
	if len(p) < header {
		return nil, 0, ParameterListLength
	}
	at := header - 2
	n := int(binary.BigEndian.Uint16(p[at:]))
	switch following := int(binary.BigEndian.Uint16(p[0:])); {
	case n == 0, n%tokenRangeLen != 0:
		return nil, 0, InvalidFieldInParameters.At(at)
	case n > maxTokenRanges*tokenRangeLen:
		return nil, 0, TooManySegments.At(at)
	case following < at+n: // which counts from the third byte
		return nil, 0, InvalidFieldInParameters.At(0)
	case len(p) < header+n:
		return nil, 0, ParameterListLength
	}
	for i := header; i < header+n; i += tokenRangeLen {
		off, n, err := t.extent(binary.BigEndian.Uint64(p[i:]), uint64(binary.BigEndian.Uint32(p[i+8:])))
		if err != nil {
			return nil, 0, err
		}
		r := sbd.Range{Off: off, N: n}
		if overlapsAny(r, ranges) {
			return nil, 0, InvalidFieldInParameters.At(i)
		}
		if total += n; total > maxTokenBytes {
			return nil, 0, InvalidFieldInParameters.At(i + 8)
		}
		ranges = append(ranges, r)
	}
	return ranges, total, nil
}
