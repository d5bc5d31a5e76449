package backup

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/lunarsan/lunar/vmfs"
	"github.com/lunarsan/lunar/vmfs/vmfstest"
)

// spec is a volume with something of each kind.
func spec(version int) vmfstest.Spec {
	return vmfstest.Spec{Version: version, Size: 256 << 20, Label: "store one", Seed: 42, Devices: []vmfstest.Device{{Table: vmfstest.GPT}}, Files: []vmfstest.File{
		{Path: "/vm1/vm1.vmx", Data: []byte("displayName = \"vm1\"\n")},
		{Path: "/vm1/vm1.vmdk", Data: []byte("# Disk DescriptorFile\n")},
		{Path: "/vm1/vm1-flat.vmdk", Size: 20<<20 + 5, Seed: 7},
		{Path: "/vm1/thin-flat.vmdk", Size: 50 << 20, Seed: 8, Layout: vmfstest.Indirect, Step: 3, Map: []vmfstest.Piece{{Length: 5 << 20}, {Length: 20 << 20, Kind: vmfstest.Hole}, {Length: 3 << 20, Kind: vmfstest.ToBeZeroed}, {}}},
		{Path: "/vm2/vm2.nvram", Size: 3 << 20, Seed: 9},
		{Path: "/vm2/deep/er/notes.vmsd", Data: []byte("notes")},
		{Path: "/vm2/empty.vmx"},
	}}
}

// volume writes a volume to disks in memory, and opens it.
func volume(t testing.TB, s vmfstest.Spec) (*vmfs.Volume, []*vmfstest.Disk) {
	t.Helper()
	disks, _, err := s.Disks()
	if err != nil {
		t.Fatal(err)
	}
	return open(t, disks...), disks
}

func open(t testing.TB, disks ...*vmfstest.Disk) *vmfs.Volume {
	t.Helper()
	var devices []vmfs.Device
	for i, d := range disks {
		devices = append(devices, vmfs.Device{Name: fmt.Sprintf("disk%d", i), ReaderAt: d, Size: d.Size})
	}
	v, err := vmfs.Open(devices...)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// day is when backups of tests are made.
var day = time.Date(2026, 11, 22, 23, 30, 0, 0, time.UTC)

func options(dest string) Options {
	return Options{Dest: dest, Host: "host", Alias: "one", Now: func() time.Time { return day }}
}

// take makes a backup that has to be clean.
func take(t testing.TB, v *vmfs.Volume, o Options) *Backup {
	t.Helper()
	b, err := Take(t.Context(), v, o)
	if err != nil {
		t.Fatal(err)
	}
	if len(b.Problems) > 0 || !b.Stable {
		t.Fatalf("stable %v, problems %q", b.Stable, b.Problems)
	}
	verified(t, b)
	return b
}

func verified(t testing.TB, b *Backup) {
	t.Helper()
	found, err := b.Verify(t.Context())
	if err != nil || len(found) > 0 {
		t.Fatalf("%s: %v, %v", b.Path, found, err)
	}
}

// TestTake looks at all that a backup has, and at the one after it.
func TestTake(t *testing.T) {
	for _, version := range []int{3, 5, 6} {
		t.Run(fmt.Sprint(version), func(t *testing.T) {
			v, _ := volume(t, spec(version))
			dest := t.TempDir()
			a := take(t, v, options(dest))
			if want := filepath.Join(dest, "host", "one", "2026-11-22.0"); a.Path != want || a.Passes != 2 {
				t.Errorf("%s in %d passes, want %s", a.Path, a.Passes, want)
			}
			for name, want := range map[string]string{
				"files/vm1/vm1.vmx": "displayName = \"vm1\"\n", "files/vm1/vm1.vmdk": "# Disk DescriptorFile\n",
				"files/vm2/deep/er/notes.vmsd": "notes", "files/vm2/empty.vmx": "",
			} {
				if got, err := os.ReadFile(filepath.Join(a.Path, name)); err != nil || string(got) != want {
					t.Errorf("%s: %q, %v", name, got, err)
				}
			}
			if _, err := os.Stat(filepath.Join(a.Path, "files/vm1/vm1-flat.vmdk")); err == nil {
				t.Error("a disk was kept")
			}
			sameSystemFiles(t, v, a)
			sameMaps(t, v, a)

			b := take(t, v, options(dest))
			if filepath.Base(b.Path) != "2026-11-22.1" || b.Passes != 2 {
				t.Errorf("the second is %s", b.Path)
			}
			for _, p := range b.Parts {
				x, err := os.Stat(filepath.Join(a.Path, p.File))
				if err != nil {
					t.Fatal(err)
				}
				y, err := os.Stat(filepath.Join(b.Path, p.File))
				if err != nil {
					t.Fatal(err)
				}
				if !os.SameFile(x, y) {
					t.Errorf("%s did not change, and is not a link", p.File)
				}
			}
		})
	}
}

// sameSystemFiles compares the resource files with those of the volume.
func sameSystemFiles(t *testing.T, v *vmfs.Volume, b *Backup) {
	t.Helper()
	found := 0
	for i := range b.Parts {
		p := &b.Parts[i]
		if p.Group != System && p.Group != Journals {
			continue
		}
		found++
		f, err := v.Lookup(strings.TrimPrefix(p.Name, "system"))
		if err != nil {
			t.Fatal(err)
		}
		want, err := io.ReadAll(io.NewSectionReader(f, 0, f.Size()))
		if err != nil {
			t.Fatal(err)
		}
		r, err := b.Open(p)
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(r)
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s: %d bytes, %v, want %d", p.Name, len(got), err, len(want))
		}
		_ = r.Close()
	}
	if found < 4 {
		t.Errorf("%d system files", found)
	}
}

// sameMaps compares the maps in the list with those of the volume.
func sameMaps(t *testing.T, v *vmfs.Volume, b *Backup) {
	t.Helper()
	disks := 0
	for f, err := range b.Files() {
		if err != nil {
			t.Fatal(err)
		}
		g, err := v.Lookup(f.Path)
		if err != nil {
			t.Fatal(err)
		}
		if f.Address != g.Descriptor().Address() || f.Size != g.Size() || f.Problem != "" {
			t.Errorf("%+v", f)
		}
		var want []Extent
		for e := range g.Extents() {
			if g.Type() == vmfs.Regular && e.Kind != vmfs.Hole {
				want = append(want, Extent{e})
			}
		}
		if fmt.Sprint(f.Map) != fmt.Sprint(want) {
			t.Errorf("%s is at %v, want %v", f.Path, f.Map, want)
		}
		if len(f.Map) > 0 {
			disks++
		}
	}
	if disks < 5 {
		t.Errorf("%d files with a map", disks)
	}
}

// TestRotate keeps no more backups than are to be kept, and gives no name twice.
func TestRotate(t *testing.T) {
	v, _ := volume(t, spec(5))
	o := options(t.TempDir())
	o.Keep = 2
	for range 4 {
		take(t, v, o)
	}
	list, err := names(filepath.Join(o.Dest, "host", "one"))
	if err != nil || fmt.Sprint(list) != "[2026-11-22.2 2026-11-22.3]" {
		t.Errorf("%v, %v", list, err)
	}
	o.Now = func() time.Time { return day.Add(time.Hour) }
	if b := take(t, v, o); filepath.Base(b.Path) != "2026-11-23.0" {
		t.Errorf("the next day it is %s", b.Path)
	}
	found, failed, err := Find(o.Dest)
	if err != nil || len(failed) > 0 || len(found) != 2 || found[0].Path >= found[1].Path {
		t.Errorf("found %d, %v, %v", len(found), failed, err)
	}
}

// TestTwoVolumesOfOneName keeps them apart.
func TestTwoVolumesOfOneName(t *testing.T) {
	o := options(t.TempDir())
	v, _ := volume(t, spec(5))
	take(t, v, o)
	s := spec(5)
	s.Seed = 43
	w, _ := volume(t, s)
	for i := range 2 {
		b := take(t, w, o)
		if want := filepath.Join(o.Dest, "host", "one."+w.UUID().String(), fmt.Sprintf("2026-11-22.%d", i)); b.Path != want {
			t.Errorf("%s, want %s", b.Path, want)
		}
	}
}
