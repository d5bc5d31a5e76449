package vmfs

import (
	"encoding/hex"
	"strings"
	"testing"
)

// A disk's identifier is made as ESXi makes it: its legacy name, whose decoding VMware has
// published, ends in it.
func TestDiskID(t *testing.T) {
	naa, _ := hex.DecodeString("6000eb39a2b4c3d4e5f6071829304151")
	d := Disk{NAA: naa, LUN: 0x105, Version: 5, Vendor: "LEFTHAND", Product: "iSCSIDisk", Revision: "9000"}
	id := d.DiskID()
	for _, tt := range []struct{ what, got, want string }{
		{"name", id.Name(), "naa.6000eb39a2b4c3d4e5f6071829304151"},
		{"legacy name", id.VML(), "vml.02000501006000eb39a2b4c3d4e5f6071829304151695343534944"},
		{"vendor", id.Vendor(), d.Vendor},
		{"model", id.Model(), d.Product},
		{"revision", id.Revision(), d.Revision},
		{"bytes", hex.EncodeToString(id[:34]), "02160501" + "0005" + hex.EncodeToString([]byte("LEFTHANDiSCSIDisk       9000"))},
	} {
		if tt.got != tt.want {
			t.Errorf("%s: %s, want %s", tt.what, tt.got, tt.want)
		}
	}
	if diff := id.Differences(d.DiskID()); len(diff) != 0 {
		t.Errorf("a disk differs from itself: %v", diff)
	}
}

// Each field that differs is named, and whether it decides.
func TestDifferences(t *testing.T) {
	base := Disk{NAA: make([]byte, 16), LUN: 1, Version: 6, Vendor: "LUNAR", Product: "LUN", Revision: "0001"}
	for _, tt := range []struct {
		change func(*Disk)
		want   string
	}{
		{func(d *Disk) { d.NAA = append(make([]byte, 15), 1) }, "identifier!"},
		{func(d *Disk) { d.NAA = make([]byte, 8) }, "identifier!"},
		{func(d *Disk) { d.LUN = 257 }, "LUN"},
		{func(d *Disk) { d.DeviceType = 5 }, "device type"},
		{func(d *Disk) { d.Version = 5 }, "SCSI level"},
		{func(d *Disk) { d.Vendor = "SUN" }, "vendor"},
		{func(d *Disk) { d.Product = "COMSTAR" }, "model in the identifier! model"},
		{func(d *Disk) { d.Product = "LUN   2" }, "model"},
		{func(d *Disk) { d.Revision = "1.0" }, "revision"},
	} {
		now := base
		tt.change(&now)
		var got []string
		for _, f := range base.DiskID().Differences(now.DiskID()) {
			name := f.Name
			if f.Decides {
				name += "!"
			}
			got = append(got, name)
		}
		if strings.Join(got, " ") != tt.want {
			t.Errorf("%v, want %s", got, tt.want)
		}
	}
}

// Identifiers of all types are told in words, whatever bytes they have.
func FuzzDiskID(f *testing.F) {
	seed := (&Disk{NAA: make([]byte, 16), Vendor: "LUNAR", Product: "LUN"}).DiskID()
	f.Add(seed[:])
	for kind := range byte(4) {
		var d DiskID
		d[0], d[1] = kind, 15
		copy(d[0x22:], "vmhba0:C0:T0:L0")
		f.Add(d[:])
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) < len(DiskID{}) {
			return
		}
		d := (*DiskID)(b)
		if len(d.Fields()) != len(diskIDFields) || len(d.Differences(d)) != 0 || !strings.HasPrefix(d.VML(), "vml.") {
			t.Errorf("% x", b)
		}
		if diff := d.Differences(seed); len(diff) == 0 && d.VML() != seed.VML() {
			t.Errorf("no difference, and yet %s is not %s", d.VML(), seed.VML())
		}
	})
}
