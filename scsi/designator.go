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

// appendDesignator appends a designation descriptor:
//
//	0  protocol identifier, code set
//	1  PIV, association, designator type
//	3  designator length
//	4  designator
func appendDesignator(p []byte, set, kind byte, designator []byte) []byte {
	p = append(p, set, kind, 0, byte(len(designator)))
	return append(p, designator...)
}

// vpdIdentification is the Device Identification page. The NAA designator comes first: it is
// what ESXi names the disk by, and it compares no more than 8 characters of a T10 one.
func vpdIdentification(t *Task, p []byte) []byte {
	id, names := t.unit().Identity(), t.nexus.Names
	p = appendDesignator(p, binarySet, ofUnit|typeNAA, id.GUID[:])
	p = appendDesignator(p, asciiSet, ofUnit|typeT10, t10(id.Vendor, id.Serial))
	p = appendDesignator(p, binarySet, ofPort|typePort, inFour(names.RelativePort))
	p = appendDesignator(p, binarySet, ofPort|typeGroup, inFour(names.PortGroup))
	p = appendDesignator(p, iSCSIProtocol|utf8Set, withProtocol|ofPort|typeSCSIName, scsiName(names.TargetPort))
	return appendDesignator(p, iSCSIProtocol|utf8Set, withProtocol|ofTarget|typeSCSIName, scsiName(names.Target))
}

// t10 is a T10 vendor ID based designator: the vendor, then what is unique with it.
func t10(vendor, serial string) []byte {
	p := make([]byte, 8, 8+len(serial))
	putPadded(p, vendor)
	return append(p, serial[:min(len(serial), 200)]...)
}

func inFour(n uint16) []byte { return binary.BigEndian.AppendUint32(nil, uint32(n)) }

// scsiName is a SCSI name string designator: ended by a zero byte and filled up with more to
// a multiple of four.
func scsiName(name string) []byte {
	const longest = 252
	p := append([]byte(name[:min(len(name), longest-1)]), 0)
	for len(p)%4 != 0 {
		p = append(p, 0)
	}
	return p
}
