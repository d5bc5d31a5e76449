package vmfs

import (
	"fmt"
	"io/fs"
	"time"
)

// A Descriptor is a file descriptor: the inode of VMFS. Its length tells the layout, where A is
// the metadata alignment.
//
//	             VMFS3, 5        VMFS6
//	length       0x800           2*A         [V/C2]
//	lock         0               0           [V]
//	metadata     0x200           A           [V/C2]
//	resident     0x400, 1024     A+0x200, A-0x200            [C2]
//	addresses    0x400, 256*u32  320*u64 at the end, A/16 where A > 4096 [V/C2]
//
// Metadata:
//
//	0x00 u32 its own address; u32 generation, as in directory entries [V]
//	0x08 u32 links, 0 once deleted                 [V]
//	0x0C u32 type                                  [V 2,3,5]
//	0x10 u32 flags                                 [C1]
//	0x14 u64 length; u64 block length; u64 blocks  [V]
//	0x2C u32 modified; u32 changed; u32 accessed, s [V]
//	0x38 u32 owner; u32 group; u32 mode            [V/C2]
//	0x44 u32 ZLA, how the addresses are used       [V]
//	0x48 u32 blocks to be zeroed; u32 shared blocks [V/C1]
//	0x5C u32 pointer blocks                        [C1]
//	0x64 u32 signature "fdmd", VMFS6               [C2]
//	0x70 u32 address of its directory, VMFS6       [C1]
//	0x8C u32 large file blocks                     [C1]
type Descriptor []byte

const (
	narrowDescriptor    = 0x800
	descriptorSignature = 0x66646D64 // "fdmd"
	narrowAddresses     = 256
	wideAddresses       = 320
)

// A Type is what a file is.
type Type uint32

const (
	VolumeType Type = 1 + iota
	Directory
	Regular
	Symlink
	System
	RDM // a raw device mapping
)

// String names the type in a word.
func (t Type) String() string {
	names := [...]string{"none", "volume", "directory", "file", "symlink", "system", "rdm"}
	if int(t) < len(names) {
		return names[t]
	}
	return fmt.Sprintf("type %d", uint32(t))
}

// A ZLA says how the addresses in a descriptor lead to the data.
type ZLA uint32

const (
	DirectFB   ZLA = 1
	DirectSB   ZLA = 2
	OneLevel   ZLA = 3
	OneLevelP2 ZLA = 5
	TwoLevels  ZLA = 0x10D0
	InPlace    ZLA = 0x10D1 // the data is in the descriptor: resident
)

// String names the ZLA.
func (z ZLA) String() string {
	switch z {
	case DirectFB:
		return "direct"
	case DirectSB:
		return "sub-block"
	case OneLevel:
		return "pointer blocks"
	case OneLevelP2:
		return "secondary pointer blocks"
	case TwoLevels:
		return "two levels of pointer blocks"
	case InPlace:
		return "resident"
	}
	return fmt.Sprintf("ZLA %#x", uint32(z))
}

// descriptorLen is how long descriptors of the volume are.
func (s *Superblock) descriptorLen() int {
	if s.wide() {
		return int(2 * s.MetadataAlignment())
	}
	return narrowDescriptor
}

func (d Descriptor) wide() bool { return len(d) != narrowDescriptor }

func (d Descriptor) meta() []byte {
	if d.wide() {
		return d[len(d)/2:]
	}
	return d[0x200:]
}

func (d Descriptor) Lock() *Lock           { return (*Lock)(d) }
func (d Descriptor) Address() FDAddress    { return FDAddress(u32(d.meta(), 0x00)) }
func (d Descriptor) Generation() uint32    { return u32(d.meta(), 0x04) }
func (d Descriptor) Links() uint32         { return u32(d.meta(), 0x08) }
func (d Descriptor) Type() Type            { return Type(u32(d.meta(), 0x0C)) }
func (d Descriptor) Flags() uint32         { return u32(d.meta(), 0x10) }
func (d Descriptor) Length() int64         { return signed(u64(d.meta(), 0x14)) }
func (d Descriptor) BlockSize() int64      { return signed(u64(d.meta(), 0x1C)) }
func (d Descriptor) Blocks() int64         { return signed(u64(d.meta(), 0x24)) }
func (d Descriptor) Modified() time.Time   { return seconds(u32(d.meta(), 0x2C)) }
func (d Descriptor) Changed() time.Time    { return seconds(u32(d.meta(), 0x30)) }
func (d Descriptor) Accessed() time.Time   { return seconds(u32(d.meta(), 0x34)) }
func (d Descriptor) UID() uint32           { return u32(d.meta(), 0x38) }
func (d Descriptor) GID() uint32           { return u32(d.meta(), 0x3C) }
func (d Descriptor) ModeBits() uint32      { return u32(d.meta(), 0x40) }
func (d Descriptor) ZLA() ZLA              { return ZLA(u32(d.meta(), 0x44)) }
func (d Descriptor) ToBeZeroed() uint32    { return u32(d.meta(), 0x48) }
func (d Descriptor) Shared() uint32        { return u32(d.meta(), 0x4C) }
func (d Descriptor) PointerBlocks() uint32 { return u32(d.meta(), 0x5C) }
func (d Descriptor) Signature() uint32     { return u32(d.meta(), 0x64) }
func (d Descriptor) Parent() FDAddress     { return FDAddress(u32(d.meta(), 0x70)) }
func (d Descriptor) LargeBlocks() uint32   { return u32(d.meta(), 0x8C) }

// IsDir reports a directory; VMFS6 has one, .sdd.sf, that is a system file by its type.
func (d Descriptor) IsDir() bool {
	return d.Type() == Directory || d.Type() == System && d.ModeBits()&0xF000 == 0x4000
}

// Mode is the file's mode: its permissions, and what it is.
func (d Descriptor) Mode() fs.FileMode {
	m := fs.FileMode(d.ModeBits() & 0o777)
	switch {
	case d.IsDir():
		return m | fs.ModeDir
	case d.Type() == Symlink:
		return m | fs.ModeSymlink
	case d.Type() == RDM:
		return m | fs.ModeDevice
	case d.Type() == VolumeType:
		return m | fs.ModeIrregular
	}
	return m
}

// resident is the room for data in the descriptor: its offset and length.
func (d Descriptor) resident() (at, n int) {
	if d.wide() {
		return len(d)/2 + 0x200, len(d)/2 - 0x200
	}
	return 0x400, narrowDescriptor - 0x400
}

// Resident is the data of a file that has it in its descriptor, and as much as fits there.
func (d Descriptor) Resident() []byte {
	at, n := d.resident()
	return d[at : at+int(min(int64(n), d.Length()))]
}

// DiskID is that of the LUN that a raw device mapping stands for.
func (d Descriptor) DiskID() *DiskID {
	at, _ := d.resident()
	return (*DiskID)(d[at:])
}

// addresses is the array of addresses, and the bytes of each.
func (d Descriptor) addresses() (array []byte, width int) {
	if !d.wide() {
		return d[0x400 : 0x400+4*narrowAddresses], 4
	}
	n := 8 * wideAddresses
	if a := len(d) / 2; a > 4096 {
		n = a / 2
	}
	return d[len(d)-n:], 8
}

// check reports what shows that the bytes are not the descriptor at addr.
func (d Descriptor) check(addr FDAddress) error {
	switch {
	case d.Lock().Type() != LockFD:
		return fmt.Errorf("lock type %#x, not %#x", uint32(d.Lock().Type()), uint32(LockFD))
	case d.Address() != addr:
		return fmt.Errorf("it says that it is descriptor %s", d.Address())
	}
	return nil
}
