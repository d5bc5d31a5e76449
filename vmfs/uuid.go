package vmfs

import (
	"encoding/binary"
	"fmt"
	"time"
)

// A UUID names a volume, a device or a host. It is VMware's own kind, in this order [V]:
//
//	0x00 u32 seconds since 1970
//	0x04 u32 a part of the processor's counter
//	0x08 u16 random
//	0x0A     the MAC address of the host that made it
type UUID [16]byte

// String writes the 35 characters that ESXi shows: 49edf844-ebfc28f3-65cb-0021280083cf.
func (u UUID) String() string {
	le := binary.LittleEndian
	return fmt.Sprintf("%08x-%08x-%04x-%x", le.Uint32(u[0:]), le.Uint32(u[4:]), le.Uint16(u[8:]), u[10:])
}

// IsZero reports a field that is not in use.
func (u UUID) IsZero() bool { return u == UUID{} }

// Time is when the UUID was made.
func (u UUID) Time() time.Time { return seconds(binary.LittleEndian.Uint32(u[0:])) }

// MAC is the address of the host that made it.
func (u UUID) MAC() [6]byte { return [6]byte(u[10:]) }

// seconds and micros are the two clocks of the format.
func seconds(n uint32) time.Time { return time.Unix(int64(n), 0).UTC() }
func micros(n uint64) time.Time  { return time.UnixMicro(int64(n)).UTC() }
