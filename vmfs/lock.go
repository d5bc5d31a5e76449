package vmfs

// A Lock heads every file descriptor and every cluster of resources: who may change it.
//
//	0x00  u32 type, which tells what it heads              [V 1-5, C1 6]
//	0x04  u64 its own L                                    [V]
//	0x0C  u64 L of the holder's heartbeat; u64 generation  [V]
//	0x1C  u64 token, one more each time                    [V]
//	0x24  u32 mode                                         [V 0, D others]
//	0x28      UUID of the owner; u64 when, µs of uptime    [V]
//	0x40  u32 holders; 8 of {u64 heartbeat, u64 generation, UUID} [C1]
type Lock [512]byte

// A LockType tells what a lock heads.
type LockType uint32

const (
	LockFD  LockType = 0x10C00001
	LockFBB LockType = 0x10C00002
	LockSBC LockType = 0x10C00003
	LockPBC LockType = 0x10C00004
	LockFDC LockType = 0x10C00005
	LockPB2 LockType = 0x10C00006
)

// A LockMode is what the holder of a lock may do.
type LockMode uint32

const (
	Unlocked LockMode = iota
	Exclusive
	ReadOnly
	MultiWriter
)

func (m LockMode) String() string {
	names := [...]string{"free", "exclusive", "read-only", "multi-writer"}
	if int(m) < len(names) {
		return names[m]
	}
	return "unknown"
}

func (l *Lock) Type() LockType              { return LockType(u32(l[:], 0x00)) }
func (l *Lock) Logical() int64              { return signed(u64(l[:], 0x04)) }
func (l *Lock) Heartbeat() int64            { return signed(u64(l[:], 0x0C)) }
func (l *Lock) HeartbeatGeneration() uint64 { return u64(l[:], 0x14) }
func (l *Lock) Token() uint64               { return u64(l[:], 0x1C) }
func (l *Lock) Mode() LockMode              { return LockMode(u32(l[:], 0x24)) }
func (l *Lock) Owner() UUID                 { return UUID(l[0x28:]) }
func (l *Lock) Uptime() uint64              { return u64(l[:], 0x38) }
func (l *Lock) Holders() uint32             { return u32(l[:], 0x40) }

// heads reports a lock of the clusters of a resource file.
func (t LockType) heads(s Slot) bool {
	switch s {
	case FBBSlot:
		return t == LockFBB
	case SBCSlot:
		return t == LockSBC
	case PBCSlot:
		return t == LockPBC
	case FDCSlot:
		return t == LockFDC
	case PB2Slot:
		return t == LockPB2
	}
	return false
}
