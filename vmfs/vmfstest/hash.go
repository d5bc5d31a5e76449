package vmfstest

import (
	"encoding/binary"
	"strconv"
)

// reserved are the names whose places in the root's hash table are fixed, from firstReserved on.
var reserved = [...]string{".fbb.sf", ".fdc.sf", ".pbc.sf", ".sbc.sf", ".vh.sf", ".pb2.sf", ".sdd.sf", ".jbc.sf", ".unmap.sf", ".dfd.sf"}

const firstReserved = 0x3E66

// nameHash is the hash of a name in links, and its index in the hash table.
func nameHash(name string, inRoot bool) (hash uint16, index uint32) {
	size := uint64(16001)
	if inRoot {
		for i, r := range reserved {
			if name == r {
				return uint16(firstReserved + i), uint32(firstReserved + i)
			}
		}
		size = 15973
	}
	h := hashOf(name)
	return uint16(h >> 16), uint32(h % size)
}

// hashOf is Jenkins' lookup8 over 32 words: the name, and a filler up to 128 bytes.
func hashOf(name string) uint64 {
	var key [256]byte
	copy(key[:], name)
	for at := (len(name) + 8) &^ 7; at < 127; at += 8 {
		binary.LittleEndian.PutUint64(key[at:], 0x739A75C28E61B017)
	}
	const words = 32
	word := func(i int) uint64 { return binary.LittleEndian.Uint64(key[i*8:]) }
	a, b, c := uint64(42), uint64(42), uint64(0x9E3779B97F4A7C13)
	i := 0
	for ; i+3 <= words; i += 3 {
		a, b, c = mix3(a+word(i), b+word(i+1), c+word(i+2))
	}
	_, _, c = mix3(a+word(i), b+word(i+1), c+words)
	return c
}

func mix3(a, b, c uint64) (uint64, uint64, uint64) {
	a = (a - b - c) ^ c>>43
	b = (b - c - a) ^ a<<9
	c = (c - a - b) ^ b>>8
	a = (a - b - c) ^ c>>38
	b = (b - c - a) ^ a<<23
	c = (c - a - b) ^ b>>5
	a = (a - b - c) ^ c>>35
	b = (b - c - a) ^ a<<49
	c = (c - a - b) ^ b>>11
	a = (a - b - c) ^ c>>12
	b = (b - c - a) ^ a<<18
	c = (c - a - b) ^ b>>22
	return a, b, c
}

// Colliding finds n names that share a place in the hash table of a directory below the root.
func Colliding(n int) []string {
	_, want := nameHash("collision-0", false)
	names := []string{"collision-0"}
	for i := 1; len(names) < n; i++ {
		name := "collision-" + strconv.Itoa(i)
		if _, index := nameHash(name, false); index == want {
			names = append(names, name)
		}
	}
	return names
}
