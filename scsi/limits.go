package scsi

// What one command may ask for, as the Block Limits VPD page publishes it and the commands
// enforce it. MaxTransfer, in task.go, bounds all Data-In and Data-Out.
const (
	maxCompareBlocks    = 255      // COMPARE AND WRITE: its length field has one byte
	maxUnmapBlocks      = 1 << 20  // UNMAP: the sum over the descriptors
	maxUnmapDescriptors = 256      // UNMAP
	maxWriteSameBytes   = 31 << 20 // WRITE SAME: less than 64 Ki blocks, which libiscsi would first write with one WRITE(16)
	maxAtomicBlocks     = 256      // WRITE ATOMIC; the alignment and granularity are one block
	maxPrefetchBytes    = 64 << 20 // PRE-FETCH: what is beyond is left out
)
