package scsi

import "encoding/binary"

// The code sets, associations and types of designators (SPC-5, designation descriptor).
const (
	binarySet = 1
	asciiSet  = 2
	utf8Set   = 3

	ofUnit   = 0 << 4
	ofPort   = 1 << 4
	ofTarget = 2 << 4

	typeT10      = 1
	typeNAA      = 3
	typePort     = 4
	typeGroup    = 5
	typeSCSIName = 8

	iSCSIProtocol = 5 << 4 // protocol identifier
	withProtocol  = 0x80   // PIV: the protocol identifier counts
)

// appendDesignator appends a designation descriptor for a designator of n bytes, without the
// designator itself, which the caller appends:
//
//	0  protocol identifier, code set
//	1  PIV, association, designator type
//	3  designator length
//	4  designator
func appendDesignator(p []byte, set, kind byte, n int) []byte {
	return append(p, set, kind, 0, byte(n))
}

// vpdIdentification is the Device Identification page. The NAA designator comes first: it is
// what ESXi names the disk by, and it compares no more than 8 characters of a T10 one.
func vpdIdentification(t *Task, p []byte) []byte {
	id, names, group := t.unit().Identity(), &t.nexus.Names, t.nexus.access.Load().Own
	p = append(appendDesignator(p, binarySet, ofUnit|typeNAA, len(id.GUID)), id.GUID[:]...)
	p = appendT10(p, id.Vendor, id.Serial)
	p = appendInFour(p, ofPort|typePort, names.RelativePort)
	p = appendInFour(p, ofPort|typeGroup, group)
	p = appendName(p, ofPort, names.TargetPort)
	return appendName(p, ofTarget, names.Target)
}

// appendT10 appends a T10 vendor ID based designator: the vendor in 8 bytes, then what is
// unique with it.
func appendT10(p []byte, vendor, serial string) []byte {
	serial = serial[:min(len(serial), 200)]
	p = appendDesignator(p, asciiSet, ofUnit|typeT10, 8+len(serial))
	p = append(p, make([]byte, 8)...)
	putPadded(p[len(p)-8:], vendor)
	return append(p, serial...)
}

// appendInFour appends a designator that is a number in two of four bytes.
func appendInFour(p []byte, kind byte, n uint16) []byte {
	return binary.BigEndian.AppendUint32(appendDesignator(p, binarySet, kind, 4), uint32(n))
}

// appendName appends a SCSI name string designator: ended by a zero byte and filled up with
// more to a multiple of four.
func appendName(p []byte, of byte, name string) []byte {
	const longest = 252
	name = name[:min(len(name), longest-1)]
	n := len(name)/4*4 + 4
	p = appendDesignator(p, iSCSIProtocol|utf8Set, withProtocol|of|typeSCSIName, n)
	p = append(p, name...)
	return append(p, make([]byte, n-len(name))...)
}
