package vmfs

import (
	"encoding/hex"
	"fmt"
	"strconv"
)

// ESXi compares the DiskID in a volume's header with the one that it makes of the disk now, and
// takes the volume for a snapshot when they differ [D]. Which fields the versions compare is not
// published: type and id decide in all of them; older ones looked at more [I].

// A Disk is what a host sees of a disk: what it makes a DiskID of.
type Disk struct {
	NAA        []byte // the NAA designator, 8 or 16 bytes
	LUN        uint16
	DeviceType byte // PERIPHERAL DEVICE TYPE of INQUIRY data
	Version    byte // VERSION of INQUIRY data [I that it is the SCSI level]
	Vendor     string
	Product    string
	Revision   string
}

// DiskID is what ESXi writes into the header of a volume that it makes on the disk.
func (d *Disk) DiskID() *DiskID {
	id := new(DiskID)
	id[0], id[1] = byte(NAAID), byte(len(d.NAA)+modelTail)
	id[2], id[3] = byte(d.LUN), byte(d.LUN>>8)
	id[4], id[5] = d.DeviceType, d.Version
	blanks(id[0x06:0x0E], d.Vendor)
	blanks(id[0x0E:0x1E], d.Product)
	blanks(id[0x1E:0x22], d.Revision)
	n := copy(id[0x22:], d.NAA)
	copy(id[0x22+n:], id[0x0E:0x0E+modelTail])
	return id
}

// modelTail is how many characters of the model follow the designator in an id.
const modelTail = 6

// blanks fills a field with text and blanks.
func blanks(field []byte, text string) {
	for i := copy(field, text); i < len(field); i++ {
		field[i] = ' '
	}
}

// A DiskIDField is one field of a DiskID, in words.
type DiskIDField struct {
	Name    string `json:"name"`
	Value   string `json:"value"`
	Decides bool   `json:"decides"` // every ESXi takes a volume for a snapshot where it differs
}

// diskIDFields are the fields in their order, but for the id that comes with its type.
var diskIDFields = [...]struct {
	name    string
	decides bool
	show    func(*DiskID) string
}{
	{"type", true, func(d *DiskID) string { return d.Type().String() }},
	{"identifier", true, (*DiskID).designator},
	{"model in the identifier", true, func(d *DiskID) string { return strconv.Quote(d.tail()) }},
	{"LUN", false, func(d *DiskID) string { return strconv.Itoa(int(d.LUN())) }},
	{"device type", false, func(d *DiskID) string { return strconv.Itoa(int(d.DeviceType())) }},
	{"SCSI level", false, func(d *DiskID) string { return strconv.Itoa(int(d.SCSILevel())) }},
	{"vendor", false, func(d *DiskID) string { return strconv.Quote(d.Vendor()) }},
	{"model", false, func(d *DiskID) string { return strconv.Quote(d.Model()) }},
	{"revision", false, func(d *DiskID) string { return strconv.Quote(d.Revision()) }},
}

// Fields are all fields in words.
func (d *DiskID) Fields() []DiskIDField {
	var list []DiskIDField
	for _, f := range diskIDFields {
		list = append(list, DiskIDField{f.name, f.show(d), f.decides})
	}
	return list
}

// A Difference is a field in which a volume's header and a disk differ.
type Difference struct {
	Name    string `json:"name"`
	Header  string `json:"header"`
	Disk    string `json:"disk"`
	Decides bool   `json:"decides"`
}

// String says it in words.
func (d Difference) String() string {
	return fmt.Sprintf("%s: the header says %s, the disk %s", d.Name, d.Header, d.Disk)
}

// Differences compares d, of a header, with now, of the disk that it is on.
func (d *DiskID) Differences(now *DiskID) []Difference {
	var list []Difference
	for _, f := range diskIDFields {
		if header, disk := f.show(d), f.show(now); header != disk {
			list = append(list, Difference{f.name, header, disk, f.decides})
		}
	}
	return list
}

// designator is the id without what is of the model.
func (d *DiskID) designator() string {
	if naa := d.NAA(); naa != nil {
		return "naa." + hex.EncodeToString(naa)
	}
	id := d.ID()
	if d.Type() == SerialID && len(id) >= modelTail {
		id = id[:len(id)-modelTail]
	}
	for _, c := range id {
		if c < ' ' || c > '~' {
			return hex.EncodeToString(d.ID())
		}
	}
	return strconv.Quote(string(id))
}

// tail is what is of the model in the id.
func (d *DiskID) tail() string {
	id := d.ID()
	if d.NAA() == nil && d.Type() != SerialID || len(id) < modelTail {
		return ""
	}
	return string(id[len(id)-modelTail:])
}
