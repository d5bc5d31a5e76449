package initiator

import "encoding/binary"

// AppendUnmap appends the parameter list of UNMAP (SBC-4) with one block descriptor.
func AppendUnmap(p []byte, lba uint64, blocks uint32) []byte {
	const descriptor = 16
	p = binary.BigEndian.AppendUint16(p, 6+descriptor)
	p = binary.BigEndian.AppendUint16(p, descriptor)
	p = append(p, 0, 0, 0, 0)
	p = binary.BigEndian.AppendUint64(p, lba)
	p = binary.BigEndian.AppendUint32(p, blocks)
	return append(p, 0, 0, 0, 0)
}

// AppendCopy appends the parameter list of EXTENDED COPY (SPC-5) that copies blocks of 512
// bytes within the unit that has the NAA designator: one identification descriptor CSCD
// descriptor, and one block device to block device segment descriptor. NRCR is set: nobody
// asks for the result.
func AppendCopy(p []byte, naa [16]byte, from, to uint64, blocks uint16) []byte {
	const (
		cscd, segment = 32, 28
		noReceive     = 0x18 // LIST ID USAGE 11b: no list identifier is held
	)
	p = append(p, 0, noReceive, 0, cscd, 0, 0, 0, 0)
	p = binary.BigEndian.AppendUint32(p, segment)
	p = append(p, 0, 0, 0, 0)

	p = append(p, 0xe4, 0, 0, 0, 1, 3, 0, byte(len(naa))) // binary; of the unit, NAA
	p = append(p, naa[:]...)
	p = append(p, 0, 0, 0, 0, 0, 0, 2, 0) // the block length is the last three

	p = append(p, 0x02, 0, 0, segment-4, 0, 0, 0, 0, 0, 0)
	p = binary.BigEndian.AppendUint16(p, blocks)
	p = binary.BigEndian.AppendUint64(p, from)
	return binary.BigEndian.AppendUint64(p, to)
}
