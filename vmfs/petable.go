package vmfs

import "fmt"

// maxRegions bounds the chain of LVM metadata regions of a device: 64 TiB need four.
const maxRegions = 64

// A PEEntry is one physical extent: a piece of a partition that is a piece of the volume.
// Unaligned, 37 bytes used of 128 [V].
//
//	0x00 u8  used
//	0x01 u32 number on the device
//	0x05 u32 number of the volume
//	0x09 u64 P
//	0x11 u64 L
//	0x19 u64 length: 256 MiB before LVM 6, any from then on
//	0x21 u32 version
type PEEntry [128]byte

func (e *PEEntry) Used() bool      { return e[0] == 1 }
func (e *PEEntry) Number() uint32  { return u32(e[:], 0x01) }
func (e *PEEntry) Volume() uint32  { return u32(e[:], 0x05) }
func (e *PEEntry) Physical() int64 { return signed(u64(e[:], 0x09)) }
func (e *PEEntry) Logical() int64  { return signed(u64(e[:], 0x11)) }
func (e *PEEntry) Length() int64   { return signed(u64(e[:], 0x19)) }

// An ExtendedMetadata heads a further region of LVM metadata, whose tables lie as in the
// first [C1].
//
//	0x00 u32 magic, as of the header
//	0x04 u32 PE maps
//	0x08 u64 P of the data behind it
//	0x10 u64 P of the next region, 0 for none
type ExtendedMetadata [512]byte

func (m *ExtendedMetadata) Magic() uint32  { return u32(m[:], 0x00) }
func (m *ExtendedMetadata) PEMaps() uint32 { return u32(m[:], 0x04) }
func (m *ExtendedMetadata) Data() int64    { return signed(u64(m[:], 0x08)) }
func (m *ExtendedMetadata) Next() int64    { return signed(u64(m[:], 0x10)) }

// A run is a piece of a volume that lies in one piece on one of its members.
type run struct {
	logical, physical, length int64
	member                    int
}

// peRuns reads the PE tables of a partition and returns the runs of the volume with the given
// number, neighbours joined, in the order of the tables.
func (p *Partition) peRuns(h *LVMHeader, number uint32) ([]run, error) {
	var (
		layout = h.layout()
		left   = max(h.PEs(), h.PEs6())
		region = int64(lvmOffset)
		maps   = min(h.PEMaps(), peTables)
		next   = h.ExtendedMetadata()
		runs   []run
		buf    scratch
	)
	for range maxRegions {
		for i := int64(0); i < int64(maps) && left > 0; i++ {
			table, err := p.view(region+layout.table+i*layout.stride, peTableLen*len(PEEntry{}), &buf)
			if err != nil {
				return nil, err
			}
			for k := 0; k < peTableLen && left > 0; k++ {
				e := (*PEEntry)(table[k*len(PEEntry{}):])
				if !e.Used() {
					continue
				}
				left--
				if e.Volume() != number {
					continue
				}
				if e.Length() <= 0 || e.Physical() > 1<<61 || e.Logical() > 1<<61 || e.Length() > 1<<61 {
					at := p.Start + region + layout.table + i*layout.stride + int64(k*len(e))
					return nil, &FormatError{fmt.Sprintf("physical extent %d", e.Number()), p.dev.Name, at, fmt.Sprintf("%d bytes at %#x", e.Length(), e.Physical())}
				}
				runs = joined(runs, run{e.Logical(), e.Physical(), e.Length(), 0})
			}
		}
		if left == 0 || next == 0 {
			return runs, nil
		}
		b, err := p.view(next, len(ExtendedMetadata{}), &buf)
		if err != nil {
			return nil, err
		}
		m := (*ExtendedMetadata)(b)
		if m.Magic() != lvmMagic || m.PEMaps() > peTables {
			return nil, &FormatError{"extended LVM metadata", p.dev.Name, p.Start + next, fmt.Sprintf("magic %#x, %d PE maps", m.Magic(), m.PEMaps())}
		}
		region, maps, next = next, m.PEMaps(), m.Next()
	}
	return nil, &FormatError{"extended LVM metadata", p.dev.Name, p.Start + region, "the chain of regions has no end"}
}

// joined appends r to runs, or makes the last one longer.
func joined(runs []run, r run) []run {
	if n := len(runs); n > 0 {
		last := &runs[n-1]
		if last.member == r.member && last.logical+last.length == r.logical && last.physical+last.length == r.physical {
			last.length += r.length
			return runs
		}
	}
	return append(runs, r)
}
