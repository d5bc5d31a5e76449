package vmfstest

// DiskID is the SCSI_DiskId of a device: what ESXi compares to tell an original from a copy.
type DiskID struct {
	Type                    uint8 // 0 path, 1 serial number, 2 NAA, 3 Symmetrix
	LUN                     uint16
	Device, Level           uint8 // SCSI device type and level
	Vendor, Model, Revision string
	ID                      []byte // at most 44; nil: an NAA identifier by the volume's seed
}

const diskIDSize = 78

// put writes the identifier at the beginning of r.
func (d *DiskID) put(r record) {
	r.u8(0, d.Type)
	r.u8(1, uint8(len(d.ID)))
	r.u16(2, d.LUN)
	r.u8(4, d.Device)
	r.u8(5, d.Level)
	r.padded(6, 8, d.Vendor)
	r.padded(14, 16, d.Model)
	r.padded(30, 4, d.Revision)
	copy(r[34:diskIDSize], d.ID)
}

// withDefaults fills in what the description leaves open, for the nth device.
func (d DiskID) withDefaults(seed uint64, n int) DiskID {
	if d.ID != nil {
		return d
	}
	if d.Vendor == "" {
		d.Vendor, d.Model, d.Revision = "SUN", "COMSTAR", "1.0"
	}
	d.Type, d.Level = 2, 6
	naa := make([]byte, 16, 22)
	copy(naa, []byte{0x60, 0x01, 0x44, 0xf0})
	record(naa).u64(4, mix(seed+3, uint64(n)))
	naa[15] = byte(n)
	d.ID = append(naa, (d.Model + "      ")[:6]...)
	return d
}
