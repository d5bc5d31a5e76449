package vmdk

import (
	"encoding/binary"
	"fmt"
)

// A cowdHeader begins a file of changes of kind VMFSSPARSE, in little-endian integers of 32
// bits; all but the grain size are in sectors.
//
//	0x00 "COWD"
//	0x04 version, 1
//	0x08 flags
//	0x0C length of the disk
//	0x10 grain size, in sectors
//	0x14 offset of the grain directory
//	0x18 entries of the grain directory
//
// An entry of the directory is the sector of a table of 4096 entries, and one of these the
// sector of a grain; 0 is what the parent has.
type cowdHeader [28]byte

const cowdTable = 4096

func (h *cowdHeader) field(at int) int64 { return int64(binary.LittleEndian.Uint32(h[at:])) }

func openCOWD(f File, e Extent) (extent, error) {
	var h cowdHeader
	if err := readFull(f, h[:], 0); err != nil {
		return nil, err
	}
	length, grain := h.field(0x0C), h.field(0x10)
	switch {
	case string(h[:4]) != "COWD":
		return nil, fmt.Errorf("it begins with %q, not %q", h[:4], "COWD")
	case h.field(0x04) != 1:
		return nil, fmt.Errorf("version %d is not known", h.field(0x04))
	case grain < 1 || grain > 1<<16:
		return nil, fmt.Errorf("grains of %d sectors", grain)
	case length < e.Sectors:
		return nil, fmt.Errorf("it is of %d sectors, and the descriptor speaks of %d", length, e.Sectors)
	case (h.field(0x18))*cowdTable*grain < e.Sectors:
		return nil, fmt.Errorf("%d tables are not enough for %d sectors", h.field(0x18), e.Sectors)
	}
	sectors := func(entry uint64) (int64, error) { return int64(entry) * sector, nil }
	return &grains{
		file: f, grain: grain * sector, perTable: cowdTable, width: 4, directory: h.field(0x14) * sector,
		table: sectors,
		place: func(entry uint64) (kind, int64, error) {
			if entry == 0 {
				return inParent, 0, nil
			}
			return inFile, int64(entry) * sector, nil
		},
	}, nil
}
