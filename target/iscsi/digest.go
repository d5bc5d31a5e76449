package iscsi

import (
	"encoding/binary"
	"hash/crc32"
)

// DigestLen is the length of a header or data digest, in bytes.
const DigestLen = 4

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// A Digest is the CRC32C of a header or a data segment while it is being summed (RFC 7143
// §13.1). The zero value is the digest of nothing.
type Digest uint32

// Add returns the digest with p summed in.
func (d Digest) Add(p []byte) Digest { return Digest(crc32.Update(uint32(d), castagnoli, p)) }

// AddPadding returns the digest with the padding after a segment of n bytes summed in.
func (d Digest) AddPadding(n int) Digest {
	if n == Padded(n) {
		return d // the zeros below are moved to the heap
	}
	var zeros [3]byte
	return d.Add(zeros[:Padded(n)-n])
}

// Put writes the digest as it goes on the wire: the polynomial's reflection makes that
// little-endian.
func (d Digest) Put(p *[DigestLen]byte) { binary.LittleEndian.PutUint32(p[:], uint32(d)) }

// DigestFrom reads a digest off the wire.
func DigestFrom(p *[DigestLen]byte) Digest { return Digest(binary.LittleEndian.Uint32(p[:])) }
