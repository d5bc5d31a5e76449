package vmfs

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// owners finds out whose the blocks are that have more than one owner: the descriptors are read
// again, if there are such blocks.
func (c *checker) owners() error {
	any := false
	for _, o := range c.kinds {
		any = any || o != nil && len(o.shared) > 0
	}
	if !any {
		return nil
	}
	err := c.eachDescriptor(0.9, 0.95, func(n int64, d Descriptor, at int64) {
		if s := c.fds.of(n); s == nil || s.flags&(fdLive|fdDamaged) != fdLive {
			return
		}
		f, err := c.v.fileFrom(d, at)
		if err != nil {
			return
		}
		for b, err := range f.Blocks() {
			if c.budget--; c.budget < 0 {
				return
			}
			if err == nil {
				c.sharer(c.address(n), b)
			}
		}
	})
	if err != nil {
		return err
	}
	for _, o := range c.kinds {
		if o == nil {
			continue
		}
		for _, n := range slices.Sorted(maps.Keys(o.shared)) {
			c.add(Finding{Fault: FaultBlockShared, Where: o.runs(n, n), What: o.sharedBy(n), at: n})
		}
	}
	return nil
}

// sharer notes that a file has a block, if it is one that is shared.
func (c *checker) sharer(addr FDAddress, b Block) {
	from, to, kind := int64(0), int64(0), b.Address.Type
	if kind == AddressLFB {
		kind = AddressFB
		per := int64(1) << c.v.sb.LargeShift()
		from = b.Address.Number * per
		to = from + per
	} else if o := c.kinds[kind]; o != nil {
		n, ok := o.number(b.Address, c.v.sb.wide())
		if from = n; ok {
			to = n + 1
		}
	}
	for n := from; n < to; n++ {
		if o := c.kinds[kind]; o != nil && o.shared[n] > 0 && !slices.Contains(o.sharers[n], addr) && len(o.sharers[n]) < 8 {
			o.sharers[n] = append(o.sharers[n], addr)
		}
	}
}

// sharedBy words whose a block is.
func (o *owned) sharedBy(n int64) string {
	var names []string
	for _, a := range o.sharers[n] {
		names = append(names, a.String())
	}
	return fmt.Sprintf("it is owned %d times, by the descriptors %s", o.shared[n], strings.Join(names, ", "))
}

// bitmaps compares what the clusters say is free with what files own.
func (c *checker) bitmaps() error {
	for kind, o := range c.kinds {
		if o == nil {
			continue
		}
		use := Use{Total: o.total, Owned: o.bits.count()}
		switch AddressType(kind) {
		case AddressFB:
			c.report.Counts.FileBlocks = use
		case AddressSB:
			c.report.Counts.SubBlocks = use
		case AddressPB, AddressPB2:
			c.report.Counts.PointerBlocks.Total += use.Total
			c.report.Counts.PointerBlocks.Owned += use.Owned
		}
		if c.gaveUp {
			continue // what nobody owns is not known
		}
		if err := c.clusters(o); err != nil {
			return err
		}
	}
	return nil
}

// clusters checks all clusters of a kind of resource.
func (c *checker) clusters(o *owned) error {
	var (
		buf  scratch
		per  = o.header.ClusterLen()
		wide []Finding // clusters of VMFS6 that count otherwise
		lost = runOf{c: c, o: o, fault: FaultBlockLost, what: "allocated, and of no file"}
		free = runOf{c: c, o: o, fault: FaultBlockFree, what: "of a file, and free"}
	)
	if o.file.Slot == FDCSlot {
		lost.fault, free.fault = FaultDescriptorLost, FaultDescriptorFree
	}
	for n := int64(0); n*per < o.total; n++ {
		if err := c.ctx.Err(); err != nil {
			return err
		}
		off := o.header.cluster(n, c.v.sb.clusterHeader())
		where := fmt.Sprintf("cluster %d of %ss", n, o.name)
		b, err := o.file.view(off, int(c.v.sb.clusterHeader()), &buf)
		if err != nil {
			c.find(FaultCluster, where, "%v", err)
			continue
		}
		at, _, _ := o.file.find(off)
		total := min(per, o.total-n*per)
		cluster := Cluster(b)
		if problem := cluster.problem(n, total, at); problem != "" {
			c.add(Finding{Fault: FaultCluster, Where: where, What: problem, at: n})
			continue
		}
		if cluster.wide() {
			// Whether a large block counts as free that has small ones is not known.
			if o == c.kinds[AddressLFB] {
				continue
			}
			if used := o.usedIn(n, total); used >= 0 && used+int64(cluster.Free()) != total {
				what := fmt.Sprintf("files own %d of %d, and it says that %d are free", used, total, cluster.Free())
				wide = append(wide, Finding{Fault: FaultClusterCount, Where: where, What: what, at: n})
			}
			continue
		}
		if counted := cluster.CountFree(); counted != cluster.Free() {
			c.add(Finding{Fault: FaultClusterCount, Where: where, What: fmt.Sprintf("%d are free, and it says %d", counted, cluster.Free()), at: n})
		}
		for i := range total {
			isFree, known := cluster.IsFree(int(i))
			if has := o.bits.has(n*per + i); known && isFree == has {
				if has {
					free.add(n*per + i)
				} else {
					lost.add(n*per + i)
				}
			}
		}
	}
	lost.end()
	free.end()
	if clusters := (o.total + per - 1) / per; len(wide) > 1 && int64(len(wide)) > clusters/2 {
		// Then it is rather the counts that are not understood [C1].
		c.report.NotChecked = append(c.report.NotChecked, fmt.Sprintf("how many %ss are free: %d of %d clusters count otherwise than is known here", o.name, len(wide), clusters))
		return nil
	}
	for _, f := range wide {
		c.add(f)
	}
	return nil
}

// usedIn is how many of the total resources of cluster n files own; -1 when a large block took
// it whole, for nobody knows what it counts then.
func (o *owned) usedIn(n, total int64) (used int64) {
	if o.large != nil && o.large.has(n) {
		return -1
	}
	for i := range total {
		if o.bits.has(n*o.header.ClusterLen() + i) {
			used++
		}
	}
	return used
}

// clusterSignature is "rcmd", VMFS6.
const clusterSignature = 0x72636D64

// problem is what shows that a cluster's header is not that of cluster n; empty when it is.
func (c Cluster) problem(n, total, at int64) string {
	switch {
	case c.wide() && u32(c.meta(), 0x10) != clusterSignature:
		return fmt.Sprintf("its signature is %#x", u32(c.meta(), 0x10))
	case c.Number() != n:
		return fmt.Sprintf("it says that it is cluster %d", c.Number())
	case c.Lock().Logical() != at:
		return fmt.Sprintf("its lock says that it is at %#x, and it is at %#x", c.Lock().Logical(), at)
	case int64(c.Total()) != total:
		return fmt.Sprintf("it says %d resources, and has %d", c.Total(), total)
	}
	return ""
}

// runOf gathers resources with the same fault into runs.
type runOf struct {
	c        *checker
	o        *owned
	fault    Fault
	what     string
	from, to int64 // to is one behind the last; equal: none
}

func (r *runOf) add(n int64) {
	if n != r.to || r.from == r.to {
		r.end()
		r.from = n
	}
	r.to = n + 1
}

func (r *runOf) end() {
	if r.from < r.to {
		r.c.add(Finding{Fault: r.fault, Where: r.o.runs(r.from, r.to-1), What: r.what, at: r.from})
	}
	r.from = r.to
}

// count is how many bits are set.
func (b bitset) count() (n int64) {
	for _, w := range b {
		for ; w != 0; w &= w - 1 {
			n++
		}
	}
	return n
}
