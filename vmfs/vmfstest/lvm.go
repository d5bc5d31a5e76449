package vmfstest

import (
	"fmt"
	"io"
	"slices"
)

// Places in a partition (bytes).
const (
	lvmHeader  = 0x100000
	dataOffset = 0x1100000 // of the first physical extent
)

// pesPerMap is how many entries a table of physical extents has; maxMaps how many tables there
// are before they would need another region.
const (
	pesPerMap = 8192
	maxMaps   = 8
)

// partition is one extent of the volume where it lies on its device.
type partition struct {
	spec   Device
	out    io.WriterAt
	start  int64 // on the device, bytes
	count  int64 // of physical extents
	first  int64 // of them, counted through all devices
	id     uuid
	number int
}

// size is that of the partition in bytes.
func (p *partition) size() int64 { return dataOffset + p.count*PhysicalExtent }

// volume is the logical volume, written through its extents.
type volume struct {
	spec       *Spec
	partitions []*partition
	extents    []extent // by place in the volume
	size       int64
	id         uuid
}

// extent is a run of the logical volume on a device; offsets in bytes, physical from the start
// of the partition.
type extent struct {
	logical, physical, length int64
	on                        *partition
}

// newVolume lays the physical extents out.
func newVolume(spec *Spec) (*volume, error) {
	v := &volume{spec: spec, id: newUUID(spec.Seed, 1)}
	devices := slices.Clone(spec.Devices)
	if len(devices) == 0 {
		devices = []Device{{}}
	}
	if len(devices) == 1 && len(devices[0].Extents) == 0 {
		devices[0].Extents = []Run{{0, max(1, (spec.Size+PhysicalExtent-1)/PhysicalExtent)}}
	}
	for n, d := range devices {
		d.ID = d.ID.withDefaults(spec.Seed, n)
		p := &partition{spec: d, start: d.firstBlock(spec.Version) * sector, first: v.size / PhysicalExtent, number: n, id: newUUID(spec.Seed, uint64(10+n))}
		for _, run := range d.Extents {
			v.extents = append(v.extents, extent{
				logical: run.First * PhysicalExtent, length: run.Count * PhysicalExtent,
				physical: dataOffset + p.count*PhysicalExtent, on: p,
			})
			p.count += run.Count
		}
		if maps := (p.count + pesPerMap - 1) / pesPerMap; maps > maxMaps && !v.long() {
			return nil, fmt.Errorf("device %d: %d physical extents need more than %d tables", n, p.count, maxMaps)
		}
		v.size += p.count * PhysicalExtent
		v.partitions = append(v.partitions, p)
	}
	slices.SortFunc(v.extents, func(a, b extent) int { return int(a.logical/PhysicalExtent - b.logical/PhysicalExtent) })
	var end int64
	for _, e := range v.extents {
		if e.logical != end {
			return nil, fmt.Errorf("the devices leave the volume's extent %d out, or have it twice", end/PhysicalExtent)
		}
		end += e.length
	}
	return v, nil
}

// long reports whether a run of extents is one entry of the table.
func (v *volume) long() bool { return v.spec.Version == 6 && v.spec.LongExtents }

// WriteAt writes at an offset of the logical volume.
func (v *volume) WriteAt(p []byte, off int64) (int, error) {
	done := 0
	for _, e := range v.extents {
		at := off + int64(done)
		if at < e.logical || at >= e.logical+e.length {
			continue
		}
		n := int(min(int64(len(p)-done), e.logical+e.length-at))
		if _, err := e.on.out.WriteAt(p[done:done+n], e.on.start+e.physical+at-e.logical); err != nil {
			return done, err
		}
		if done += n; done == len(p) {
			return done, nil
		}
	}
	return done, fmt.Errorf("%d bytes at %d are beyond the volume of %d", len(p), off, v.size)
}

// writeLVM writes the header of a device, with all its tables.
func (v *volume) writeLVM(p *partition) error {
	r := make(record, 0x400)
	r.u32(0x00, 0xC001D00D)
	r.u32(0x04, uint32(v.spec.Version))
	r.u32(0x08, map[int]uint32{3: 16, 5: 60, 6: 81}[v.spec.Version])
	p.spec.ID.put(r[0x0C:])
	r.u32(0x5A, sector)
	r.u64(0x5E, uint64(p.size()))
	r.u32(0x66, 1)
	entries := v.entries(p)
	r.u32(0x6A, uint32(len(entries)))
	r.u32(0x6E, uint32(len(entries)-1))
	r.u64(0x72, 6)
	r.u64(0x7A, dataOffset)
	copy(r[0x82:], p.id[:])
	r.u64(0x92, epoch*1e6)
	r.u64(0x9A, epoch*1e6+42)
	maps := (len(entries) + pesPerMap - 1) / pesPerMap
	if v.spec.Version > 3 {
		r.u32(0xBE, uint32(maps))
	}
	// The tables follow the header, which VMFS6 makes as long as its metadata is aligned.
	headerSize, bitmapSize := int64(0x200), int64(1024)
	names, bitmaps := int64(0x7E200), int64(0x80200)
	if v.spec.Version == 6 {
		r.u32(0xCA, uint32(v.spec.Alignment))
		r.u32(0xCE, uint32(len(entries)))
		headerSize, bitmapSize = v.spec.Alignment, max(v.spec.Alignment, bitmapSize)
		names, bitmaps = v.spec.Alignment+0x7E000, v.spec.Alignment+0x80000
	}
	w := &sticky{to: p.out, base: p.start + lvmHeader}
	w.write(0, r)
	w.write(headerSize, v.descriptor(p, len(entries)))
	if v.spec.Version > 3 && p.first == 0 {
		for n, q := range v.partitions {
			name := make(record, 256)
			name.text(0, 256, fmt.Sprintf("naa.%x:1", q.spec.ID.ID[:min(16, len(q.spec.ID.ID))]))
			w.write(names+int64(n)*256, name)
		}
	}
	for m := range maps {
		at := bitmaps + int64(m)*(bitmapSize+pesPerMap*128)
		bitmap := make(record, bitmapSize)
		for n, entry := range entries[m*pesPerMap : min(len(entries), (m+1)*pesPerMap)] {
			bitmap[n/8] |= 1 << (n % 8)
			w.write(at+bitmapSize+int64(n)*128, entry)
		}
		w.write(at, bitmap)
	}
	return w.err
}

// descriptor is the entry of the volume table: the volume, and the device's part in it.
func (v *volume) descriptor(p *partition, entries int) record {
	r := make(record, 512)
	r.u64(0x00, uint64(v.size))
	r.u64(0x08, uint64(v.size/PhysicalExtent)+uint64(len(v.partitions)))
	r.u32(0x10, 1)
	r.text(0x14, 64, v.id.String())
	copy(r[0x54:], v.id[:])
	r.u32(0x64, snapshotID)
	r.u64(0x68, epoch*1e6)
	r.u32(0x74, uint32(entries))
	r.u64(0x78, uint64(p.first))
	r.u64(0x80, uint64(p.first+p.count-1))
	r.u64(0x88, epoch*1e6)
	r.u32(0x90, uint32(len(v.partitions)))
	if v.spec.Version > 3 {
		r.u32(0x110, uint32(p.count))
	}
	return r
}

// snapshotID goes with the volume's UUID.
const snapshotID = 1

// entries is the table of a device's physical extents, in their order on it.
func (v *volume) entries(p *partition) (table []record) {
	unit := int64(PhysicalExtent)
	mine := slices.DeleteFunc(slices.Clone(v.extents), func(e extent) bool { return e.on != p })
	slices.SortFunc(mine, func(a, b extent) int { return int((a.physical - b.physical) / unit) })
	for _, e := range mine {
		length := unit
		if v.long() {
			length = e.length
		}
		for done := int64(0); done < e.length; done += length {
			r := make(record, 37)
			r.u8(0x00, 1)
			r.u32(0x01, uint32(len(table)))
			r.u64(0x09, uint64(e.physical+done))
			r.u64(0x11, uint64(e.logical+done))
			r.u64(0x19, uint64(length))
			r.u32(0x21, 1)
			table = append(table, r)
		}
	}
	return table
}

// sticky writes at offsets from a base, and keeps the first error.
type sticky struct {
	to   io.WriterAt
	base int64
	err  error
}

func (w *sticky) write(at int64, p []byte) {
	if w.err == nil {
		_, w.err = w.to.WriteAt(p, w.base+at)
	}
}
