package vmfs

import (
	"fmt"
	"time"
)

// Where things are in a partition (P). Everything else is found from there.
const (
	lvmOffset  = 0x100000 // the LVM header
	lvmMagic   = 0xC001D00D
	lvmRegion  = 0x1000000 // bytes of LVM metadata from the header on
	peTables   = 8         // bitmaps and tables that a region has room for
	peTableLen = 8192      // entries in a table
)

// An LVMHeader is LVM_DevMetadata, 0x100000 into each partition of a volume [V; C1 where
// said].
//
//	0x00 u32 magic, 0xC001D00D
//	0x04 u32 major version: 3, 5, 6 for VMFS3, 5, 6; u32 minor
//	0x0C     DiskID, 78
//	0x5A u32 block length of the disk
//	0x5E u64 length of the partition
//	0x66 u32 volumes; u32 PEs; u32 last PE
//	0x72 u64 generation             [C1]
//	0x7A u64 P of the first PE's data
//	0x82     UUID of this device
//	0x92 u64 made, µs; u64 modified, µs
//	0xA2     locked by, UUID; u64 when, µs   [C1]
//	0xBE u32 PE maps, 0 for 1       [C1]
//	0xC2 u64 P of more LVM metadata [C1]
//	0xCA u32 metadata alignment, LVM 6 [C2]
//	0xCE u32 PEs of LVM 6           [C1, others use 0x6A]
//	0xD2 u32 flags: 1 for VMFS-L    [C1]
type LVMHeader [512]byte

func (h *LVMHeader) Magic() uint32            { return u32(h[:], 0x00) }
func (h *LVMHeader) Major() uint32            { return u32(h[:], 0x04) }
func (h *LVMHeader) Minor() uint32            { return u32(h[:], 0x08) }
func (h *LVMHeader) DiskID() *DiskID          { return (*DiskID)(h[0x0C:]) }
func (h *LVMHeader) DiskBlockSize() uint32    { return u32(h[:], 0x5A) }
func (h *LVMHeader) TotalBytes() int64        { return signed(u64(h[:], 0x5E)) }
func (h *LVMHeader) Volumes() uint32          { return u32(h[:], 0x66) }
func (h *LVMHeader) PEs() uint32              { return u32(h[:], 0x6A) }
func (h *LVMHeader) LastPE() uint32           { return u32(h[:], 0x6E) }
func (h *LVMHeader) Generation() uint64       { return u64(h[:], 0x72) }
func (h *LVMHeader) DataOffset() int64        { return signed(u64(h[:], 0x7A)) }
func (h *LVMHeader) UUID() UUID               { return UUID(h[0x82:]) }
func (h *LVMHeader) Created() time.Time       { return micros(u64(h[:], 0x92)) }
func (h *LVMHeader) Modified() time.Time      { return micros(u64(h[:], 0x9A)) }
func (h *LVMHeader) LockedBy() UUID           { return UUID(h[0xA2:]) }
func (h *LVMHeader) Locked() time.Time        { return micros(u64(h[:], 0xB2)) }
func (h *LVMHeader) PEMaps() uint32           { return max(1, u32(h[:], 0xBE)) }
func (h *LVMHeader) ExtendedMetadata() int64  { return signed(u64(h[:], 0xC2)) }
func (h *LVMHeader) MetadataAlignment() int64 { return int64(u32(h[:], 0xCA)) }
func (h *LVMHeader) PEs6() uint32             { return u32(h[:], 0xCE) }
func (h *LVMHeader) Flags() uint32            { return u32(h[:], 0xD2) }

// check reports what makes the header unusable.
func (h *LVMHeader) check() error {
	switch major := h.Major(); {
	case h.Magic() != lvmMagic:
		return fmt.Errorf("magic %#x, not %#x", h.Magic(), uint32(lvmMagic))
	case major < 3 || major > 6:
		return fmt.Errorf("LVM version %d is not known", major)
	case major == 6 && !validAlignment(h.MetadataAlignment()):
		return fmt.Errorf("metadata alignment %d", h.MetadataAlignment())
	case h.PEMaps() > peTables*maxRegions:
		return fmt.Errorf("%d PE maps", h.PEMaps())
	}
	return nil
}

// validAlignment tells the metadata alignments that a VMFS6 volume can have: a block of the
// disk, and up to a sub-block.
func validAlignment(n int64) bool { return isPower(n) && n >= 4096 && n <= 1<<17 }

// An lvmLayout says where the tables are, counted from the LVM header.
type lvmLayout struct {
	volumes int64 // volume entries, 512 bytes each
	devices int64 // names of all devices, 256 bytes each; 0 for none
	bitmap  int64 // PE bitmap 0
	table   int64 // PE table 0
	stride  int64 // from one bitmap or table to the next
	most    int   // volume entries
}

func (h *LVMHeader) layout() lvmLayout {
	if h.Major() < 6 {
		l := lvmLayout{volumes: 0x200, bitmap: 0x80200, table: 0x80600, stride: 0x100400, most: 512}
		if h.Major() >= 5 {
			l.devices = 0x7E200
		}
		return l
	}
	a := h.MetadataAlignment()
	b := max(a, 1024)
	return lvmLayout{volumes: a, devices: a + 0x7E000, bitmap: a + 0x80000, table: a + 0x80000 + b, stride: b + 0x100000, most: 1}
}
