package vmfs

import "slices"

// Directories of VMFS6 are looked up by a hash of the name: Bob Jenkins' lookup8, over the name
// in 256 bytes, of which a filler takes the first 128 as far as the name leaves them [C1].
const (
	hashPlaces     = 16001
	hashPlacesRoot = 15973 // the places behind are reserved for the system files
	hashFiller     = 0x739A75C28E61B017
	hashSystem     = 0x3E66 // of the first of hashNames
)

// hashNames are the names whose places in the root are fixed, in the order of these.
var hashNames = [...]string{".fbb.sf", ".fdc.sf", ".pbc.sf", ".sbc.sf", ".vh.sf", ".pb2.sf", ".sdd.sf", ".jbc.sf", ".unmap.sf", ".dfd.sf"}

// nameHash is the hash of a name in links, and its place in the hash table.
func nameHash(name []byte, root bool) (hash uint16, place uint32) {
	places := uint64(hashPlaces)
	if root {
		if i := slices.Index(hashNames[:], string(name)); i >= 0 {
			return uint16(hashSystem + i), uint32(hashSystem + i)
		}
		places = hashPlacesRoot
	}
	var words [32]uint64
	for i, b := range name {
		words[i/8] |= uint64(b) << (i % 8 * 8)
	}
	for i := len(name)/8 + 1; i < 16; i++ {
		words[i] = hashFiller
	}
	h := lookup8(&words)
	return uint16(h >> 16), uint32(h % places)
}

// lookup8 hashes 32 words, from the level 42.
func lookup8(words *[32]uint64) uint64 {
	a, b, c := uint64(42), uint64(42), uint64(0x9E3779B97F4A7C13)
	mix := func() {
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
	}
	for i := 0; i < 30; i += 3 {
		a, b, c = a+words[i], b+words[i+1], c+words[i+2]
		mix()
	}
	a, b, c = a+words[30], b+words[31], c+32
	mix()
	return c
}
