package dmu

// Limits of the format.
const (
	minBlock       = 512
	maxBlock       = 16 << 20           // SPA_MAXBLOCKSIZE
	oldMaxBlock    = 128 << 10          // without FeatureLargeBlocks
	maxBonus       = maxSlots*512 - 192 // of a dnode of 32 slots, without its core
	maxSlots       = 32                 // of a dnode
	dnodesPerBlock = 32                 // of the metadnode
	maxObject      = 1<<48 - 1
)

// Limits of ours.
const (
	// maxBeginPayload keeps one nvlist from taking all memory. Those of real packages have
	// some hundred bytes a snapshot.
	maxBeginPayload = 16 << 20
)
