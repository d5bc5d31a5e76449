package vmfs

import "fmt"

// A Slot is the place of a system file among the first file descriptors.
type Slot int

const (
	RootSlot Slot = iota
	FBBSlot
	FDCSlot
	PBCSlot
	SBCSlot
	VHSlot
	PB2Slot
	SDDSlot
	JBCSlot
	UnmapSlot
	DFDSlot
	slots
)

// String is the name of the system file in the root directory.
func (s Slot) String() string {
	return [slots]string{"/", ".fbb.sf", ".fdc.sf", ".pbc.sf", ".sbc.sf", ".vh.sf", ".pb2.sf", ".sdd.sf", ".jbc.sf", ".unmap.sf", ".dfd.sf"}[s]
}

// Address is that of the system file's descriptor: a resource of cluster 0.
func (s Slot) Address() FDAddress { return FDAddress(s)<<22 | FDAddress(AddressFD) }

// A ResourceHeader begins a resource file: groups of clusters of resources, where a cluster
// has a header with a lock and a bitmap, and the headers of a group come before its resources.
//
//	0x00 u32 R, resources in a cluster                 [V]
//	0x04 u32 G, clusters in a group                    [V]
//	0x08 u32 offset of the first group                 [V]
//	0x0C u32 S, length of a resource; 0 in .fbb.sf     [V]
//	0x10 u32 length of a group                         [V]
//	0x14 u32 resources, low half; 0x1C u32 high half   [V]
//	0x18 u32 groups                                    [V]
//	0x20 u32 signature "rfmd", VMFS6                   [C2]
//	0x24 u32 version; u32 flags                        [C1]
//	0x34 u32 offset of the header of a child, in .fbb.sf of VMFS6 [C2]
//	0x38 u32 R, G and group length of the parent       [C2]
type ResourceHeader [512]byte

func (h *ResourceHeader) ClusterLen() int64    { return int64(u32(h[:], 0x00)) }
func (h *ResourceHeader) GroupClusters() int64 { return int64(u32(h[:], 0x04)) }
func (h *ResourceHeader) GroupOffset() int64   { return int64(u32(h[:], 0x08)) }
func (h *ResourceHeader) ResourceSize() int64  { return int64(u32(h[:], 0x0C)) }
func (h *ResourceHeader) GroupSize() int64     { return int64(u32(h[:], 0x10)) }
func (h *ResourceHeader) Resources() int64 {
	return int64(u32(h[:], 0x14)) | int64(u32(h[:], 0x1C))<<32
}
func (h *ResourceHeader) Groups() int64         { return int64(u32(h[:], 0x18)) }
func (h *ResourceHeader) Signature() uint32     { return u32(h[:], 0x20) }
func (h *ResourceHeader) Flags() uint32         { return u32(h[:], 0x28) }
func (h *ResourceHeader) Child() int64          { return int64(u32(h[:], 0x34)) }
func (h *ResourceHeader) ParentClusters() int64 { return int64(u32(h[:], 0x3C)) }
func (h *ResourceHeader) ParentSize() int64     { return int64(u32(h[:], 0x40)) }

// HasParent reports that the groups lie within those of another.
func (h *ResourceHeader) HasParent() bool { return h.Flags()&2 != 0 }

const (
	resourceSignature = 0x72666D64 // "rfmd"
	maxGroupOffset    = 1 << 26
	maxGroupLen       = 1 << 16
	maxClusterLen     = 1 << 16
	maxResourceSize   = 1 << 24 // journal blocks have 2 MiB
	maxClusters       = 1 << 30
)

// check bounds the numbers, so that no product of them overflows.
func (h *ResourceHeader) check(wide bool) error {
	switch {
	case h.ClusterLen() < 1 || h.ClusterLen() > maxClusterLen, h.GroupClusters() < 1 || h.GroupClusters() > maxGroupLen:
		return fmt.Errorf("%d resources in a cluster, %d clusters in a group", h.ClusterLen(), h.GroupClusters())
	case h.GroupOffset() > maxGroupOffset:
		return fmt.Errorf("its groups begin at %#x", h.GroupOffset())
	case h.ResourceSize() > maxResourceSize:
		return fmt.Errorf("resources of %d bytes", h.ResourceSize())
	case wide && h.Signature() != resourceSignature:
		return fmt.Errorf("signature %#x, not %#x", h.Signature(), uint32(resourceSignature))
	}
	return nil
}

// group is the offset in the file of a group of clusters.
//
// Without a parent, groups follow each other. With one, P of them share a group of the parent,
// behind the headers of its clusters [C2].
func (h *ResourceHeader) group(n, header int64) int64 {
	if !h.HasParent() || h.ParentClusters() == 0 {
		return h.GroupOffset() + n*h.GroupSize()
	}
	per := max(1, h.ParentClusters()*int64(u32(h[:], 0x38))/h.GroupClusters())
	return h.GroupOffset() + n/per*h.ParentSize() + h.ParentClusters()*header + n%per*h.GroupSize()
}

// cluster is the offset in the file of the header of cluster n; header is the length of one.
func (h *ResourceHeader) cluster(n, header int64) int64 {
	return h.group(n/h.GroupClusters(), header) + n%h.GroupClusters()*header
}

// resource is the offset in the file of resource r of cluster n.
func (h *ResourceHeader) resource(n, r, header int64) int64 {
	g := h.GroupClusters()
	return h.group(n/g, header) + g*header + (n%g*h.ClusterLen()+r)*h.ResourceSize()
}
