package vmfs

import (
	"encoding/hex"
	"fmt"
	"strings"
)

// A DiskID is SCSI_DiskId: what ESXi saw of the disk when it wrote the header, and what it
// compares with the disk that it sees now. LVM headers have it, and raw device mappings.
//
//	0x00 u8  type               [V layout, D meaning]
//	0x01 u8  length of the id   [V]
//	0x02 u16 LUN                [V]
//	0x04 u8  SCSI device type   [C1]
//	0x05 u8  SCSI level         [C1]
//	0x06     vendor, 8          [V]
//	0x0E     model, 16          [V]
//	0x1E     revision, 4        [V]
//	0x22     id, 44             [V]
type DiskID [78]byte

// A DiskIDType says what the id of a DiskID is made of.
type DiskIDType uint8

const (
	PathID      DiskIDType = 0 // the runtime path: mpx.vmhba0:C0:T0:L0
	SerialID    DiskIDType = 1 // the unit serial number (VPD page 80h), then 6 characters of the model
	NAAID       DiskIDType = 2 // the NAA designator (VPD page 83h), then 6 characters of the model
	SymmetrixID DiskIDType = 3
)

// String names the type.
func (t DiskIDType) String() string {
	names := [...]string{"path", "serial number", "NAA", "Symmetrix"}
	if int(t) < len(names) {
		return names[t]
	}
	return fmt.Sprintf("type %d", uint8(t))
}

func (d *DiskID) Type() DiskIDType { return DiskIDType(d[0]) }
func (d *DiskID) LUN() uint16      { return u16(d[:], 0x02) }
func (d *DiskID) DeviceType() byte { return d[0x04] }
func (d *DiskID) SCSILevel() byte  { return d[0x05] }
func (d *DiskID) Vendor() string   { return padded(d[0x06:0x0E]) }
func (d *DiskID) Model() string    { return padded(d[0x0E:0x1E]) }
func (d *DiskID) Revision() string { return padded(d[0x1E:0x22]) }

// ID is the identifier, as long as the header says.
func (d *DiskID) ID() []byte { return d[0x22 : 0x22+min(int(d[1]), 44)] }

// NAA is the designator in an id of type NAAID: 8 or 16 bytes; nil in others.
func (d *DiskID) NAA() []byte {
	id := d.ID()
	if d.Type() != NAAID || len(id) != 8+6 && len(id) != 16+6 {
		return nil
	}
	return id[:len(id)-6]
}

// Name is what ESXi calls the disk: naa.600144f0..., mpx.vmhba0:C0:T0:L0. The name of a disk
// known by its serial number cannot be told from it exactly: it begins with "t10.".
func (d *DiskID) Name() string {
	switch naa := d.NAA(); {
	case naa != nil:
		return "naa." + hex.EncodeToString(naa)
	case d.Type() == PathID:
		return "mpx." + padded(d.ID())
	case d.Type() == SerialID:
		return "t10." + padded(d.ID())
	}
	return ""
}

// VML is the legacy name: vml. and hexadecimal digits [D layout, I that the id is its tail].
func (d *DiskID) VML() string {
	return fmt.Sprintf("vml.%02x%02x%02x%02x00%x", d[0], d.DeviceType(), d[2], d[3], d.ID())
}

// padded is text without the blanks or zeros that fill its field.
func padded(b []byte) string { return strings.TrimRight(string(b), " \x00") }
