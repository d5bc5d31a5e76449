package vmfs

// Heartbeats are where hosts show that they use the volume and are alive: L 0x300000.
const heartbeatOffset = 0x300000

// A Heartbeat is a host's slot. A host is registered while the slot is in use, and alive as
// long as the stamp changes.
//
//	0x00 u32 state                                       [V]
//	0x04 u64 its own L                                   [V]
//	0x0C u64 generation, one more at each taking and leaving [V]
//	0x14 u64 stamp: µs of the host's uptime              [V]
//	0x1C     UUID of the host, zero when free            [V]
//	0x2C u32 address of its journal, 0 for none          [C2]
//	0x30 u32 major version of its file system; u8 minor  [V]
//	0x35 u8  how it locks: SCSI reservations or ATS      [C1]
//	0x36     its IP address as text, 46                  [C1]
//	0x64 u64 L of its journal; UUID of a host that replays it [C1]
type Heartbeat [512]byte

const (
	heartbeatFree  = 0xABCDEF01
	heartbeatInUse = 0xABCDEF02
)

func (h *Heartbeat) State() uint32        { return u32(h[:], 0x00) }
func (h *Heartbeat) Free() bool           { return h.State() == heartbeatFree }
func (h *Heartbeat) InUse() bool          { return h.State() == heartbeatInUse }
func (h *Heartbeat) Logical() int64       { return signed(u64(h[:], 0x04)) }
func (h *Heartbeat) Generation() uint64   { return u64(h[:], 0x0C) }
func (h *Heartbeat) Stamp() uint64        { return u64(h[:], 0x14) }
func (h *Heartbeat) Owner() UUID          { return UUID(h[0x1C:]) }
func (h *Heartbeat) Journal() uint32      { return u32(h[:], 0x2C) }
func (h *Heartbeat) Major() uint32        { return u32(h[:], 0x30) }
func (h *Heartbeat) Minor() byte          { return h[0x34] }
func (h *Heartbeat) LockImpl() byte       { return h[0x35] }
func (h *Heartbeat) Address() string      { return string(text(h[0x36:0x64])) }
func (h *Heartbeat) JournalVolume() int64 { return signed(u64(h[:], 0x64)) }
func (h *Heartbeat) ReplayHost() UUID     { return UUID(h[0x6C:]) }

// Heartbeats is the heartbeat region of a volume as it was when it was read.
type Heartbeats struct {
	bytes []byte
	step  int
}

// HeartbeatRegion is where the heartbeats are: L of the first, how many there are, and how far
// one is from the next.
func (s *Superblock) HeartbeatRegion() (at int64, slots, step int) {
	if s.wide() {
		return heartbeatOffset, 1024, int(s.MetadataAlignment())
	}
	return heartbeatOffset, 2048, 512
}

// Heartbeats reads the heartbeat region anew.
func (v *Volume) Heartbeats() (Heartbeats, error) {
	at, slots, step := v.sb.HeartbeatRegion()
	h := Heartbeats{make([]byte, slots*step), step}
	_, err := v.ReadAt(h.bytes, at)
	return h, err
}

// Len is the number of slots.
func (h Heartbeats) Len() int { return len(h.bytes) / h.step }

// Slot is slot i, from 0.
func (h Heartbeats) Slot(i int) *Heartbeat { return (*Heartbeat)(h.bytes[i*h.step:]) }
