package vmfstest

import "fmt"

// resource is one kind of thing that is allocated, and its file: groups of clusters, each with
// a header (a lock, then counts and a bitmap) and then the resources of all of them.
type resource struct {
	file *systemFile
	lock uint32 // the type of its clusters' locks

	perCluster int64 // resources
	perGroup   int64 // clusters
	size       int64 // of a resource in the file, bytes; 0: the file has headers alone
	total      int64 // resources

	meta   int64 // where in the file the header is
	offset int64 // where the first group is
	header int64 // of a cluster, bytes

	// VMFS6 has the small file blocks' clusters inside the large blocks' groups: so many bytes
	// from one of those to the next, and so many before the first of ours, which are so many.
	parentSize, parentHeaders, inParent int64
	child                               *resource

	used           []uint64 // a bit for each
	count          int64    // of bits in used
	next           int64    // none below it is free
	lastGeneration uint32   // handed out, descriptors
}

// groups is how many groups there are, the last one perhaps not whole.
func (r *resource) groups() int64 {
	per := r.perCluster * r.perGroup
	return (r.total + per - 1) / per
}

// groupSize is that of a whole group in the file, in bytes.
func (r *resource) groupSize() int64 {
	size := r.perGroup * (r.header + r.perCluster*r.size)
	if r.child != nil {
		size += r.child.inParent * r.child.groupSize()
	}
	return size
}

// groupAt is where a group begins in the file.
func (r *resource) groupAt(group int64) int64 {
	if r.inParent == 0 {
		return r.offset + group*r.groupSize()
	}
	return r.offset + group/r.inParent*r.parentSize + r.parentHeaders + group%r.inParent*r.groupSize()
}

// clusterAt is where a cluster's header is in the file.
func (r *resource) clusterAt(cluster int64) int64 {
	return r.groupAt(cluster/r.perGroup) + cluster%r.perGroup*r.header
}

// at is where the nth resource is in the file.
func (r *resource) at(n int64) int64 {
	perGroup := r.perCluster * r.perGroup
	return r.groupAt(n/perGroup) + r.perGroup*r.header + n%perGroup*r.size
}

// length is that of the file: whole groups, but only as many resources in the last as there are.
func (r *resource) length() int64 {
	if r.total == 0 {
		return r.offset
	}
	if r.size == 0 {
		return r.groupAt(r.groups()-1) + r.groupSize()
	}
	return r.at(r.total-1) + r.size
}

// take allocates the first free resource.
func (r *resource) take() (int64, error) {
	n, err := r.free(r.next)
	if err != nil {
		return 0, err
	}
	r.next = n + 1
	r.mark(n)
	return n, nil
}

// free finds the first free resource from n on.
func (r *resource) free(n int64) (int64, error) {
	for ; n < r.total; n++ {
		if n%64 == 0 && r.used[n/64] == ^uint64(0) {
			n += 63
		} else if !r.taken(n) {
			return n, nil
		}
	}
	return 0, fmt.Errorf("none of the %d resources of %s is free", r.total, r.file.name)
}

func (r *resource) taken(n int64) bool { return r.used[n/64]>>(n%64)&1 != 0 }

func (r *resource) mark(n int64) {
	r.used[n/64] |= 1 << (n % 64)
	r.count++
}

// release frees a resource.
func (r *resource) release(n int64) {
	r.used[n/64] &^= 1 << (n % 64)
	r.count--
	r.next = min(r.next, n)
}

// setTotal says how many there are, in whole clusters unless exact.
func (r *resource) setTotal(n int64, exact bool) {
	if !exact {
		n = (n + r.perCluster - 1) / r.perCluster * r.perCluster
	}
	r.total = n
	r.used = make([]uint64, (n+63)/64)
}

// write writes the header of the file, and those of its clusters.
func (r *resource) write(b *builder) {
	h := make(record, 0x60)
	h.u32(0x00, uint32(r.perCluster))
	h.u32(0x04, uint32(r.perGroup))
	h.u32(0x08, uint32(r.offset))
	h.u32(0x0C, uint32(r.size))
	h.u32(0x10, uint32(r.groupSize()))
	h.u32(0x14, uint32(r.total))
	h.u32(0x18, uint32(r.groups()))
	h.u32(0x1C, uint32(r.total>>32))
	if b.six() {
		h.u32(0x20, 0x72666D64)
		h.u32(0x24, 1)
		if r.child != nil {
			h.u32(0x34, uint32(r.child.meta))
		}
		if r.inParent != 0 {
			h.u32(0x28, 0x02)
			h.u32(0x38, uint32(b.of[toLarge].perCluster))
			h.u32(0x3C, uint32(b.of[toLarge].perGroup))
			h.u32(0x40, uint32(r.parentSize))
		}
	}
	b.writeSystem(r.file, r.meta, h)
	for c := int64(0); c*r.perCluster < r.total; c++ {
		at := r.clusterAt(c)
		b.writeSystem(r.file, at, b.lockRecord(r.lock, r.file.logical(at, b.blockSize), Lock{}))
		b.writeSystem(r.file, at+r.header/2, r.cluster(c, b.six()))
	}
}

// cluster is the part of a cluster's header after the lock: counts, and which are free.
func (r *resource) cluster(c int64, six bool) record {
	first := c * r.perCluster
	count := min(r.perCluster, r.total-first)
	var free, nextFree int64
	bitmap := make([]byte, (count+7)/8)
	for n := count - 1; n >= 0; n-- {
		if !r.taken(first + n) {
			bitmap[n/8] |= 1 << (n % 8)
			free, nextFree = free+1, n
		}
	}
	h := make(record, 0x64)
	if six {
		// Where the bitmap is on VMFS6 is not known.
		h.u32(0x10, 0x72636D64)
		h.u64(0x18, uint64(c))
		h.u16(0x20, uint16(count))
		h.u16(0x22, uint16(free))
		return h
	}
	h.u32(0x00, uint32(c))
	h.u32(0x04, uint32(count))
	h.u32(0x08, uint32(free))
	h.u32(0x0C, uint32(nextFree))
	copy(h[0x10:0x50], bitmap)
	h.u32(0x50, r.lastGeneration)
	return h
}
