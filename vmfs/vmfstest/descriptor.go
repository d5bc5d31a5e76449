package vmfstest

// Zero level address types: what a descriptor's addresses lead to.
const (
	zlaBlocks    = 1
	zlaSubBlocks = 2
	zlaPointers  = 3
	zlaSecondary = 5
	zlaDouble    = 0x10D0
	zlaResident  = 0x10D1
)

// levelsOf is how many levels of pointer blocks there are.
func levelsOf(zla uint32) int {
	switch zla {
	case zlaPointers, zlaSecondary:
		return 1
	case zlaDouble:
		return 2
	}
	return 0
}

// descriptor is a file descriptor as it is to be written.
type descriptor struct {
	number            int64
	generation, links uint32
	kind              Type
	length, blockSize int64
	blocks, tbz       int64
	pages, large      int64
	mode, uid, gid    uint32
	zla               uint32
	parent            uint64
	lock              Lock
	addresses         []uint64
	resident          []byte
	owned             []owned // what a deletion frees; kept where there is one
}

// owned is a resource of a file.
type owned struct {
	kind addressKind
	n    int64
}

// descriptorSize is that of a descriptor on disk, in bytes.
func (b *builder) descriptorSize() int64 {
	if b.six() {
		return 2 * b.spec.Alignment
	}
	return 0x800
}

// metadataAt is where the lock ends and the metadata begins.
func (b *builder) metadataAt() int64 {
	if b.six() {
		return b.spec.Alignment
	}
	return 0x200
}

// residentAt and residentSize say where data is in the descriptor, and how much.
func (b *builder) residentAt() int64   { return b.metadataAt() + 0x200 }
func (b *builder) residentSize() int64 { return b.descriptorSize() - b.residentAt() }

// inDescriptor is how many addresses a descriptor has, at its end.
func (b *builder) inDescriptor() int64 {
	switch {
	case !b.six():
		return 256
	case b.spec.Alignment <= 4096:
		return 320
	}
	return b.spec.Alignment / 16
}

// descriptorAt is where the nth descriptor is in the volume.
func (b *builder) descriptorAt(n int64) int64 {
	r := b.of[toFile]
	return r.file.logical(r.at(n), b.blockSize)
}

// writeDescriptor writes a descriptor, but not what of it is zero: there may be many.
func (b *builder) writeDescriptor(d *descriptor) {
	at := b.descriptorAt(d.number)
	b.write(at, b.lockRecord(0x10C00001, at, d.lock))
	m := make(record, 0x90)
	m.u32(0x00, uint32(b.address(toFile, d.number)))
	m.u32(0x04, d.generation)
	m.u32(0x08, d.links)
	m.u32(0x0C, uint32(d.kind))
	m.u64(0x14, uint64(d.length))
	m.u64(0x1C, uint64(d.blockSize))
	m.u64(0x24, uint64(d.blocks))
	m.u32(0x2C, epoch+uint32(d.number))
	m.u32(0x30, epoch)
	m.u32(0x34, epoch)
	m.u32(0x38, d.uid)
	m.u32(0x3C, d.gid)
	m.u32(0x40, d.mode)
	m.u32(0x44, d.zla)
	m.u32(0x48, uint32(d.tbz))
	m.u32(0x54, uint32(d.tbz>>32))
	if b.spec.Version > 3 {
		m.u32(0x5C, uint32(d.pages))
		m.u32(0x6C, 20)
		m.u8(0x89, shift(d.blockSize))
	}
	if b.six() {
		m.u32(0x64, 0x66646D64)
		m.u32(0x70, uint32(d.parent))
		m.u32(0x8C, uint32(d.large))
	}
	b.write(at+b.metadataAt(), m)
	if d.resident != nil {
		b.write(at+b.residentAt(), d.resident)
	}
	if last := lastSet(d.addresses); last >= 0 {
		b.write(at+b.descriptorSize()-b.inDescriptor()*b.addressSize(), b.encode(d.addresses[:last+1]))
	}
}

// addressSize is that of an address in descriptors and pointer blocks, in bytes.
func (b *builder) addressSize() int64 {
	if b.six() {
		return 8
	}
	return 4
}

// encode is addresses as they are on disk.
func (b *builder) encode(addresses []uint64) record {
	r := make(record, int64(len(addresses))*b.addressSize())
	for i, a := range addresses {
		if b.six() {
			r.u64(i*8, a)
		} else {
			r.u32(i*4, uint32(a))
		}
	}
	return r
}

// lastSet is the index of the last address, -1 without any.
func lastSet(addresses []uint64) int {
	for i := len(addresses) - 1; i >= 0; i-- {
		if addresses[i] != 0 {
			return i
		}
	}
	return -1
}

// shift is the logarithm of a power of two.
func shift(n int64) (s uint8) {
	for ; n > 1; n >>= 1 {
		s++
	}
	return s
}
