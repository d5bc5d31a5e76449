package vmfs

// An MBREntry is one of the four partitions of a master boot record, 16 bytes each from 0x1BE.
//
//	0x04 u8  type: 0xFB for VMFS, 0xEE for a disk with a GPT
//	0x08 u32 first block
//	0x0C u32 blocks
type MBREntry [16]byte

const (
	mbrVMFS    = 0xFB
	mbrEntries = 0x1BE
	mbrBlock   = 512 // what an MBR counts in
)

func (e *MBREntry) Type() byte    { return e[4] }
func (e *MBREntry) First() uint32 { return u32(e[:], 0x08) }
func (e *MBREntry) Count() uint32 { return u32(e[:], 0x0C) }

// mbrPartitions lists the VMFS partitions in the MBR of d, if it has one.
func mbrPartitions(d *Device) ([]Partition, error) {
	var sector [512]byte
	if d.Size < int64(len(sector)) {
		return nil, nil
	}
	if err := d.fill(sector[:], 0); err != nil {
		return nil, err
	}
	if sector[510] != 0x55 || sector[511] != 0xAA {
		return nil, nil
	}
	var parts []Partition
	for i := range 4 {
		e := (*MBREntry)(sector[mbrEntries+i*len(MBREntry{}):])
		p := Partition{Number: i + 1, Start: int64(e.First()) * mbrBlock, Size: int64(e.Count()) * mbrBlock, Scheme: MBR, dev: d}
		if e.Type() == mbrVMFS && p.clip() {
			parts = append(parts, p)
		}
	}
	return parts, nil
}

// clip keeps the partition within its device, as that of a copy that was cut short; false when
// nothing of it is there.
func (p *Partition) clip() bool {
	if p.Start <= 0 || p.Start >= p.dev.Size {
		return false
	}
	p.Size = min(p.Size, p.dev.Size-p.Start)
	return p.Size > 0
}
