package scsi

import "encoding/binary"

// INQUIRY (SPC-5), byte 1.
const (
	inquiryEVPD = 0x01 // a vital product data page
	inquiryCMDT = 0x02 // obsolete: command support data
)

func inquiryLengths(t *Task) (out, in int64, err error) {
	return 0, int64(binary.BigEndian.Uint16(t.CDB[3:5])), nil
}

func inquiry(t *Task) error {
	page := t.CDB[2]
	switch {
	case t.CDB[1]&inquiryCMDT != 0:
		return InvalidFieldInCDB.AtBit(1, 1)
	case t.CDB[1]&inquiryEVPD != 0:
		return vitalProductData(t, page)
	case page != 0:
		return InvalidFieldInCDB.At(2)
	}
	var d standardInquiry
	if t.path == nil {
		d.describeNothing()
	} else {
		d.describe(t)
	}
	return t.reply(d[:])
}

// standardInquiry is standard INQUIRY data (SPC-5):
//
//	0      peripheral qualifier, device type    16..31  PRODUCT IDENTIFICATION
//	2      VERSION                              32..35  PRODUCT REVISION LEVEL
//	3      HISUP, response data format          58..73  VERSION DESCRIPTORs
//	4      ADDITIONAL LENGTH
//	5      TPGS, 3PC
//	6, 7   MULTIP, CMDQUE
//	8..15  T10 VENDOR IDENTIFICATION
type standardInquiry [96]byte

// The versions of SPC that an identity may claim, with their version descriptors.
var spcVersions = map[byte]uint16{3: 0x0120, 4: 0x0260, 5: 0x0300, 6: 0x0460, 7: 0x05C0}

// versionDescriptors follow that of SPC. Both versions of SBC: initiators look for SBC-3.
var versionDescriptors = [...]uint16{
	0x00A0, // SAM-5
	0x0960, // iSCSI
	0x04C0, // SBC-3
	0x0600, // SBC-4
}

func (d *standardInquiry) describe(t *Task) {
	id := t.unit().Identity()
	d.header(id.DeviceType, id.Version)
	d[5] = t.nexus.access.Load().tpgs()
	d[5] |= 0x08 // 3PC: the third-party copy commands
	d[6] = 0x10  // MULTIP: other target ports may lead here
	d[7] = 0x02  // CMDQUE
	d.names(id.Vendor, id.Product, id.Revision)
	v := d[58:74]
	if spc := spcVersions[id.Version]; spc != 0 {
		binary.BigEndian.PutUint16(v, spc)
		v = v[2:]
	}
	for i, code := range versionDescriptors {
		binary.BigEndian.PutUint16(v[2*i:], code)
	}
}

// describeNothing answers for a LUN that is not mapped: the target is there, a device is not.
func (d *standardInquiry) describeNothing() {
	const notCapable = 3<<5 | 0x1F // peripheral qualifier 011b, unknown device type
	d.header(notCapable, 6)
	d.names("LUNAR", "NO UNIT", "")
}

func (d *standardInquiry) header(device, version byte) {
	d[0] = device
	d[2] = version
	d[3] = 0x12 // HISUP, response data format 2
	d[4] = byte(len(d) - 5)
}

func (d *standardInquiry) names(vendor, product, revision string) {
	putPadded(d[8:16], vendor)
	putPadded(d[16:32], product)
	putPadded(d[32:36], revision)
}

// putPadded fills p with s in ASCII, cut or filled up with spaces, as SPC-5 has left-aligned
// text.
func putPadded(p []byte, s string) {
	n := copy(p, s)
	for i := range p {
		if i >= n {
			p[i] = ' '
		} else if p[i] < 0x20 || p[i] > 0x7E {
			p[i] = '?'
		}
	}
}
