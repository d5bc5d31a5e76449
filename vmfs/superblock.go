package vmfs

import (
	"fmt"
	"time"
)

const (
	superblockOffset = 0x200000 // L
	magicVMFS        = 0x2FABF15E
	magicVMFSL       = 0x2FABF15F
)

// isSuperblock tells the magic numbers of file systems that are known.
func isSuperblock(magic uint32) bool { return magic == magicVMFS || magic == magicVMFSL }

// A Superblock is the file system descriptor, at L 0x200000. Packed and unaligned.
//
//	0x00  u32 magic: VMFS, VMFS-L                 [V]
//	0x04  u32 major version: 4, 14, 24; u8 minor  [V]
//	0x09      UUID                                [V]
//	0x19  u32 configuration flags                 [V 2, C1 others]
//	0x1D      label, 128                          [V]
//	0x9D  u32 block length of the disk            [V]
//	0xA1  u64 length of a file block              [V]
//	0xA9  u32 made, s                             [V]
//	0xAD  u32 snapshot number                     [V]
//	0xB1      UUID of the logical volume; u32 its snapshot number [V]
//	0xD1  u32 offset of the first cluster group of .fdc.sf; u32 clusters in a group [V]
//	0xD9  u32 length of a sub-block               [V]
//	0xE1  u64 L of the descriptor of .pb2.sf; u32 its address [C1]
//	0xED      UUID of the host                    [C1]
//	0xFD  u64 generation                          [C1]
//	0x105 u64 L of the descriptor of .sdd.sf; u32 its address [C1]
//	0x111 u8  kind of checksum; u16 unmap priority; 0x118 u64 generation of it;
//	0x120 u64 checksum; u64 its generation        [C1]
//	0x134 u32 metadata alignment                  [C2]
//	0x138 u16 log2 of file blocks in a large one  [C2]
//	0x144 u32 unmap granularity; u32 journal block; u32 lease interval, ms [C1]
type Superblock [512]byte

func (s *Superblock) Magic() uint32         { return u32(s[:], 0x00) }
func (s *Superblock) Major() uint32         { return u32(s[:], 0x04) }
func (s *Superblock) Minor() byte           { return s[0x08] }
func (s *Superblock) UUID() UUID            { return UUID(s[0x09:]) }
func (s *Superblock) Config() uint32        { return u32(s[:], 0x19) }
func (s *Superblock) Label() string         { return string(text(s[0x1D:0x9D])) }
func (s *Superblock) DiskBlockSize() uint32 { return u32(s[:], 0x9D) }
func (s *Superblock) FileBlockSize() int64  { return signed(u64(s[:], 0xA1)) }
func (s *Superblock) Created() time.Time    { return seconds(u32(s[:], 0xA9)) }
func (s *Superblock) SnapID() uint32        { return u32(s[:], 0xAD) }
func (s *Superblock) VolumeUUID() UUID      { return UUID(s[0xB1:]) }
func (s *Superblock) VolumeSnapID() uint32  { return u32(s[:], 0xC1) }
func (s *Superblock) FDCGroupOffset() int64 { return int64(u32(s[:], 0xD1)) }
func (s *Superblock) FDCGroupLen() int64    { return int64(u32(s[:], 0xD5)) }
func (s *Superblock) SubBlockSize() int64   { return int64(u32(s[:], 0xD9)) }
func (s *Superblock) PB2Volume() int64      { return signed(u64(s[:], 0xE1)) }
func (s *Superblock) PB2Address() FDAddress { return FDAddress(u32(s[:], 0xE9)) }
func (s *Superblock) HostUUID() UUID        { return UUID(s[0xED:]) }
func (s *Superblock) Generation() uint64    { return u64(s[:], 0xFD) }
func (s *Superblock) SDDVolume() int64      { return signed(u64(s[:], 0x105)) }
func (s *Superblock) SDDAddress() FDAddress { return FDAddress(u32(s[:], 0x10D)) }
func (s *Superblock) ChecksumType() byte    { return s[0x111] }
func (s *Superblock) UnmapPriority() uint16 { return u16(s[:], 0x112) }
func (s *Superblock) Checksum() uint64      { return u64(s[:], 0x120) }
func (s *Superblock) LargeShift() uint16    { return u16(s[:], 0x138) }
func (s *Superblock) JournalBlock() uint32  { return u32(s[:], 0x148) }

// LeaseInterval is how often hosts write their heartbeats; 0 when the volume does not say.
func (s *Superblock) LeaseInterval() time.Duration {
	return time.Duration(u32(s[:], 0x14C)) * time.Millisecond
}

// Dense reports that the addresses of sub-blocks have two more bits of the resource.
func (s *Superblock) Dense() bool { return s.Config()&4 != 0 }

// wide reports the layout that VMFS6 brought.
func (s *Superblock) wide() bool { return s.Major() >= 24 }

// Version is the name of the file system: 3, 5 or 6.
func (s *Superblock) Version() int {
	switch {
	case s.wide():
		return 6
	case s.Major() >= 14:
		return 5
	}
	return 3
}

// MetadataAlignment is what metadata is a multiple of: a sector before VMFS6.
func (s *Superblock) MetadataAlignment() int64 {
	if !s.wide() {
		return 512
	}
	return int64(u32(s[:], 0x134))
}

// largeBlockSize is the length of a large file block.
func (s *Superblock) largeBlockSize() int64 { return s.FileBlockSize() << s.LargeShift() }

// check reports what makes the file system unreadable.
func (s *Superblock) check() error {
	fbs, sub := s.FileBlockSize(), s.SubBlockSize()
	switch {
	case !isSuperblock(s.Magic()):
		return fmt.Errorf("magic %#x, not %#x: there is no VMFS here", s.Magic(), uint32(magicVMFS))
	case s.Major() < 4 || s.Major() > 32:
		return fmt.Errorf("version %d.%d is not known", s.Major(), s.Minor())
	case !isPower(fbs) || fbs < 1<<20 || fbs > 1<<26:
		return fmt.Errorf("file blocks of %d bytes", fbs)
	case !isPower(sub) || sub < 512 || sub > fbs:
		return fmt.Errorf("sub-blocks of %d bytes", sub)
	case s.wide() && !validAlignment(s.MetadataAlignment()):
		return fmt.Errorf("metadata alignment %d", s.MetadataAlignment())
	case s.wide() && s.LargeShift() > 16:
		return fmt.Errorf("large file blocks of 2^%d file blocks", s.LargeShift())
	case s.FDCGroupOffset() > maxGroupOffset || s.FDCGroupLen() > maxGroupLen:
		return fmt.Errorf("file descriptors begin at %#x, behind %d clusters", s.FDCGroupOffset(), s.FDCGroupLen())
	}
	return nil
}
