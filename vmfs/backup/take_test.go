package backup

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"

	"github.com/lunarsan/lunar/vmfs"
	"github.com/lunarsan/lunar/vmfs/vmfstest"
)

// A busyDisk is one that a host writes to whenever a volume on it is opened.
type busyDisk struct {
	*vmfstest.Disk
	opened int
	change func(opened int)
	bad    []Range // what cannot be read
}

// diskStart is where the logical volume begins on a disk of spec.
const diskStart = 1<<20 + 0x1100000

func (d *busyDisk) ReadAt(p []byte, off int64) (int, error) {
	for _, r := range d.bad {
		if off < r.Offset+r.Length && r.Offset < off+int64(len(p)) {
			return 0, syscall.EIO
		}
	}
	n, err := d.Disk.ReadAt(p, off)
	if off == diskStart+superblock && len(p) == 512 {
		if d.opened++; d.change != nil {
			d.change(d.opened)
		}
	}
	return n, err
}

// busy opens a volume on a disk that changes.
func busy(t *testing.T, version int) (*vmfs.Volume, *busyDisk, *vmfstest.Image) {
	t.Helper()
	disks, image, err := spec(version).Disks()
	if err != nil {
		t.Fatal(err)
	}
	d := &busyDisk{Disk: disks[0]}
	v, err := vmfs.Open(vmfs.Device{Name: "busy", ReaderAt: d, Size: d.Size})
	if err != nil {
		t.Fatal(err)
	}
	d.opened = 0
	return v, d, image
}

// find finds bytes on a disk.
func find(t *testing.T, d *vmfstest.Disk, what string) int64 {
	t.Helper()
	p := make([]byte, d.Size)
	if _, err := d.ReadAt(p, 0); err != nil {
		t.Fatal(err)
	}
	i := bytes.Index(p, []byte(what))
	if i < 0 {
		t.Fatalf("there is no %q", what)
	}
	return int64(i)
}

// TestWhileHostsWrite backs up a volume that changes between the passes, until it does not.
func TestWhileHostsWrite(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(t *testing.T, d *busyDisk, image *vmfstest.Image, opened int)
		passes int
		moved  []string
	}{
		{"a heartbeat", func(t *testing.T, d *busyDisk, _ *vmfstest.Image, opened int) {
			patch(t, d.Disk, diskStart+0x300000+0x14, []byte{byte(opened)})
		}, 2, nil},
		{"a disk", func(t *testing.T, d *busyDisk, _ *vmfstest.Image, opened int) {
			v := open(t, d.Disk)
			f, err := v.Lookup("/vm1/vm1-flat.vmdk")
			if err != nil {
				t.Fatal(err)
			}
			for e := range f.Extents() {
				patch(t, d.Disk, 1<<20+e.Physical, []byte{byte(opened)})
			}
		}, 2, nil},
		{"a file grows twice", func(t *testing.T, d *busyDisk, image *vmfstest.Image, opened int) {
			_, l := image.Descriptor("/vm1/vm1-flat.vmdk")
			patch(t, d.Disk, diskStart+l+0x200+0x2C, []byte{byte(min(opened, 2))})
		}, 4, nil},
		{"a file grows always", func(t *testing.T, d *busyDisk, image *vmfstest.Image, opened int) {
			_, l := image.Descriptor("/vm1/vm1-flat.vmdk")
			patch(t, d.Disk, diskStart+l+0x200+0x2C, []byte{byte(opened)})
		}, 5, []string{"system/.fdc.sf", "list"}},
		{"a small file goes", func(t *testing.T, d *busyDisk, _ *vmfstest.Image, opened int) {
			if opened == 1 {
				patch(t, d.Disk, find(t, d.Disk, "vm2.nvram"), []byte("vm2.gone\x00"))
			}
		}, 3, nil},
		{"the header is half written", func(t *testing.T, d *busyDisk, _ *vmfstest.Image, opened int) {
			switch opened {
			case 1: // from the second pass on
				patch(t, d.Disk, diskStart+superblock, []byte{0})
			case 2:
				patch(t, d.Disk, diskStart+superblock, []byte{0x5E})
			}
		}, 4, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				v, d, image := busy(t, 5)
				d.change = func(opened int) { tt.change(t, d, image, opened) }
				b, err := Take(t.Context(), v, options(t.TempDir()))
				if err != nil {
					t.Fatal(err)
				}
				if b.Passes != tt.passes || b.Stable != (tt.moved == nil) || !slices.Equal(b.Moved, tt.moved) {
					t.Errorf("passes %d, stable %v, moved %v", b.Passes, b.Stable, b.Moved)
				}
				verified(t, b)
				d.change = nil
				if tt.moved == nil {
					w := open(t, d.Disk)
					sameSystemFiles(t, w, b)
					sameMaps(t, w, b)
				}
			})
		})
	}
}

// TestProblems backs up what cannot be read whole: what can be is in the backup, and what is
// not is told.
func TestProblems(t *testing.T) {
	v, d, image := busy(t, 5)
	pbc, err := v.Resources(vmfs.PBCSlot)
	if err != nil {
		t.Fatal(err)
	}
	for e := range pbc.File.Extents() {
		d.bad = append(d.bad, Range{0, 1<<20 + e.Physical + e.Length - 4096, 512})
		break
	}
	_, l := image.Descriptor("/vm1/vm1.vmx")
	destroy(t, d.Disk, diskStart+l, 16)
	b, err := Take(t.Context(), v, options(t.TempDir()))
	if err != nil {
		t.Fatal(err)
	}
	verified(t, b)
	told := strings.Join(b.Problems, "\n")
	for _, want := range []string{"system/.pbc.sf was left out: ", "/vm1/vm1.vmx: "} {
		if !strings.Contains(told, want) {
			t.Errorf("problems: %s", told)
		}
	}
	if b.Part("system/.pbc.sf") != nil || b.Part("system/.fdc.sf") == nil || b.Part("files/vm1/vm1.vmdk") == nil {
		t.Error("not what can be read is in the backup")
	}
}

// TestMissingExtent backs up a volume of which an extent is not there.
func TestMissingExtent(t *testing.T) {
	s := spec(6)
	s.Devices = []vmfstest.Device{{Extents: []vmfstest.Run{{First: 0, Count: 1}}}, {Extents: []vmfstest.Run{{First: 1, Count: 1}}}}
	disks, _, err := s.Disks()
	if err != nil {
		t.Fatal(err)
	}
	b := take(t, open(t, disks[0]), options(t.TempDir()))
	if len(b.Missing) == 0 || len(b.Members) != 1 {
		t.Errorf("missing %v, members %v", b.Missing, b.Members)
	}
}

// TestNames backs up small files with names that a folder cannot have, or should not.
func TestNames(t *testing.T) {
	s := spec(5)
	s.Files = []vmfstest.File{
		{Path: "/a%b\x01\\.vmx", Data: []byte("one")},
		{Path: "/.../x.vmx", Data: []byte("two")},
		{Path: "/SHA256SUMS.vmx", Data: []byte("three")},
		{Path: "/Bücher.vmx", Data: []byte("five")},
		{Path: "/" + strings.Repeat("\xff", 100) + ".vmx", Data: []byte("four")},
	}
	v, _ := volume(t, s)
	b, err := Take(t.Context(), v, options(t.TempDir()))
	if err != nil {
		t.Fatal(err)
	}
	verified(t, b)
	for name, want := range map[string]string{"files/a%25b%01%5c.vmx": "one", "files/%2e%2e%2e/x.vmx": "two", "files/SHA256SUMS.vmx": "three", "files/Bücher.vmx": "five"} {
		if got, err := os.ReadFile(filepath.Join(b.Path, name)); err != nil || string(got) != want {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
	if len(b.Problems) != 1 || !strings.Contains(b.Problems[0], "was left out") {
		t.Errorf("problems %q", b.Problems)
	}
	for name, want := range map[string]string{"": "_", ".new": "_.new", "a/b c": "a_b_c", "..": "_.."} {
		if got := folderName(name); got != want {
			t.Errorf("%q is kept as %q", name, got)
		}
	}
}

// TestFaults cuts a backup off at each step of its writing, and fills the disk at each. The
// backups before stay whole, and the next one clears what is left.
func TestFaults(t *testing.T) {
	s := spec(5)
	s.Files = s.Files[:2]
	v, _ := volume(t, s)
	o := options(t.TempDir())
	o.Keep = 2
	shelf := filepath.Join(o.Dest, "host", "one")
	take(t, v, o)
	whole := map[string]bool{}
	for n, done := 1, false; !done; n++ {
		for _, mode := range []string{"full", "cut"} {
			if mode == "full" && n%4 != 0 {
				continue
			}
			step := 0
			o.fault = func(op, name string) error {
				switch step++; {
				case step == n, step > n && mode != "full":
					return syscall.ENOSPC
				case op == "link" && mode == "cut":
					return syscall.EXDEV
				}
				return nil
			}
			b, err := Take(t.Context(), v, o)
			o.fault = nil
			if done = err == nil; !done && !errors.Is(err, syscall.ENOSPC) {
				t.Fatalf("%s at step %d: %v", mode, n, err)
			}
			if err != nil && b == nil && mode == "full" && n > 2 {
				if _, err := os.Stat(filepath.Join(shelf, unfinished)); err == nil {
					t.Errorf("step %d: it leaves %s", n, unfinished)
				}
			}
			found, failed, err := Find(o.Dest)
			if err != nil || len(failed) > 0 || len(found) < 1 {
				t.Fatalf("%s at step %d: %d backups, %v, %v", mode, n, len(found), failed, err)
			}
			for _, b := range found {
				if b.Part("header") == nil {
					t.Errorf("%s at step %d: %s has no header", mode, n, b.Path)
				}
			}
			if last := found[len(found)-1]; !whole[last.Path] {
				verified(t, last)
				whole[last.Path] = true
			}
		}
		if done && n < 50 {
			t.Errorf("there are %d steps", n)
		}
	}
	take(t, v, o)
	entries, err := os.ReadDir(shelf)
	if err != nil || len(entries) != 3 {
		t.Errorf("in the end there are %v, %v", entries, err)
	}
}

// TestBusy makes no backup where another process is at it: this test, run once more.
func TestBusy(t *testing.T) {
	const held = "LUNAR_TEST_SHELF"
	if name := os.Getenv(held); name != "" {
		s, err := openShelf(name, nil)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Println("held")
		_, _ = io.Copy(io.Discard, os.Stdin) // until the other process has seen it
		if err := s.close(); err != nil {
			t.Fatal(err)
		}
		return
	}
	v, _ := volume(t, spec(5))
	o := options(t.TempDir())
	holder := exec.Command(os.Args[0], "-test.run=^TestBusy$")
	holder.Env = append(os.Environ(), held+"="+filepath.Join(o.Dest, "host", "one"))
	in, err := holder.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := holder.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := holder.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(out, make([]byte, 5)); err != nil {
		t.Fatal(err)
	}
	if _, err := Take(t.Context(), v, o); !errors.Is(err, ErrBusy) {
		t.Errorf("while it is held: %v", err)
	}
	if err := in.Close(); err != nil {
		t.Fatal(err)
	}
	if err := holder.Wait(); err != nil {
		t.Fatal(err)
	}
	take(t, v, o)
}

// TestDamagedBefore does not link to what is damaged in the backup before.
func TestDamagedBefore(t *testing.T) {
	v, _ := volume(t, spec(5))
	o := options(t.TempDir())
	a := take(t, v, o)
	name := filepath.Join(a.Path, "system", ".fdc.sf.zst")
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, flipped(b), 0o600); err != nil {
		t.Fatal(err)
	}
	take(t, v, o)
}

// TestDiff makes a file, deletes one, renames one and lets one grow between two backups.
func TestDiff(t *testing.T) {
	s := spec(5)
	o := options(t.TempDir())
	v, _ := volume(t, s)
	a := take(t, v, o)
	s.Files = slices.Clone(s.Files)
	s.Files[0].Deleted = vmfstest.Deletion{Descriptor: vmfstest.Kept, Name: vmfstest.Cleared}
	s.Files[1].Path = "/vm1/renamed.vmdk"
	s.Files[3].Size += 5 << 20
	s.Files = append(s.Files, vmfstest.File{Path: "/vm1/new.log", Data: []byte("new")})
	v, _ = volume(t, s)
	b := take(t, v, o)
	changes, err := Diff(a, b)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, c := range changes {
		if c.Path != "/vm1" && !strings.HasPrefix(c.Path, "/.") {
			got = append(got, fmt.Sprintf("%s %s %s %d %d", c.Kind, c.Path, c.From, c.Before, c.After))
		}
	}
	want := []string{
		"created /vm1/new.log  0 3",
		"renamed /vm1/renamed.vmdk /vm1/vm1.vmdk 22 22",
		fmt.Sprintf("grown /vm1/thin-flat.vmdk  %d %d", 50<<20, 55<<20),
		"deleted /vm1/vm1.vmx  20 0",
	}
	if !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
	if same, err := Diff(b, b); err != nil || len(same) != 0 {
		t.Errorf("with itself: %v, %v", same, err)
	}
}

// TestClassic writes the files of the old script.
func TestClassic(t *testing.T) {
	for version, vh := range map[int]int64{3: 4 << 20, 5: 4 << 20, 6: 7 << 20} {
		v, disks := volume(t, spec(version))
		o := options(t.TempDir())
		o.Classic = true
		b := take(t, v, o)
		for name, where := range map[string]Range{
			"vmfs-header-backup-disk0:1.hex": {0, v.Members[0].Start, 2 << 20}, "vmfs-metadata-disk0:1-vh.sf.bu": {0, v.Members[0].Start + 0x1100000, vh},
		} {
			got, err := os.ReadFile(filepath.Join(b.Path, name))
			want := make([]byte, where.Length)
			if _, e := disks[0].ReadAt(want, where.Offset); e != nil || err != nil || !bytes.Equal(got, want) {
				t.Errorf("VMFS%d: %s has %d bytes, %v", version, name, len(got), err)
			}
		}
	}
}
