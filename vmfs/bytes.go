package vmfs

import (
	"bytes"
	"encoding/binary"
)

// All integers on disk are little-endian, and often unaligned: they are read where they are.
func u16(b []byte, at int) uint16 { return binary.LittleEndian.Uint16(b[at:]) }
func u32(b []byte, at int) uint32 { return binary.LittleEndian.Uint32(b[at:]) }
func u64(b []byte, at int) uint64 { return binary.LittleEndian.Uint64(b[at:]) }

// signed is an unsigned field that counts bytes or blocks: what does not fit is as good as
// the largest, and fails the check of its range.
func signed(n uint64) int64 {
	if n > 1<<62 {
		return 1 << 62
	}
	return int64(n)
}

// text is what comes before the first zero.
func text(b []byte) []byte {
	if i := bytes.IndexByte(b, 0); i >= 0 {
		return b[:i]
	}
	return b
}

// isPower reports a power of two.
func isPower(n int64) bool { return n > 0 && n&(n-1) == 0 }
