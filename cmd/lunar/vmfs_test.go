package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"strconv"
	"testing"

	"github.com/lunarsan/lunar/vmfs"
	"github.com/lunarsan/lunar/vmfs/vmfstest"
)

// writeVolume makes a small volume of a version of VMFS on files: a disk with a partition
// table, or a bare partition for each physical extent where there are several.
func writeVolume(t *testing.T, version string, names []string) {
	t.Helper()
	n, err := strconv.Atoi(version)
	if err != nil {
		t.Fatal(err)
	}
	const mib = 1 << 20
	s := vmfstest.Spec{
		Version: n, Label: "volume", Seed: 1,
		Heartbeats: []vmfstest.Heartbeat{{Slot: 3, Generation: 7, Stamp: 3600e6, Host: 9, Address: "192.0.2.7"}},
		Files: []vmfstest.File{
			{Path: "/vm1/vm1.vmx", Data: []byte("displayName = \"vm1\"\n")},
			{Path: "/vm1/vm1.vmdk", Data: []byte(flatDescriptor)},
			{Path: "/vm1/vm1-flat.vmdk", Size: 12 * mib, Seed: 5, Map: []vmfstest.Piece{
				{Length: 2 * mib}, {Length: 3 * mib, Kind: vmfstest.Hole}, {Length: 2 * mib, Kind: vmfstest.ToBeZeroed}, {Length: mib}}},
			{Path: "/vm1/lun.vmdk", Type: vmfstest.RawDevice, Size: 1 << 40},
			{Path: "/link", Type: vmfstest.Symlink, Target: "/vmfs/volumes/volume/vm1"},
		},
	}
	switch len(names) {
	case 1:
		s.Devices = []vmfstest.Device{{Table: vmfstest.GPT}}
	default:
		for i := range names {
			s.Devices = append(s.Devices, vmfstest.Device{Extents: []vmfstest.Run{{First: int64(i), Count: 1}}})
		}
	}
	sizes, err := s.Sizes()
	if err != nil {
		t.Fatal(err)
	}
	var devices []io.WriterAt
	for i, name := range names {
		f, err := os.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		if err := f.Truncate(sizes[i]); err != nil {
			t.Fatal(err)
		}
		devices = append(devices, f)
	}
	if _, err := s.Write(devices...); err != nil {
		t.Fatal(err)
	}
}

// flatDescriptor describes a disk of 12 MiB in one flat file.
const flatDescriptor = `# Disk DescriptorFile
version=1
CID=fffffffe
parentCID=ffffffff
createType="vmfs"

# Extent description
RW 24576 VMFS "vm1-flat.vmdk"

# The Disk Data Base
ddb.adapterType = "lsilogic"
`

// TestFaultsExplained finds every fault of a check in the manual, at its level.
func TestFaultsExplained(t *testing.T) {
	page, err := os.ReadFile("../../docs/vmfs.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range vmfs.Faults() {
		if row := fmt.Sprintf("| %s | `%s` | %s |\n", f.Level(), f, f.Meaning()); !bytes.Contains(page, []byte(row)) {
			t.Errorf("docs/vmfs.md does not have the row\n%s", row)
		}
	}
}
