package vmfs

import "fmt"

// fdState is what a check keeps of a descriptor.
type fdState struct {
	generation uint32
	links      uint32
	names      uint32 // entries of directories, but for "." and ".."
	dots       uint32
	kind       Type
	flags      fdFlags
}

// fdStates is one for each descriptor; those of a stretch without a descriptor in use take no
// memory.
type fdStates struct {
	total  int64
	chunks [][]fdState
}

const fdChunk = 1024

func newFDStates(total int64) fdStates {
	return fdStates{total, make([][]fdState, (total+fdChunk-1)/fdChunk)}
}

// of is the state of descriptor n; nil where none is in use nearby.
func (s *fdStates) of(n int64) *fdState {
	if chunk := s.chunks[n/fdChunk]; chunk != nil {
		return &chunk[n%fdChunk]
	}
	return nil
}

// make is the same, and there is one afterwards.
func (s *fdStates) make(n int64) *fdState {
	if s.chunks[n/fdChunk] == nil {
		s.chunks[n/fdChunk] = make([]fdState, fdChunk)
	}
	return s.of(n)
}

type fdFlags uint8

const (
	fdLive    fdFlags = 1 << iota // in use by a file
	fdDir                         // of a directory
	fdVisited                     // whose entries were looked at
	fdDamaged                     // that cannot be understood: what it owns is not known
)

// number is the place of a descriptor in fds; ok is false where there is none.
func (c *checker) number(a FDAddress) (n int64, ok bool) {
	o := c.kinds[AddressFD]
	return o.number(Address{Type: AddressFD, Number: a.Cluster(), Resource: a.Resource()}, true)
}

// address is that of a descriptor by its place in fds.
func (c *checker) address(n int64) FDAddress {
	per := c.kinds[AddressFD].header.ClusterLen()
	return FDAddressOf(n/per, n%per)
}

// descriptors reads all descriptors, and marks what each owns.
func (c *checker) descriptors() error {
	return c.eachDescriptor(0, 0.6, func(n int64, d Descriptor, at int64) {
		addr := c.address(n)
		if d.Lock().Type() != LockFD || d.Links() == 0 {
			if d.Lock().Type() == LockFD && d.Address() == addr {
				c.report.Counts.Deleted++
			}
			return
		}
		c.kinds[AddressFD].own(n, false)
		s := c.fds.make(n)
		*s = fdState{generation: d.Generation(), links: d.Links(), kind: d.Type(), flags: fdLive}
		if d.IsDir() {
			s.flags |= fdDir
			c.report.Counts.Directories++
		} else {
			c.report.Counts.Files++
			if d.Type() == System {
				c.report.Counts.System++
			}
		}
		if problem := c.problem(d, addr, at); problem != "" {
			c.findFile(FaultDescriptor, addr, "%s", problem)
		}
		c.lock(addr, d.Lock())
		f, err := c.v.fileFrom(d, at)
		if err == nil && f.size > f.capacity && f.Type() != RDM && (f.capacity > 0 || f.size > 0) {
			err = fmt.Errorf("%d bytes are more than its addresses can reach, %d", f.size, f.capacity)
		}
		if err != nil {
			c.findFile(FaultDescriptor, addr, "%v", err)
			s.flags |= fdDamaged
			return
		}
		c.blocks(f, addr)
	})
}

// descriptorsAtOnce is how many bytes of descriptors are read at once.
const descriptorsAtOnce = 1 << 20

// eachDescriptor calls do with every slot of .fdc.sf, and tells progress from a part of the
// whole to another.
func (c *checker) eachDescriptor(from, to float64, do func(n int64, d Descriptor, at int64)) error {
	r := c.kinds[AddressFD].file
	per, size := r.Header.ClusterLen(), r.Header.ResourceSize()
	var buf scratch
	for first, count := int64(0), int64(0); first < c.fds.total; first += count {
		if err := c.ctx.Err(); err != nil {
			return err
		}
		c.progress(from + (to-from)*float64(first)/float64(c.fds.total))
		off, err := r.offset(first/per, first%per)
		if err != nil {
			return err
		}
		count = min(per-first%per, c.fds.total-first, descriptorsAtOnce/size)
		b, err := r.view(off, int(count*size), &buf)
		if err != nil {
			c.find(FaultResourceFile, r.Slot.String(), "descriptors %d to %d: %v", first, first+count-1, err)
			continue
		}
		for i := range count {
			at, _, _ := r.find(off + i*size)
			do(first+i, Descriptor(b[i*size:(i+1)*size:(i+1)*size]), at)
		}
	}
	return nil
}

// live is the state of a descriptor that is in use; nil of any other address.
func (c *checker) live(a FDAddress) *fdState {
	n, ok := c.number(a)
	if !ok || !a.Valid() {
		return nil
	}
	if s := c.fds.of(n); s != nil && s.flags&fdLive != 0 {
		return s
	}
	return nil
}

// problem is what shows that a descriptor in use is not well; empty when it is.
func (c *checker) problem(d Descriptor, addr FDAddress, at int64) string {
	switch {
	case d.Address() != addr:
		return fmt.Sprintf("it says that it is descriptor %s", d.Address())
	case d.Lock().Logical() != at:
		return fmt.Sprintf("its lock says that it is at %#x, and it is at %#x", d.Lock().Logical(), at)
	case d.wide() && d.Signature() != descriptorSignature:
		return fmt.Sprintf("its signature is %#x", d.Signature())
	case d.Type() < VolumeType || d.Type() > RDM:
		return fmt.Sprintf("its type is %d", uint32(d.Type()))
	}
	return ""
}

// blocks marks what a file owns, and compares how much that is with what it says.
func (c *checker) blocks(f *File, addr FDAddress) {
	var (
		data, zeroed int64
		large        uint64
		whole        = true
		wide         = c.v.sb.wide()
	)
	for b, err := range f.Blocks() {
		if c.budget--; c.budget < 0 {
			c.giveUp(addr)
			return
		}
		if err != nil {
			c.findFile(FaultAddress, addr, "the pointer block %#x at %#x of it: %v", b.Raw, b.Offset, err)
			whole = false
			continue
		}
		if b.Level == 0 {
			data++
			if b.Address.ToBeZeroed {
				zeroed++
			}
		}
		if b.Address.Type == AddressLFB {
			if b.Raw != large {
				c.large(addr, b)
			}
			large = b.Raw
			continue
		}
		o := c.kinds[b.Address.Type]
		if o == nil || !fits(b) {
			c.findFile(FaultAddress, addr, "%#x at %#x of it is the address of no block", b.Raw, b.Offset)
			continue
		}
		n, ok := o.number(b.Address, wide)
		if !ok {
			c.findFile(FaultAddress, addr, "%#x at %#x of it is behind the last %s", b.Raw, b.Offset, o.name)
			continue
		}
		o.own(n, b.Address.COW)
	}
	if !whole || large != 0 || f.d.ZLA() == InPlace || f.Type() == RDM {
		return
	}
	if data != f.d.Blocks() {
		c.findFile(FaultBlockCount, addr, "it has %d blocks, and says %d", data, f.d.Blocks())
	}
	if !wide && zeroed != int64(f.d.ToBeZeroed()) {
		c.findFile(FaultBlockCount, addr, "it has %d blocks to be zeroed, and says %d", zeroed, f.d.ToBeZeroed())
	}
}

// giveUp says that files share more than a volume can have.
func (c *checker) giveUp(addr FDAddress) {
	if !c.gaveUp {
		c.gaveUp = true
		c.report.NotChecked = append(c.report.NotChecked, fmt.Sprintf("what files own, from descriptor %s on: the files before it share more blocks than there are", addr))
	}
}

// fits reports an address that may be where it is.
func fits(b Block) bool {
	switch b.Address.Type {
	case AddressFB:
		return b.Level == 0
	case AddressSB:
		return true // VMFS6 has pointer blocks in sub-blocks
	case AddressPB, AddressPB2:
		return b.Level > 0
	}
	return false
}

// large marks the small blocks of a large one.
func (c *checker) large(addr FDAddress, b Block) {
	fb := c.kinds[AddressFB]
	if fb == nil {
		return
	}
	per := int64(1) << c.v.sb.LargeShift()
	if b.Level > 0 || (b.Address.Number+1)*per > fb.total {
		c.findFile(FaultAddress, addr, "%#x at %#x of it is behind the last large file block", b.Raw, b.Offset)
		return
	}
	for i := range per {
		fb.own(b.Address.Number*per+i, b.Address.COW)
	}
	if per == fb.header.ClusterLen() {
		fb.large.set(b.Address.Number)
	}
}
