package vmfs

import "math/bits"

// A Cluster is the header of a cluster of resources: a Lock, and behind it, in the second half,
// what is known of the resources.
//
//	VMFS3, 5 [V]                          VMFS6 [C1]
//	0x00 u32 number                       0x10 u32 signature "rcmd"
//	0x04 u32 resources; u32 free          0x18 u64 number
//	0x0C u32 next that is free            0x20 u16 resources; u16 free
//	0x10     bitmap, 1 = free             the place of the bitmap is not known
//	0x50     16 bytes by kind: .fdc.sf has the last generation
type Cluster []byte

const narrowCluster = 1024

func (c Cluster) Lock() *Lock  { return (*Lock)(c) }
func (c Cluster) meta() []byte { return c[len(c)/2:] }
func (c Cluster) wide() bool   { return len(c) != narrowCluster }

// Number is the number of the cluster.
func (c Cluster) Number() int64 {
	if c.wide() {
		return signed(u64(c.meta(), 0x18))
	}
	return int64(u32(c.meta(), 0x00))
}

// Total is how many resources are in the cluster.
func (c Cluster) Total() int {
	if c.wide() {
		return int(u16(c.meta(), 0x20))
	}
	return int(u32(c.meta(), 0x04))
}

// Free is how many of them the cluster counts as free.
func (c Cluster) Free() int {
	if c.wide() {
		return int(u16(c.meta(), 0x22))
	}
	return int(u32(c.meta(), 0x08))
}

// Bitmap has a bit for each resource, from the lowest of the first byte on, 1 for free. It is
// nil on VMFS6, where nobody knows its place.
func (c Cluster) Bitmap() []byte {
	if c.wide() {
		return nil
	}
	return c.meta()[0x10:]
}

// IsFree reports that resource k is free; ok is false where there is no telling.
func (c Cluster) IsFree(k int) (free, ok bool) {
	b := c.Bitmap()
	if k < 0 || k >= len(b)*8 {
		return false, false
	}
	return b[k/8]>>(k%8)&1 == 1, true
}

// CountFree counts the resources that the bitmap has as free.
func (c Cluster) CountFree() (n int) {
	b := c.Bitmap()
	total := min(c.Total(), len(b)*8)
	for i := 0; i < total; i += 8 {
		v := b[i/8]
		if left := total - i; left < 8 {
			v &= 1<<left - 1
		}
		n += bits.OnesCount8(v)
	}
	return n
}
