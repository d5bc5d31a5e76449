package vmfstest

// Spec describes a volume. The zero value of each field but Version is a sensible one.
type Spec struct {
	Version int    // 3, 5 or 6
	Label   string // of the file system; empty: "volume"
	Seed    uint64 // of UUIDs and other identifiers

	// Size is that of the logical volume in bytes, rounded up to physical extents, when Devices
	// is empty: one bare device then. 0 is one physical extent.
	Size    int64
	Devices []Device

	BlockSize    int64 // of file blocks, VMFS3: 1, 2, 4 or 8 MiB; 0 is 1 MiB
	SubBlockSize int64 // 0: 64 KiB on VMFS3 and 6, 8 KiB on VMFS5
	Alignment    int64 // of metadata, VMFS6: 4096, 8192, 65536; 0 is 4096
	Dense        bool  // VMFS5: 64 sub-blocks a cluster, and the flag that says so
	LongExtents  bool  // VMFS6: one entry for each run of physical extents

	// Scatter gives the resource files blocks that are not adjacent, so that a resource that
	// straddles two of them is in two places.
	Scatter bool

	// Least counts of resources; what Files needs is added.
	Descriptors, SubBlocks, PointerBlocks, SecondaryBlocks, JournalBlocks int64

	Files      []File // created in this order
	Heartbeats []Heartbeat
}

// PhysicalExtent is the unit in which devices are cut (bytes).
const PhysicalExtent = 256 << 20

// Device is one extent of a volume: a partition, or a disk with a table that has it.
type Device struct {
	Table   Table
	Start   int64 // of the partition, in blocks of 512 bytes; 0 is where ESXi puts it
	Extents []Run // in the order of the device; empty with one Device: the whole volume
	ID      DiskID
}

// Run is a run of physical extents by their number in the logical volume.
type Run struct{ First, Count int64 }

// Table is what leads to the partition on a device.
type Table uint8

const (
	Bare Table = iota // the device is the partition
	MBR               // an entry of type FBh
	GPT               // an entry of VMware's type
	Lost              // no table, and the partition where it was
)

// File is a file, a directory, a link, or a raw device. Directories that are named in paths
// alone are made on the way.
type File struct {
	Path string
	Type Type

	Size int64
	Seed uint64 // of the contents, by Contents; 0: zeros, and nothing is written
	Data []byte // the contents, instead of Size and Seed
	// Written is how many bytes of each MiB have contents, from its beginning on; the rest is
	// zeros, so that large files cost little. 0: all of them.
	Written int64

	Layout    Layout
	Map       []Piece // what the blocks are, in order; empty: Data. What Map leaves is a hole
	Step      int64   // from a block to the next: 0 and 1 are adjacent, 3 leaves gaps, -1 goes back
	BlockSize int64   // the unit of addresses, VMFS6: LargeBlock has large blocks addressed once

	Target string // of a symbolic link
	Disk   DiskID // of a raw device

	Mode     uint32 // permissions; 0: as ESXi has them
	UID, GID uint32
	Lock     Lock
	Deleted  Deletion
}

// Type is a kind of file, as directories and descriptors have it.
type Type uint32

const (
	Regular   Type = 3
	Directory Type = 2
	Symlink   Type = 4
	system    Type = 5
	RawDevice Type = 6
)

// Layout is how a file's data is found.
type Layout uint8

const (
	Auto            Layout = iota // by size, as ESXi chooses
	Resident                      // in the descriptor
	SubBlock                      // in sub-blocks
	Direct                        // in blocks that the descriptor lists
	Indirect                      // in blocks that pointer blocks list
	SecondaryBlocks               // the same, by secondary pointer blocks
	Double                        // by pointer blocks of pointer blocks
)

// Piece is a part of a file: how much, and what is there.
type Piece struct {
	Length int64 // a multiple of the block size; 0: up to the end
	Kind   Kind
}

// Kind is what a file's block is.
type Kind uint8

const (
	Data       Kind = iota
	Hole            // no block
	ToBeZeroed      // a block that reads as zeros whatever is on disk
	Large           // VMFS6: a large block, aligned in the file
)

// LargeBlock is the size of VMFS6's large blocks (bytes).
const LargeBlock = 512 << 20

// Lock is a lock on a file.
type Lock struct {
	Mode uint32 // 0 free, 1 exclusive, 2 read-only, 3 multi-writer
	Slot int    // of the holder's heartbeat
}

// Heartbeat is a host's slot.
type Heartbeat struct {
	Slot       int
	Generation uint64
	Stamp      uint64 // the host's uptime, µs
	Host       uint64 // seed of the host's UUID
	Free       bool   // released: only the generation stays
	Journal    bool
	Address    string // the host's IP address
}

// Deletion says that a file was deleted, and what that left.
type Deletion struct {
	Descriptor Remains
	Name       Remains
	Early      bool // at once, so that files after it take its blocks; else when all are there
}

// Remains is what a deletion leaves of a descriptor, or of a directory entry. The pointer
// blocks and the data always stay until they are used again.
type Remains uint8

const (
	Alive   Remains = iota
	Kept            // all of it, marked as unused
	Cleared         // a descriptor without addresses; an entry that the last one was moved over
	Wiped           // nothing
)
