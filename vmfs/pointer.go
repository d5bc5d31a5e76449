package vmfs

// A place is where a piece of a file is in the logical volume.
type place struct {
	kind            Kind
	logical, length int64
}

// A cursor holds the pointer blocks that were looked at last, one for each level, so that a
// walk reads each once.
type cursor struct {
	pages [2]struct {
		address uint64
		block   []byte
		buf     scratch
	}
}

// place finds the block at off, from off to its end. Where a whole pointer block is absent,
// the hole is as long as what it would point to. With an error, the length is how much cannot
// be found.
func (f *File) place(c *cursor, off int64) (place, error) {
	if f.d.ZLA() == InPlace {
		if off >= f.capacity {
			return place{kind: Damaged, length: 1 << 62}, f.damaged("it holds no more than %d bytes", f.capacity)
		}
		at, _ := f.d.resident()
		return place{Resident, f.at + int64(at) + off, f.capacity - off}, nil
	}
	if off < 0 || off >= f.capacity {
		return place{kind: Damaged, length: 1 << 62}, f.damaged("its addresses reach no further than %#x", f.capacity)
	}
	raw, blocks, err := f.address(c, off/f.blockSize)
	in := off % f.blockSize
	p := place{Hole, 0, blocks*f.blockSize - in}
	if err != nil {
		p.kind = Damaged
		return p, err
	}
	if raw == 0 {
		return p, nil
	}
	return f.resolve(raw, off, p.length)
}

// Block is where the file block at an address is in the logical volume, and how long it is; ok is
// false for addresses of anything else. It may lie behind the volume's end.
func (v *Volume) Block(a Address) (logical, length int64, ok bool) {
	length = v.sb.FileBlockSize()
	switch a.Type {
	case AddressFB:
		n := a.Number
		if v.sb.wide() {
			n = n*v.cluster + a.Resource
		}
		return n * length, length, true
	case AddressLFB:
		length = v.sb.largeBlockSize()
		return a.Number * length, length, true
	}
	return 0, 0, false
}

// resolve finds where the byte at off is, whose block has this address; length is the rest of
// the block.
func (f *File) resolve(raw uint64, off, length int64) (place, error) {
	a, p, in := f.v.sb.Decode(raw), place{Data, 0, length}, off%f.blockSize
	l, unit, ok := f.v.Block(a)
	switch {
	case ok && a.Type == AddressLFB:
		// Where the file's blocks are small, each in a large one has the address of that.
		p.logical, in = l, off%unit
	case ok:
		p.logical = l
	case a.Type == AddressSB:
		return f.subBlock(a, in, length)
	default:
		p.kind = Damaged
		return p, f.damaged("%#x is not the address of a block", raw)
	}
	if a.ToBeZeroed {
		p.kind = ToBeZeroed
	}
	if in >= unit {
		p.kind = Damaged
		return p, f.damaged("a block of %d bytes where one of %d belongs", unit, f.blockSize)
	}
	p.logical += in
	p.length = min(length, unit-in)
	return p, nil
}

// subBlock finds byte in of a sub-block, as far as it lies in one piece: it may straddle two
// file blocks of .sbc.sf.
func (f *File) subBlock(a Address, in, length int64) (place, error) {
	sbc, err := f.v.Resources(SBCSlot)
	if err != nil {
		return place{kind: Damaged, length: length}, err
	}
	size := sbc.Header.ResourceSize()
	off, err := sbc.offset(a.Number, a.Resource)
	if err == nil && in >= size {
		err = f.damaged("a sub-block of %d bytes where a block of %d belongs", size, f.blockSize)
	}
	if err != nil {
		return place{kind: Damaged, length: length}, err
	}
	l, n, ok := sbc.find(off + in)
	if !ok {
		return place{kind: Damaged, length: length}, f.damaged("sub-block %d of cluster %d is not in %s", a.Resource, a.Number, sbc.name)
	}
	return place{SubBlock, l, min(length, size-in, n)}, nil
}

// address returns the address of block i; 0 is a hole, of as many blocks as are said.
func (f *File) address(c *cursor, i int64) (raw uint64, blocks int64, err error) {
	array, width := f.d.addresses()
	blocks = 1
	for range f.levels {
		blocks *= f.fan
	}
	if i/blocks >= int64(len(array)/width) {
		return 0, blocks, f.damaged("it has no block %d", i)
	}
	raw = entry(array, i/blocks, width)
	for level := range f.levels {
		rest := blocks - i%blocks
		if raw == 0 {
			return 0, rest, nil
		}
		page, err := f.page(c, level, raw)
		if err != nil {
			return 0, rest, err
		}
		blocks /= f.fan
		raw = entry(page, i/blocks%f.fan, width)
	}
	return raw, 1, nil
}

// entry is the address at index i of an array of addresses.
func entry(array []byte, i int64, width int) uint64 {
	if width == 4 {
		return uint64(u32(array, int(i)*4))
	}
	return u64(array, int(i)*8)
}

// page returns the pointer block at an address.
func (f *File) page(c *cursor, level int, raw uint64) ([]byte, error) {
	page := &c.pages[level]
	if page.address == raw {
		return page.block, nil
	}
	b, err := f.v.pointers(raw, int(f.fan), &page.buf)
	if err != nil {
		page.address = 0
		return nil, err
	}
	page.address, page.block = raw, b
	return b, nil
}

// pointers reads the pointer block at an address, of n addresses. Which file it is in is told
// by the type of the address, and by that alone: VMFS6 keeps most among the sub-blocks.
func (v *Volume) pointers(raw uint64, n int, buf *scratch) ([]byte, error) {
	a := v.sb.Decode(raw)
	width := 4
	if v.sb.wide() {
		width = 8
	}
	kind := &v.sb.kinds()[a.Type]
	switch a.Type {
	case AddressPB, AddressPB2, AddressSB:
	default:
		return nil, damaged("address", int64(raw), "it is not that of a pointer block")
	}
	r, err := v.Resources(kind.file)
	if err != nil {
		return nil, err
	}
	off, err := r.offset(a.Number, a.Resource)
	if err != nil {
		return nil, err
	}
	if r.Header.ResourceSize() < int64(n*width) {
		return nil, damaged(kind.name, off, "%d bytes have no room for %d addresses", r.Header.ResourceSize(), n)
	}
	return r.view(off, n*width, buf)
}
