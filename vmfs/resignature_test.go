package vmfs_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/lunarsan/lunar/vmfs"
	"github.com/lunarsan/lunar/vmfs/vmfstest"
)

// spanned is a volume on two disks, with a list of both.
func spanned(version int) vmfstest.Spec {
	return vmfstest.Spec{Version: version, Label: "datastore1", Seed: 3, Devices: []vmfstest.Device{
		{Table: vmfstest.GPT, Extents: []vmfstest.Run{{First: 0, Count: 1}}},
		{Extents: []vmfstest.Run{{First: 1, Count: 1}}},
	}, Files: []vmfstest.File{{Path: "/vm1/vm1.vmx", Data: []byte("x\n")}}}
}

// What a resignature changes makes another volume of it, on other disks, and a consistent one.
func TestResignature(t *testing.T) {
	for _, version := range []int{3, 5} {
		disks, _, err := spanned(version).Disks()
		if err != nil {
			t.Fatal(err)
		}
		v, err := vmfs.Open(devices(disks)...)
		if err != nil {
			t.Fatal(err)
		}
		if reasons := v.Unresignable(); len(reasons) > 0 {
			t.Errorf("VMFS%d: %q", version, reasons)
		}
		now := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
		s := v.NewSignature(now, [8]byte{1, 2, 3, 4, 5, 6, 7, 8})
		for i := range v.Members {
			naa := bytes.Repeat([]byte{0x60, byte(i)}, 8)
			s.Disks = append(s.Disks, (&vmfs.Disk{NAA: naa, LUN: uint16(i), Version: 6, Vendor: "LUNAR", Product: "LUN", Revision: "0001"}).DiskID())
		}
		changes, err := v.Resignature(s)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range changes {
			at := v.Members[c.Member].Start + c.Physical
			got := make([]byte, len(c.Before))
			if _, err := disks[c.Member].ReadAt(got, at); err != nil || !bytes.Equal(got, c.Before) || len(c.After) != len(got) || bytes.Equal(got, c.After) || c.Sure == "" {
				t.Errorf("VMFS%d: %+v, and there is % x (%v)", version, c, got, err)
			}
			if _, err := disks[c.Member].WriteAt(c.After, at); err != nil {
				t.Fatal(err)
			}
		}
		w, err := vmfs.Open(devices(disks)...)
		if err != nil {
			t.Fatal(err)
		}
		if w.UUID() == v.UUID() || w.UUID() != s.UUID || w.UUID().MAC() != v.UUID().MAC() || !w.UUID().Time().Equal(now) {
			t.Errorf("VMFS%d: UUID %s of %s", version, w.UUID(), v.UUID())
		}
		if want := fmt.Sprintf("snap-%08x-datastore1", s.SnapID); w.Label() != want {
			t.Errorf("VMFS%d: label %s, want %s", version, w.Label(), want)
		}
		for i, m := range w.Members {
			if *m.Header.DiskID() != *s.Disks[i] || m.Volume.Name() != s.LV.String() || m.Volume.UUID() != s.LV || m.Volume.SnapID() != s.SnapID ||
				!m.Header.Modified().Equal(now) || m.Header.UUID() != v.Members[i].Header.UUID() {
				t.Errorf("VMFS%d: extent %d is %s of %s", version, i, m.Header.DiskID().Name(), m.Volume.Name())
			}
		}
		if names := w.DeviceNames(); version == 5 && (len(names) != 2 || !strings.HasPrefix(names[0], s.Disks[0].Name()+":") || !strings.HasPrefix(names[1], s.Disks[1].Name()+":")) {
			t.Errorf("devices %q", names)
		}
		if reasons := w.Unresignable(); len(reasons) > 0 {
			t.Errorf("VMFS%d, afterwards: %q", version, reasons)
		}
		r, err := w.Check(t.Context(), nil)
		if err != nil || !r.Clean() {
			t.Errorf("VMFS%d, afterwards: %+v, %v", version, r, err)
		}
		if again, err := w.Resignature(vmfs.Signature{Disks: s.Disks}); err != nil || len(again) > 0 {
			t.Errorf("VMFS%d: the identity changes again: %+v, %v", version, again, err)
		}
	}
}

// Without a new UUID nothing changes but what names the disks.
func TestResignatureKeep(t *testing.T) {
	v, _ := made(t, spanned(5))
	id := (&vmfs.Disk{NAA: make([]byte, 16), Product: "LUN"}).DiskID()
	changes, err := v.Resignature(vmfs.Signature{Disks: []*vmfs.DiskID{nil, id}})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range changes {
		if c.Field != "disk identifier" && c.Field != "device 1" || c.Field == "disk identifier" && c.Member != 1 {
			t.Errorf("%+v", c)
		}
	}
	if len(changes) != 2 {
		t.Errorf("%d changes", len(changes))
	}
}

// Labels keep their length, and do not end in the middle of a character.
func TestResignatureLabel(t *testing.T) {
	v, _ := made(t, vmfstest.Spec{Version: 5, Label: strings.Repeat("ü", 63)})
	label := v.NewSignature(time.Unix(0, 0), [8]byte{}).Label
	if len(label) >= 128 || !strings.HasPrefix(label, "snap-80000000-üü") || !strings.HasSuffix(label, "ü") {
		t.Errorf("%q", label)
	}
}

// What cannot be resignatured says why.
func TestUnresignable(t *testing.T) {
	const lvm, entry, superblock = 0x100000, 0x100200, 0x1300000
	for _, tt := range []struct {
		version int
		at      int64
		b       []byte
		want    string
	}{
		{6, 0, nil, "VMFS6"},
		{5, superblock + 0x111, []byte{1}, "checksum, of type 1"},
		{5, superblock, []byte{0x5F}, "VMFS-L"},
		{5, superblock + 0xB1, []byte{0xFF}, "a resignature was cut off"},
		{5, entry + 0x10, []byte{2}, "in state 2"},
		{5, lvm + 0xA2, []byte{7}, "locked by"},
	} {
		disks, _, err := vmfstest.Spec{Version: tt.version}.Disks()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := disks[0].WriteAt(tt.b, tt.at); err != nil {
			t.Fatal(err)
		}
		v, err := vmfs.Open(devices(disks)...)
		if err != nil {
			t.Fatal(err)
		}
		if got := v.Unresignable(); len(got) != 1 || !strings.Contains(got[0], tt.want) {
			t.Errorf("%q, want %q", got, tt.want)
		}
	}
	disks, _, err := spanned(5).Disks()
	if err != nil {
		t.Fatal(err)
	}
	v, err := vmfs.Open(devices(disks[:1])...)
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(v.Unresignable(), "; "); !strings.Contains(got, "missing") {
		t.Errorf("%q", got)
	}
}
