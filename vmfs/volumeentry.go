package vmfs

import "time"

// A VolumeEntry is LVM_VolDescriptor: what a device knows of the logical volume that it is an
// extent of.
//
//	0x00 u64 length of the logical volume  [V]
//	0x08 u64 generation, or a count        [readers disagree]
//	0x10 u32 state                         [V 1, C1 others]
//	0x14     name, 64: the UUID as text    [V]
//	0x54     UUID                          [V]
//	0x64 u32 snapshot number               [V]
//	0x68 u64 made, µs                      [V]
//	0x70 u32 number in PE entries          [V]
//	0x74 u32 PEs on this device            [V]
//	0x78 u64 first PE; u64 last PE         [V]
//	0x88 u64 modified, µs                  [V]
//	0x90 u32 devices of the volume         [V]
type VolumeEntry [512]byte

// A VolumeState is where a volume is in a resignature.
type VolumeState uint32

const (
	VolumeInvalid VolumeState = iota
	VolumeNormal
	VolumeResignaturePending
	VolumeResignatureDone
)

func (e *VolumeEntry) LogicalSize() int64  { return signed(u64(e[:], 0x00)) }
func (e *VolumeEntry) State() VolumeState  { return VolumeState(u32(e[:], 0x10)) }
func (e *VolumeEntry) Name() string        { return string(text(e[0x14:0x54])) }
func (e *VolumeEntry) UUID() UUID          { return UUID(e[0x54:]) }
func (e *VolumeEntry) SnapID() uint32      { return u32(e[:], 0x64) }
func (e *VolumeEntry) Created() time.Time  { return micros(u64(e[:], 0x68)) }
func (e *VolumeEntry) Number() uint32      { return u32(e[:], 0x70) }
func (e *VolumeEntry) PEs() uint32         { return u32(e[:], 0x74) }
func (e *VolumeEntry) FirstPE() uint64     { return u64(e[:], 0x78) }
func (e *VolumeEntry) LastPE() uint64      { return u64(e[:], 0x80) }
func (e *VolumeEntry) Modified() time.Time { return micros(u64(e[:], 0x88)) }
func (e *VolumeEntry) Devices() uint32     { return u32(e[:], 0x90) }

// A volumeKey tells logical volumes apart: a snapshot that was resignatured has another.
type volumeKey struct {
	uuid   UUID
	snapID uint32
}

func (e *VolumeEntry) key() volumeKey { return volumeKey{e.UUID(), e.SnapID()} }
