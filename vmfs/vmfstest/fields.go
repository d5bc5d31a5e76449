package vmfstest

import (
	"encoding/binary"
	"fmt"
)

// record is a structure being written: little-endian fields at byte offsets.
type record []byte

func (r record) u8(at int, v uint8)          { r[at] = v }
func (r record) u16(at int, v uint16)        { binary.LittleEndian.PutUint16(r[at:], v) }
func (r record) u32(at int, v uint32)        { binary.LittleEndian.PutUint32(r[at:], v) }
func (r record) u64(at int, v uint64)        { binary.LittleEndian.PutUint64(r[at:], v) }
func (r record) text(at, size int, s string) { copy(r[at:at+size], s) }

// padded is text with blanks after it, as SCSI has it.
func (r record) padded(at, size int, s string) {
	for i := range size {
		r[at+i] = ' '
	}
	r.text(at, size, s)
}

// uuid is VMware's: seconds, ticks, a random number, the MAC of the host that made it.
type uuid [16]byte

// epoch is when all of it happens, in seconds since 1970.
const epoch = 0x5d000000

// newUUID makes the nth UUID of a seed.
func newUUID(seed, n uint64) (u uuid) {
	r := record(u[:])
	r.u32(0, uint32(epoch+n))
	r.u32(4, uint32(mix(seed+1, n)))
	r.u16(8, uint16(mix(seed+1, n)>>32))
	copy(r[10:], []byte{0x00, 0x50, 0x56, byte(mix(seed+2, n)), byte(mix(seed+2, n) >> 8), byte(n)})
	return u
}

// String is the text that ESXi shows.
func (u uuid) String() string {
	le := binary.LittleEndian
	return fmt.Sprintf("%08x-%08x-%04x-%x", le.Uint32(u[0:]), le.Uint32(u[4:]), le.Uint16(u[8:]), u[10:])
}
