package layer

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"math/bits"
	"sync"
	"sync/atomic"

	"github.com/lunarsan/lunar/sbd"
)

// A map is kept in sectors of 512 bytes, which a disk writes as a whole or not at all:
//
//	0 CRC32C (4)   of the layer's key (8), the sector's number (8) and what follows
//	4 zeros (4)
//	8 bits (504)   little-endian words of 64; set: the delta has the block
//
// Sector 0 is the header: its bits are the magic (8), the format (8) and the length of a block
// (8). A sector that is all zeros is one without bits. Bits are only ever set, each after its
// block is durable, and so an older sector is as right as a newer one.
const (
	sectorLen   = 512
	sectorHead  = 8
	sectorWords = (sectorLen - sectorHead) / 8
	perSector   = sectorWords * 64 // blocks
	mapMagic    = 0x70616d72616e756c
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// A blockMap says which blocks a delta has. Asking it takes no lock and allocates nothing.
type blockMap struct {
	store sbd.Store // where it is kept; nil: nowhere
	notes sbd.Store // where it is noted until it is kept; nil: nowhere
	key   uint64

	sectors atomic.Pointer[[]atomic.Pointer[sector]] // nil: no bits

	mu    sync.Mutex
	dirty []int // sectors with bits that are not kept yet
}

type sector struct {
	dirty atomic.Bool
	words [sectorWords]atomic.Uint64
}

// blocksOf is how many blocks a volume of size bytes has, and mapLength the length of their map
// (bytes).
func blocksOf(size, block int64) int64 { return (size-1)/block + 1 }

func mapLength(blocks int64) int64 { return ((blocks-1)/perSector + 2) * sectorLen }

// mapHeader is sector 0.
func mapHeader(key uint64, block int64) []byte {
	p := make([]byte, sectorLen)
	binary.LittleEndian.PutUint64(p[sectorHead:], mapMagic)
	binary.LittleEndian.PutUint64(p[sectorHead+8:], format)
	binary.LittleEndian.PutUint64(p[sectorHead+16:], uint64(block))
	seal(p, key, 0)
	return p
}

func seal(p []byte, key uint64, n int64) { binary.LittleEndian.PutUint32(p, sum(p, key, n)) }

func sum(p []byte, key uint64, n int64) uint32 {
	var where [16]byte
	binary.LittleEndian.PutUint64(where[:], key)
	binary.LittleEndian.PutUint64(where[8:], uint64(n))
	return crc32.Update(crc32.Checksum(where[:], castagnoli), castagnoli, p[4:sectorLen])
}

// newMap is a map of so many blocks, none of which is there.
func newMap(blocks int64) *blockMap {
	m := new(blockMap)
	m.grow(blocks)
	return m
}

// loadMap reads the map of a layer that has so many blocks of a length.
func loadMap(s sbd.Store, key uint64, blocks, block int64) (*blockMap, error) {
	m := newMap(blocks)
	m.store, m.key = s, key
	end := mapLength(blocks)
	if s.Size() < end {
		return nil, fmt.Errorf("%w: the map has %d bytes of %d", ErrDamaged, s.Size(), end)
	}
	buffer := make([]byte, min(end, 1<<20))
	for off := int64(0); off < end; off += int64(len(buffer)) {
		p := buffer[:min(int64(len(buffer)), end-off)]
		if _, err := s.ReadAt(p, off); err != nil {
			return nil, err
		}
		for at := 0; at < len(p); at += sectorLen {
			if err := m.parse(p[at:at+sectorLen], (off+int64(at))/sectorLen, block); err != nil {
				return nil, err
			}
		}
	}
	return m, nil
}

// parse takes in sector n as it was kept.
func (m *blockMap) parse(p []byte, n, block int64) error {
	if n > 0 && [sectorLen]byte(p) == [sectorLen]byte{} {
		return nil
	}
	if binary.LittleEndian.Uint32(p) != sum(p, m.key, n) {
		return fmt.Errorf("%w: sector %d of the map is not what was written there, or of another map", ErrDamaged, n)
	}
	word := func(i int) uint64 { return binary.LittleEndian.Uint64(p[sectorHead+i*8:]) }
	if n == 0 {
		if word(0) != mapMagic || word(1) != format || word(2) != uint64(block) {
			return fmt.Errorf("%w: the map is no map of format %d of blocks of %d bytes", ErrDamaged, format, block)
		}
		return nil
	}
	s := new(sector)
	for i := range s.words {
		s.words[i].Store(word(i))
	}
	(*m.sectors.Load())[n-1].Store(s)
	return nil
}

// grow makes room for so many blocks. Nobody marks blocks meanwhile.
func (m *blockMap) grow(blocks int64) {
	n := int((blocks-1)/perSector + 1)
	old := m.sectors.Load()
	if old != nil && len(*old) >= n {
		return
	}
	all := make([]atomic.Pointer[sector], n)
	if old != nil {
		for i := range *old {
			all[i].Store((*old)[i].Load())
		}
	}
	m.sectors.Store(&all)
}

// has says whether the delta has block b.
func (m *blockMap) has(b int64) bool {
	all := *m.sectors.Load()
	i := b / perSector
	if i >= int64(len(all)) {
		return false
	}
	s := all[i].Load()
	if s == nil {
		return false
	}
	b %= perSector
	return s.words[b/64].Load()>>(b%64)&1 != 0
}

// mark says that the delta has the blocks from b up to end.
func (m *blockMap) mark(b, end int64) error {
	m.set(b, end)
	if m.notes == nil {
		return nil
	}
	return m.note(b, end)
}

func (m *blockMap) set(b, end int64) {
	for b < end {
		i := b / perSector
		s := m.sector(int(i))
		for stop := min(end, (i+1)*perSector); b < stop; {
			at := b - i*perSector
			n := min(64-at%64, stop-b)
			s.words[at/64].Or(^uint64(0) >> (64 - n) << (at % 64))
			b += n
		}
		m.soil(int(i), s)
	}
}

// sector is sector i, made if it is not there.
func (m *blockMap) sector(i int) *sector {
	all := *m.sectors.Load()
	s := all[i].Load()
	if s == nil {
		s = new(sector)
		if !all[i].CompareAndSwap(nil, s) {
			s = all[i].Load()
		}
	}
	return s
}

// soil notes that sector i has bits that are not kept.
func (m *blockMap) soil(i int, s *sector) {
	if s.dirty.Load() {
		return
	}
	// Who sees it dirty relies on its being in the list.
	m.mu.Lock()
	defer m.mu.Unlock()
	if !s.dirty.Load() {
		m.dirty = append(m.dirty, i)
		s.dirty.Store(true)
	}
}

// A keeping is the sectors that are to be kept once their blocks are durable.
type keeping struct {
	m       *blockMap
	sectors []int
	p       []byte // as they are to be, one after the other
}

// gather takes what is to be kept as it is now. Each block that is marked in it was written
// before.
func (m *blockMap) gather() keeping {
	m.mu.Lock()
	k := keeping{m: m, sectors: m.dirty}
	m.dirty = nil
	m.mu.Unlock()
	all := *m.sectors.Load()
	k.p = make([]byte, len(k.sectors)*sectorLen)
	for at, i := range k.sectors {
		s, p := all[i].Load(), k.p[at*sectorLen:][:sectorLen]
		// Before the bits are looked at: one that is set later soils the sector anew.
		s.dirty.Store(false)
		for w := range s.words {
			binary.LittleEndian.PutUint64(p[sectorHead+w*8:], s.words[w].Load())
		}
		seal(p, m.key, int64(i)+1)
	}
	return k
}

// keep writes what was gathered, durably. After an error it is to be gathered again.
func (k keeping) keep() error {
	if len(k.sectors) == 0 {
		return nil
	}
	for at := 0; at < len(k.sectors); {
		n := 1
		for at+n < len(k.sectors) && k.sectors[at+n] == k.sectors[at]+n {
			n++
		}
		if _, err := k.m.store.WriteAt(k.p[at*sectorLen:(at+n)*sectorLen], (int64(k.sectors[at])+1)*sectorLen); err != nil {
			k.drop()
			return err
		}
		at += n
	}
	if err := k.m.store.Sync(); err != nil {
		k.drop()
		return err
	}
	return nil
}

// drop gives up what was gathered.
func (k keeping) drop() {
	for _, i := range k.sectors {
		k.m.soil(i, k.m.sector(i))
	}
}

// next is the first block from b on, before end, that the delta has or, without has, has not;
// end if there is none.
func (m *blockMap) next(b, end int64, has bool) int64 {
	all := *m.sectors.Load()
	for b < end {
		i := b / perSector
		var s *sector
		if i < int64(len(all)) {
			s = all[i].Load()
		}
		if s == nil {
			if !has {
				return b
			}
			b = (i + 1) * perSector
			continue
		}
		at := b - i*perSector
		word := s.words[at/64].Load()
		if !has {
			word = ^word
		}
		if word = word >> (at % 64); word != 0 {
			return min(b+int64(bits.TrailingZeros64(word)), end)
		}
		b += 64 - at%64
	}
	return end
}

// run is the first run of blocks from b on, before end, that one map has, which may be nil and has
// all, and another has not, which may be nil and has none; end, end if there is none.
func run(in, out *blockMap, b, end int64) (from, stop int64) {
	for b < end {
		if in != nil {
			b = in.next(b, end, true)
		}
		if b < end && out != nil && out.has(b) {
			b = out.next(b, end, false)
			continue
		}
		stop = end
		if in != nil {
			stop = in.next(b, stop, false)
		}
		if out != nil {
			stop = out.next(b, stop, true)
		}
		return b, stop
	}
	return end, end
}

// count is how many of the first blocks the delta has.
func (m *blockMap) count(blocks int64) (n int64) {
	all := *m.sectors.Load()
	for i := range all {
		s := all[i].Load()
		if s == nil {
			continue
		}
		for w := range s.words {
			from := int64(i)*perSector + int64(w)*64
			if from >= blocks {
				return n
			}
			word := s.words[w].Load()
			if left := blocks - from; left < 64 {
				word &= 1<<left - 1
			}
			n += int64(bits.OnesCount64(word))
		}
	}
	return n
}

// add takes in the bits of another map.
func (m *blockMap) add(o *blockMap) {
	for b, end := int64(0), int64(len(*o.sectors.Load()))*perSector; ; {
		if b = o.next(b, end, true); b == end {
			return
		}
		stop := o.next(b, end, false)
		m.grow(stop)
		m.set(b, stop)
		b = stop
	}
}
