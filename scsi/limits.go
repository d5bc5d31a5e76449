package scsi

// What one command may ask for, as the Block Limits VPD page publishes it and the commands
// enforce it. MaxTransfer, in task.go, bounds all Data-In and Data-Out.
const (
	maxCompareBlocks    = 255      // COMPARE AND WRITE: its length field has one byte
	maxUnmapBlocks      = 1 << 20  // UNMAP: the sum over the descriptors
	maxUnmapDescriptors = 256      // UNMAP
	maxWriteSameBytes   = 64 << 20 // WRITE SAME, in bytes; ESXi zeroes in pieces of up to 32 MiB
	maxAtomicBlocks     = 256      // WRITE ATOMIC; the alignment and granularity are one block
	maxPrefetchBytes    = 64 << 20 // PRE-FETCH: what is beyond is left out
)
