package vmfs

import (
	"context"
	"encoding/binary"
)

// Scan looks for VMFS partitions on a device whose partition table is lost: for LVM headers at
// the beginning of any block of 512 bytes, and file systems behind them. It reads all of the
// device, and ends early with the error of ctx. The sizes are what the LVM headers say.
func Scan(ctx context.Context, d Device) ([]Partition, error) {
	const piece = 1 << 20
	var (
		parts []Partition
		buf   scratch
	)
	for off := int64(0); off < d.Size; off += piece {
		if err := ctx.Err(); err != nil {
			return parts, err
		}
		b, err := d.view(off, int(min(piece, d.Size-off)), &buf)
		if err != nil {
			return parts, err
		}
		for at := 0; at+4 <= len(b); at += mbrBlock {
			if binary.LittleEndian.Uint32(b[at:]) != lvmMagic {
				continue
			}
			p := Partition{Start: off + int64(at) - lvmOffset, Scheme: Found, dev: &d}
			p.Size = d.Size - p.Start
			if p.Start < 0 || !p.plausible() {
				continue
			}
			parts = append(parts, p)
		}
	}
	return parts, nil
}

// plausible tells a partition from a copy of an LVM header that lies somewhere: one that
// begins a volume has a file system behind it, one that does not has physical extents.
func (p *Partition) plausible() bool {
	h, err := p.header()
	if err != nil || h.check() != nil || h.TotalBytes() <= lvmOffset+lvmRegion {
		return false
	}
	p.Size = min(p.Size, h.TotalBytes())
	entries, err := p.volumes(h)
	if err != nil || len(entries) == 0 {
		return false
	}
	if entries[0].FirstPE() > 0 {
		runs, err := p.peRuns(h, entries[0].Number())
		return err == nil && len(runs) > 0
	}
	var magic [4]byte
	_, err = p.ReadAt(magic[:], h.DataOffset()+superblockOffset)
	return err == nil && isSuperblock(u32(magic[:], 0))
}
