package scsi

// What one command may ask for, as the Block Limits VPD page publishes it and the commands
// enforce it. MaxTransfer, in task.go, bounds all Data-In and Data-Out.
const (
	maxCompareBlocks    = 255      // COMPARE AND WRITE: its length field has one byte
	maxUnmapBlocks      = 1 << 20  // UNMAP: the sum over the descriptors
	maxUnmapDescriptors = 256      // UNMAP
	maxAtomicBlocks     = 256      // WRITE ATOMIC; the alignment and granularity are one block
	maxPrefetchBytes    = 64 << 20 // PRE-FETCH: what is beyond is left out
	maxPortGroupsList   = 4 << 10  // SET TARGET PORT GROUPS: bytes of the parameter list

	// maxWriteSameBlocks is of WRITE SAME. A unit takes the whole MiB within it: 31 MiB of
	// 512-byte blocks, 255 MiB of 4096-byte ones. An initiator that may send 10000h blocks also
	// tries to write as many with one WRITE(16), as libiscsi's suite does, and that is more
	// than MaxTransfer.
	maxWriteSameBlocks = 0xFFFF
)

// maxWriteSame returns what one WRITE SAME may write, in bytes: whole MiB, so that a range
// which is cut up by it stays aligned.
func (lu *LogicalUnit) maxWriteSame() int64 {
	const unit = 1 << 20
	return maxWriteSameBlocks * lu.blockSize / unit * unit
}
