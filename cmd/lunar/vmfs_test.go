package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
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

// TestExtractResumes cuts an extraction short, and has the next one go on where it was: what
// the record says is there is not written again.
func TestExtractResumes(t *testing.T) {
	dir := t.TempDir()
	image, dest := filepath.Join(dir, "disk.img"), filepath.Join(dir, "disk")
	writeVolume(t, "5", []string{image})
	lunar := func(args ...string) (int, string) {
		var out bytes.Buffer
		code := run(t.Context(), world{name: "lunar", args: args, stdout: &out, stderr: &out, getenv: func(string) string { return "" }})
		return code, out.String()
	}
	if code, out := lunar("vmfs", "extract", image, "/vm1/vm1-flat.vmdk", dest); code != 0 {
		t.Fatal(out)
	}
	whole, err := os.ReadFile(dest)
	if err != nil {
		t.Fatal(err)
	}
	v := openWritten(t, image)
	f, err := v.Lookup("/vm1/vm1-flat.vmdk")
	if err != nil {
		t.Fatal(err)
	}
	record := func(r partRecord) {
		b, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(os.WriteFile(dest+".part.json", b, 0o600), os.Remove(dest)); err != nil {
			t.Fatal(err)
		}
		// What was copied already is marked, so that copying it again is seen.
		part := slices.Clone(whole)
		part[0]++
		clear(part[5<<20:])
		if err := os.WriteFile(dest+".part", part, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	x := &volumeCopy{v: v}
	other := x.sourceOf(f)
	other.Generation++
	for _, tt := range []struct {
		name  string
		r     partRecord
		again bool
	}{
		{"of this copy", partRecord{Sources: []sourceID{x.sourceOf(f)}, Copied: 5 << 20}, false},
		{"of another file", partRecord{Sources: []sourceID{other}, Copied: 5 << 20}, true},
		{"of another format", partRecord{Sources: []sourceID{x.sourceOf(f)}, Format: "raw", Copied: 5 << 20}, true},
		{"beyond the end", partRecord{Sources: []sourceID{x.sourceOf(f)}, Copied: 1 << 40}, true},
	} {
		record(tt.r)
		if code, out := lunar("vmfs", "extract", image, "/vm1/vm1-flat.vmdk", dest); code != 0 {
			t.Fatal(out)
		}
		got, err := os.ReadFile(dest)
		if err != nil {
			t.Fatal(err)
		}
		if again := got[0] == whole[0]; again != tt.again || !bytes.Equal(got[1:], whole[1:]) {
			t.Errorf("a record %s: copied from the beginning %v, want %v", tt.name, again, tt.again)
		}
	}
	// --verify finds what was copied wrongly.
	record(partRecord{Sources: []sourceID{x.sourceOf(f)}, Copied: 5 << 20})
	if code, out := lunar("vmfs", "extract", image, "/vm1/vm1-flat.vmdk", dest, "--verify"); code != exitFailed || !strings.Contains(out, "the copy differs at 0") {
		t.Errorf("a copy that differs: %d, %s", code, out)
	}
}

// openWritten opens a volume that writeVolume wrote.
func openWritten(t *testing.T, image string) *openImage {
	t.Helper()
	c := &cli{world: world{stderr: io.Discard, getenv: func(string) string { return "" }}}
	v, err := c.openVolume(t.Context(), image, imageChoice{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = v.Close() })
	return v
}
