package vmfs

import "fmt"

// owned is which resources of a kind files own: a bit for each.
type owned struct {
	name    string // "sub-block"
	file    *ResourceFile
	header  *ResourceHeader
	total   int64
	bits    bitset
	large   bitset        // by cluster: taken whole by a large block, VMFS6
	shared  map[int64]int // resources that were owned already, and how often they are owned
	sharers map[int64][]FDAddress
}

// maxResources bounds how many of a kind are believed: a bit is kept for each. It is 1 PiB of
// file blocks, or 4 TiB of pointer blocks.
const maxResources = 1 << 30

// maxShared bounds how many shared blocks are told one by one.
const maxShared = 4096

type bitset []uint64

func (b bitset) has(n int64) bool { return b[n/64]>>(n%64)&1 == 1 }
func (b bitset) set(n int64)      { b[n/64] |= 1 << (n % 64) }

// resources checks the resource files' own numbers, and makes room for what is owned of each.
func (c *checker) resources() error {
	for _, kind := range [...]struct {
		address AddressType
		slot    Slot
	}{{AddressFB, FBBSlot}, {AddressSB, SBCSlot}, {AddressPB, PBCSlot}, {AddressFD, FDCSlot}, {AddressPB2, PB2Slot}, {AddressJB, JBCSlot}, {AddressLFB, FBBSlot}} {
		row := &c.v.sb.kinds()[kind.address]
		if row.name == "" {
			continue
		}
		r, err := c.v.Resources(kind.slot)
		if err != nil {
			if kind.slot == FDCSlot {
				return err
			}
			if c.v.why[kind.slot] != nil && kind.address != AddressLFB {
				c.find(FaultResourceFile, kind.slot.String(), "%v", err)
			}
			continue
		}
		h := r.Header
		if kind.address == AddressFB && r.Child != nil {
			h = r.Child
		}
		total := c.resourceFile(r, h, kind.address)
		c.kinds[kind.address] = &owned{
			name: row.name, file: r, header: h, total: total,
			bits: make(bitset, (total+63)/64), shared: make(map[int64]int), sharers: make(map[int64][]FDAddress),
		}
	}
	if fb := c.kinds[AddressFB]; fb != nil && c.v.sb.wide() {
		fb.large = make(bitset, fb.total/fb.header.ClusterLen()/64+1)
	}
	c.fds = newFDStates(c.kinds[AddressFD].total)
	for _, o := range c.kinds {
		if o != nil {
			c.budget += 8 * o.total
		}
	}
	if c.v.sb.wide() {
		c.report.NotChecked = append(c.report.NotChecked, "which blocks are free: where VMFS6 keeps its bitmaps is not known; their counts were checked")
	}
	return nil
}

// resourceFile checks a header, and returns how many resources there can be.
func (c *checker) resourceFile(r *ResourceFile, h *ResourceHeader, kind AddressType) int64 {
	total, per := h.Resources(), h.ClusterLen()*h.GroupClusters()
	if groups := (total + per - 1) / per; groups != h.Groups() {
		c.find(FaultResourceFile, r.Slot.String(), "%d resources are %d groups; it says %d", total, groups, h.Groups())
	}
	header := c.v.sb.clusterHeader()
	size := h.GroupClusters() * (header + h.ClusterLen()*h.ResourceSize())
	if h == r.Header && r.Child != nil {
		size = r.Child.ParentSize()
	}
	if size != h.GroupSize() {
		c.find(FaultResourceFile, r.Slot.String(), "its groups are %d bytes by their parts; it says %d", size, h.GroupSize())
	}
	most := r.Size() / max(h.ResourceSize(), 1)
	switch size := c.v.sb.FileBlockSize(); kind {
	case AddressFB:
		most = (c.v.Size() + size - 1) / size
	case AddressLFB:
		size = c.v.sb.largeBlockSize()
		most = (c.v.Size() + size - 1) / size
	}
	if most = min(most, maxResources); total > most {
		c.find(FaultResourceFile, r.Slot.String(), "it says %d resources; there is room for %d", total, most)
		total = most
	}
	return total
}

// number is which of the resources an address is that of; ok is false behind the last.
func (o *owned) number(a Address, wide bool) (n int64, ok bool) {
	n = a.Number
	if a.Type != AddressFB || wide {
		if a.Resource >= o.header.ClusterLen() || a.Number > o.total {
			return 0, false
		}
		n = a.Number*o.header.ClusterLen() + a.Resource
	}
	return n, n < o.total
}

// own marks a resource as that of a file.
func (o *owned) own(n int64, cow bool) {
	if !o.bits.has(n) {
		o.bits.set(n)
		return
	}
	if !cow && (len(o.shared) < maxShared || o.shared[n] > 0) {
		o.shared[n] = max(o.shared[n], 1) + 1
	}
}

// runs words for resources that follow each other: "file blocks 7 to 9".
func (o *owned) runs(from, to int64) string {
	if from == to {
		return fmt.Sprintf("%s %d", o.name, from)
	}
	return fmt.Sprintf("%ss %d to %d", o.name, from, to)
}
