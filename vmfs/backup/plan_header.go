package backup

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/lunarsan/lunar/vmfs"
)

const (
	startLength = 32 << 20 // of a partition: the headers, and where .fdc.sf begins
	maxLVM      = 64 << 20 // bytes of LVM metadata that lie together
	maxRegions  = 64
)

// headers adds what comes before the files: partition tables, LVM, the file system's header,
// heartbeats.
func (p *plan) headers() {
	for i, m := range p.v.Members {
		p.tables(i, m)
		p.lvm(i, m)
	}
	at, slots, step := p.v.Superblock().HeartbeatRegion()
	end := at + int64(slots*step)
	header := append(logical(p.v, 0, at), logical(p.v, end, p.v.Superblock().FDCOffset()-end)...)
	p.add(ranges(p.v, Part{Name: "header", Group: Header, File: "header.zst", Ranges: header}))
	beats := ranges(p.v, Part{Name: "heartbeats", Group: Heartbeats, File: "heartbeats.zst", Ranges: logical(p.v, at, end-at)})
	beats.volatile = true
	p.add(beats)
}

// tables adds the partition tables of a device: what is before its first partition, of which no
// more than a table takes, and the copy of a GPT at the end.
func (p *plan) tables(i int, m *vmfs.Member) {
	if m.Start == 0 {
		return
	}
	size := m.Device().Size
	part := Part{Name: fmt.Sprintf("tables/%d", i), Group: Tables, File: fmt.Sprintf("tables-%d.zst", i), OnDevice: true}
	part.Ranges = []Range{{i, 0, min(m.Start, 1<<20, size)}}
	if tail := max(m.Start+m.Size, size-lastTable(m.Device())); tail < size {
		part.Ranges = append(part.Ranges, Range{i, tail, size - tail})
	}
	p.add(ranges(p.v, part))
}

// lastTable is how long the copy of a GPT at the end of a device is: a header in the last block,
// and 16 KiB of entries before it.
func lastTable(d *vmfs.Device) int64 {
	const entries = 16 << 10
	var magic [8]byte
	if n, _ := d.ReadAt(magic[:], d.Size-4096); n == len(magic) && string(magic[:]) == "EFI PART" {
		return entries + 4096
	}
	return entries + 512
}

// lvm adds the LVM metadata of a member: up to its data, and what further regions there are.
func (p *plan) lvm(i int, m *vmfs.Member) {
	part := Part{Name: fmt.Sprintf("lvm/%d", i), Group: LVM, File: fmt.Sprintf("lvm-%d.zst", i)}
	part.Ranges = []Range{{i, 0, min(m.Header.DataOffset(), maxLVM, m.Size)}}
	next := m.Header.ExtendedMetadata()
	for range maxRegions {
		if next == 0 {
			break
		}
		var x vmfs.ExtendedMetadata
		if _, err := m.ReadAt(x[:], next); err != nil {
			p.problem("LVM metadata of %s: %v", m, err)
			break
		}
		end := min(x.Data(), m.Size)
		if end <= next || end-next > maxLVM {
			p.problem("LVM metadata of %s: a region at %#x that ends at %#x was left out", m, next, x.Data())
			break
		}
		part.Ranges = append(part.Ranges, Range{i, next, end - next})
		next = x.Next()
	}
	p.add(ranges(p.v, part))
}

// start adds what the first bytes of each partition hold beside the other parts: blocks of
// files, which change as hosts write to them.
func (p *plan) start() {
	for i, m := range p.v.Members {
		var taken []Range
		for _, s := range p.sources {
			for _, r := range s.Ranges {
				if r.Member == i && !s.OnDevice {
					taken = append(taken, r)
				}
			}
		}
		part := Part{Name: fmt.Sprintf("start/%d", i), Group: Start, File: fmt.Sprintf("start-%d.zst", i)}
		part.Ranges = without(Range{i, 0, min(startLength, m.Size)}, taken)
		s := ranges(p.v, part)
		s.volatile = true
		p.add(s)
	}
}

// without is what is left of r when others are taken from it.
func without(r Range, others []Range) (left []Range) {
	slices.SortFunc(others, func(a, b Range) int { return cmp.Compare(a.Offset, b.Offset) })
	at, end := r.Offset, r.Offset+r.Length
	for _, o := range others {
		if o.Offset >= end {
			break
		}
		if o.Offset > at {
			left = append(left, Range{r.Member, at, o.Offset - at})
		}
		at = max(at, o.Offset+o.Length)
	}
	if at < end {
		left = append(left, Range{r.Member, at, end - at})
	}
	return left
}
