package scsi

import (
	"encoding/binary"
	"math"
)

// readCapacity10 answers READ CAPACITY(10) (SBC-4). Its LOGICAL BLOCK ADDRESS and PMI are
// obsolete.
//
//	0..3 RETURNED LOGICAL BLOCK ADDRESS: the last, or FFFFFFFFh: use READ CAPACITY(16)
//	4..7 LOGICAL BLOCK LENGTH IN BYTES
func readCapacity10(t *Task) error {
	var p [8]byte
	binary.BigEndian.PutUint32(p[0:], uint32(min(t.capacity()-1, math.MaxUint32)))
	binary.BigEndian.PutUint32(p[4:], uint32(t.blockSize()))
	return t.reply(p[:])
}

// readCapacity16 answers READ CAPACITY(16) (SBC-4).
//
//	0..7   RETURNED LOGICAL BLOCK ADDRESS: the last
//	8..11  LOGICAL BLOCK LENGTH IN BYTES
//	12     P_TYPE, PROT_EN: no protection information
//	13     LOGICAL BLOCKS PER PHYSICAL BLOCK EXPONENT
//	14, 15 LBPME, LBPRZ; LOWEST ALIGNED LOGICAL BLOCK ADDRESS: 0
//
// The exponent is 0 whatever the store: ESXi before 6.5 knows no other, and a unit must not
// look different at the site it was replicated to. What a store prefers is in the Block
// Limits VPD page.
func readCapacity16(t *Task) error {
	var p [32]byte
	binary.BigEndian.PutUint64(p[0:], t.capacity()-1)
	binary.BigEndian.PutUint32(p[8:], uint32(t.blockSize()))
	if t.lu().thin {
		p[14] = 0x80 | 0x40
	}
	return t.reply(p[:])
}
