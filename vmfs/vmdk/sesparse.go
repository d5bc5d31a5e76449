package vmdk

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// A seHeader begins a file of changes of kind SESPARSE, in little-endian integers of 64 bits,
// offsets and lengths in sectors. It is not documented: this is what QEMU reads, and what it
// insists on.
//
//	0x00 magic 0xCAFEBABE
//	0x08 version 0x200000001
//	0x10 length of the disk
//	0x18 grain size, 8
//	0x20 length of a grain table, 64
//	0x28 flags, 0
//	0x50 volatile header, offset and length
//	0x80 grain directory, offset and length
//	0x90 grain tables, offset and length
//	0xC0 grains, offset and length
type seHeader [512]byte

// A seVolatile is what changes while the file is in use: magic 0xCAFECAFE, and at 0x18 whether
// the journal has to be replayed.
type seVolatile [512]byte

const (
	seMagic         = 0xCAFEBABE
	seVersion       = 0x2_0000_0001
	seVolatileMagic = 0xCAFECAFE
	seGrain         = 8
	seTable         = 64
)

func (h *seHeader) field(at int) uint64 { return binary.LittleEndian.Uint64(h[at:]) }

// sectors is a field that counts sectors; what is too large is beyond any file.
func (h *seHeader) sectors(at int) int64 { return int64(min(h.field(at), maxSectors)) }

func openSESparse(f File, e Extent) (extent, error) {
	var (
		h seHeader
		v seVolatile
	)
	if err := readFull(f, h[:], 0); err != nil {
		return nil, err
	}
	switch {
	case h.field(0x00) != seMagic:
		return nil, fmt.Errorf("magic %#x, not %#x", h.field(0x00), uint64(seMagic))
	case h.field(0x08) != seVersion:
		return nil, fmt.Errorf("version %#x is not known", h.field(0x08))
	case h.field(0x18) != seGrain || h.field(0x20) != seTable || h.field(0x28) != 0:
		return nil, fmt.Errorf("grains of %d sectors, tables of %d, flags %#x are not known", h.field(0x18), h.field(0x20), h.field(0x28))
	case h.sectors(0x10) < e.Sectors:
		return nil, fmt.Errorf("it is of %d sectors, and the descriptor speaks of %d", h.field(0x10), e.Sectors)
	}
	if err := readFull(f, v[:], h.sectors(0x50)*sector); err != nil {
		return nil, err
	}
	switch {
	case binary.LittleEndian.Uint64(v[0:]) != seVolatileMagic:
		return nil, fmt.Errorf("magic %#x of the volatile header, not %#x", binary.LittleEndian.Uint64(v[0:]), uint64(seVolatileMagic))
	case binary.LittleEndian.Uint64(v[0x18:]) != 0:
		return nil, errors.New("its journal has to be replayed, which nobody but ESXi can: switch the virtual machine off properly, or remove the snapshot")
	}
	const perTable = seTable * sector / 8
	if entries := h.sectors(0x88) * sector / 8; entries*perTable*seGrain < e.Sectors {
		return nil, fmt.Errorf("%d tables are not enough for %d sectors", entries, e.Sectors)
	}
	tables, data := h.sectors(0x90), h.sectors(0xC0)
	return &grains{
		file: f, grain: seGrain * sector, perTable: perTable, width: 8, directory: h.sectors(0x80) * sector,
		// The highest four bits of an entry are its kind, 1 for a table that is there; the
		// lower 32 its number.
		table: func(entry uint64) (int64, error) {
			switch {
			case entry == 0:
				return 0, nil
			case entry>>32 != 0x10000000:
				return 0, fmt.Errorf("an entry %#x of the grain directory", entry)
			}
			return (tables + int64(entry&0xFFFFFFFF)*seTable) * sector, nil
		},
		// The kind of a grain: 0 what the parent has, 1 given back by the guest, 2 zeros, 3
		// data, whose number has its highest 12 bits at 48 and the others at 0.
		place: func(entry uint64) (kind, int64, error) {
			switch entry >> 60 {
			case 0:
				if entry == 0 {
					return inParent, 0, nil
				}
			case 1, 2:
				return zero, 0, nil
			case 3:
				n := entry>>48&0xFFF | entry&0xFFFF_FFFF_FFFF<<12
				if n <= maxSectors/seGrain {
					return inFile, (data + int64(n)*seGrain) * sector, nil
				}
			}
			return 0, 0, fmt.Errorf("an entry %#x of a grain table", entry)
		},
	}, nil
}
