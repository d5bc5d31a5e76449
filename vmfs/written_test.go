package vmfs_test

import (
	"bytes"
	"fmt"
	"io"
	"maps"
	"testing"

	"github.com/lunarsan/lunar/vmfs"
	"github.com/lunarsan/lunar/vmfs/vmfstest"
)

// write writes a volume to disks in memory, and opens it.
func write(t testing.TB, s vmfstest.Spec) (*vmfs.Volume, *vmfstest.Image) {
	t.Helper()
	disks, img, err := s.Disks()
	if err != nil {
		t.Fatal(err)
	}
	var devices []vmfs.Device
	for i, d := range disks {
		device := vmfs.Device{Name: fmt.Sprintf("disk %d", i), ReaderAt: d, Size: d.Size}
		if len(s.Devices) > i && s.Devices[i].Table == vmfstest.Lost {
			device = found(t, device)
		}
		devices = append(devices, device)
	}
	v, err := vmfs.Open(devices...)
	if err != nil {
		t.Fatal(err)
	}
	return v, img
}

// found is the one partition of a device whose table is lost.
func found(t testing.TB, d vmfs.Device) vmfs.Device {
	t.Helper()
	d.Size = min(d.Size, 32<<20) // it begins in the first MiBs; the rest would take long
	parts, err := vmfs.Scan(t.Context(), d)
	if err != nil || len(parts) != 1 {
		t.Fatalf("the scan finds %d partitions, %v", len(parts), err)
	}
	start := parts[0].Start
	size := d.ReaderAt.(*vmfstest.Disk).Size - start
	return vmfs.Device{Name: d.Name, ReaderAt: io.NewSectionReader(d.ReaderAt, start, size), Size: size}
}

// TestWritten holds the reader against the writer: every file is there, nothing else is, and
// its bytes are what was put in; and nothing is wrong with the volume.
func TestWritten(t *testing.T) {
	for name, s := range vmfstest.Shapes() {
		t.Run(name, func(t *testing.T) {
			v, img := write(t, s)
			there := maps.Collect(img.Files())
			root, err := v.Root()
			if err != nil {
				t.Fatal(err)
			}
			for n, err := range root.Walk() {
				if err != nil {
					t.Fatal(err)
				}
				at := n.Path
				if _, ok := there[at]; !ok && n.Entry.Type() != vmfs.System {
					t.Errorf("%s was never written", at)
				}
				delete(there, at)
			}
			for missing := range there {
				t.Errorf("%s is not there", missing)
			}
			clean(t, v, img)
			for name := range img.Files() {
				if want := img.Open(name); want != nil {
					same(t, v, name, want)
				}
			}
		})
	}
}

// same compares a file with what was put in: all of a short one, of a long one its ends and
// many parts in between.
func same(t *testing.T, v *vmfs.Volume, name string, want *io.SectionReader) {
	t.Helper()
	f, err := v.Lookup(name)
	if err != nil {
		t.Error(err)
		return
	}
	if f.Size() != want.Size() {
		t.Errorf("%s: %d bytes, want %d", name, f.Size(), want.Size())
		return
	}
	const window = 1 << 20
	stride := max(window, want.Size()/40/window*window)
	a, b := make([]byte, window), make([]byte, window)
	for off := int64(0); off < want.Size(); {
		n := min(window, want.Size()-off)
		if _, err := f.ReadAt(a[:n], off); err != nil {
			t.Errorf("%s: %v", name, err)
			return
		}
		if _, err := want.ReadAt(b[:n], off); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(a[:n], b[:n]) {
			t.Errorf("%s differs after %#x", name, off)
			return
		}
		if last := want.Size() - window; off < last {
			off = min(off+stride, last)
		} else {
			off += window
		}
	}
}
