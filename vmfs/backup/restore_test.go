package backup

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/lunarsan/lunar/vmfs"
	"github.com/lunarsan/lunar/vmfs/vmfstest"
)

// A medium is a disk in memory that fails from a write on, and has half of that one.
type medium struct {
	*vmfstest.Disk
	left  int // writes until it fails; negative: it does not
	onced func(p []byte, off int64)
}

var errCut = errors.New("the power is gone")

func (m *medium) WriteAt(p []byte, off int64) (int, error) {
	if m.left == 0 {
		half := len(p) / 2 &^ (sector - 1)
		_, _ = m.Disk.WriteAt(p[:half], off)
		m.left = -2
		return half, errCut
	}
	if m.left == -2 {
		return 0, errCut
	}
	if m.left > 0 {
		m.left--
	}
	return m.Disk.WriteAt(p, off)
}

func (m *medium) ReadAt(p []byte, off int64) (int, error) {
	n, err := m.Disk.ReadAt(p, off)
	if m.onced != nil {
		m.onced(p, off)
	}
	return n, err
}

func (m *medium) Sync() error {
	if m.left == -2 {
		return errCut
	}
	return nil
}

// targets are disks to restore to.
func targets(disks ...*vmfstest.Disk) (list []Target) {
	for i, d := range disks {
		list = append(list, Target{fmt.Sprintf("disk%d", i), d.Size, &medium{Disk: d, left: -1}})
	}
	return list
}

// destroy overwrites a part of a disk with what is nothing.
func destroy(t testing.TB, d *vmfstest.Disk, off, n int64) {
	t.Helper()
	if _, err := d.WriteAt(bytes.Repeat([]byte{0xDB}, int(n)), off); err != nil {
		t.Fatal(err)
	}
}

// same compares two disks to their ends.
func same(t testing.TB, got, want *vmfstest.Disk) {
	t.Helper()
	a, b := make([]byte, 1<<20), make([]byte, 1<<20)
	for off := int64(0); off < want.Size; off += int64(len(a)) {
		n, _ := got.ReadAt(a, off)
		m, _ := want.ReadAt(b, off)
		if !bytes.Equal(a[:n], b[:m]) {
			for i := range b[:m] {
				if a[i] != b[i] {
					t.Fatalf("they differ at %#x", off+int64(i))
				}
			}
		}
	}
}

// planned plans a restore that nothing may speak against.
func planned(t testing.TB, b *Backup, list []Target, groups ...string) *Restore {
	t.Helper()
	chosen, err := ParseGroups(groups)
	if err != nil {
		t.Fatal(err)
	}
	r, err := b.PlanRestore(t.Context(), list, chosen, 1)
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Objections) > 0 {
		t.Fatalf("objections: %v", r.Objections)
	}
	return r
}

// TestRestore destroys the first 32 MiB of a disk, and brings them back. The metadata alone
// make the volume whole; with all parts, every byte is as it was.
func TestRestore(t *testing.T) {
	for _, version := range []int{3, 5, 6} {
		t.Run(fmt.Sprint(version), func(t *testing.T) {
			v, disks := volume(t, spec(version))
			want := disks[0].Clone()
			b := take(t, v, options(t.TempDir()))
			destroy(t, disks[0], 0, 32<<20)
			destroy(t, disks[0], disks[0].Size-33*512, 33*512)
			r := planned(t, b, targets(disks...))
			if _, err := r.Apply(t.Context(), t.TempDir(), day); err != nil {
				t.Fatal(err)
			}
			w := open(t, disks...)
			if report, err := w.Check(t.Context(), nil); err != nil || !report.Clean() {
				t.Errorf("the check finds %v, %v", report, err)
			}
			list := 0
			root, err := w.Root()
			if err != nil {
				t.Fatal(err)
			}
			for n, err := range root.Walk() {
				if err != nil {
					t.Errorf("%s: %v", n.Path, err)
				}
				list++
			}
			if list < 13 {
				t.Errorf("it lists %d files", list)
			}
			r = planned(t, b, targets(disks...), "all")
			if _, err := r.Apply(t.Context(), t.TempDir(), day); err != nil {
				t.Fatal(err)
			}
			same(t, disks[0], want)
			if r = planned(t, b, targets(disks...), "all"); r.Differs() != 0 {
				t.Errorf("%d bytes differ from the backup", r.Differs())
			}
			if u, err := r.Apply(t.Context(), t.TempDir(), day); u != nil || err != nil {
				t.Errorf("where nothing differs there is an undo: %v, %v", u, err)
			}
		})
	}
}

// TestRestoreOne restores the header, and nothing else that is destroyed.
func TestRestoreOne(t *testing.T) {
	v, disks := volume(t, spec(5))
	b := take(t, v, options(t.TempDir()))
	const lvm, header = 1<<20 + 1<<20, 1<<20 + 0x1100000 + 0x200000
	destroy(t, disks[0], lvm, 4096)
	destroy(t, disks[0], header, 4096)
	r := planned(t, b, targets(disks...), "header")
	if r.Differs() != 4096 {
		t.Errorf("%d bytes differ", r.Differs())
	}
	if _, err := r.Apply(t.Context(), t.TempDir(), day); err != nil {
		t.Fatal(err)
	}
	if r = planned(t, b, targets(disks...)); r.Differs() != 4096 {
		t.Errorf("then %d bytes differ", r.Differs())
	}
	if _, err := ParseGroups([]string{"headers"}); err == nil {
		t.Error("there are parts called headers")
	}
}

// TestRestorePartition restores to the partition without its disk.
func TestRestorePartition(t *testing.T) {
	v, disks := volume(t, spec(6))
	b := take(t, v, options(t.TempDir()))
	part := &vmfstest.Disk{Size: v.Members[0].Size}
	p := make([]byte, 1<<20)
	for off := int64(0); off < part.Size; off += int64(len(p)) {
		if _, err := disks[0].ReadAt(p, v.Members[0].Start+off); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(p, make([]byte, len(p))) {
			if _, err := part.WriteAt(p, off); err != nil {
				t.Fatal(err)
			}
		}
	}
	destroy(t, part, 0, 20<<20)
	dir := t.TempDir()
	undo, err := planned(t, b, targets(part)).Apply(t.Context(), dir, day)
	if err != nil {
		t.Fatal(err)
	}
	open(t, part)
	if _, err := planned(t, undo, targets(part)).Apply(t.Context(), dir, day); err != nil {
		t.Fatal(err)
	}
	if _, err := part.ReadAt(p, 0x100000); err != nil || p[0] != 0xDB {
		t.Errorf("the undo leaves %#x, %v", p[0], err)
	}
}

// TestRestoreSpan restores a volume of two disks whose headers are lost on one, named in the
// wrong order.
func TestRestoreSpan(t *testing.T) {
	s := spec(6)
	s.Devices = []vmfstest.Device{{Extents: []vmfstest.Run{{First: 0, Count: 2}, {First: 4, Count: 1}}}, {Table: vmfstest.MBR, Extents: []vmfstest.Run{{First: 2, Count: 2}}}}
	v, disks := volume(t, s)
	wants := []*vmfstest.Disk{disks[0].Clone(), disks[1].Clone()}
	b := take(t, v, options(t.TempDir()))
	destroy(t, disks[1], 0, 32<<20)
	swapped := targets(disks[1], disks[0])
	if _, err := planned(t, b, swapped, "all").Apply(t.Context(), t.TempDir(), day); err != nil {
		t.Fatal(err)
	}
	same(t, disks[0], wants[0])
	same(t, disks[1], wants[1])
	if _, err := b.PlanRestore(t.Context(), swapped[:1], nil, 1); err == nil {
		t.Error("half of the volume is enough")
	}
}

// TestRefuse looks at what speaks against a restore.
func TestRefuse(t *testing.T) {
	const at = 1<<20 + 0x1100000 // of the logical volume on the disk
	heartbeat := func(slot int, generation, stamp uint64) []byte {
		b := make([]byte, 512)
		le := binary.LittleEndian
		le.PutUint32(b, 0xABCDEF02)
		le.PutUint64(b[4:], uint64(0x300000+slot*512))
		le.PutUint64(b[0x0C:], generation)
		le.PutUint64(b[0x14:], stamp)
		return b
	}
	for _, tt := range []struct {
		name   string
		change func(t *testing.T, d *vmfstest.Disk, image *vmfstest.Image)
		want   Concern
		text   string
	}{
		{"a file is longer", func(t *testing.T, d *vmfstest.Disk, image *vmfstest.Image) {
			_, l := image.Descriptor("/vm1/vm1-flat.vmdk")
			patch(t, d, at+l+0x200+0x14, []byte{1, 2, 3})
		}, Changed, "1 file descriptors and clusters"},
		{"a file was read", func(t *testing.T, d *vmfstest.Disk, image *vmfstest.Image) {
			_, l := image.Descriptor("/vm1/vm1-flat.vmdk")
			patch(t, d, at+l+0x200+0x34, []byte{1, 2, 3})
		}, "", ""},
		{"a descriptor is destroyed", func(t *testing.T, d *vmfstest.Disk, image *vmfstest.Image) {
			_, l := image.Descriptor("/vm1/vm1-flat.vmdk")
			destroy(t, d, at+l, 0x800)
		}, "", ""},
		{"the label is new", func(t *testing.T, d *vmfstest.Disk, _ *vmfstest.Image) {
			patch(t, d, at+0x200000+0x1D, []byte("other\x00"))
		}, Changed, `"other"`},
		{"it was made anew", func(t *testing.T, d *vmfstest.Disk, _ *vmfstest.Image) {
			patch(t, d, at+0x200000+0x09, []byte("abcdabcd"))
		}, AnotherVolume, "the file system is"},
		{"the LVM was changed", func(t *testing.T, d *vmfstest.Disk, _ *vmfstest.Image) {
			patch(t, d, 2<<20+0x72, []byte{99})
		}, Changed, "LVM header"},
		{"another disk", func(t *testing.T, d *vmfstest.Disk, _ *vmfstest.Image) {
			patch(t, d, 2<<20+0x82, []byte{99, 99})
		}, AnotherVolume, "LVM device"},
		{"a longer disk", func(t *testing.T, d *vmfstest.Disk, _ *vmfstest.Image) { d.Size += 1 << 20 }, AnotherVolume, "bytes"},
		{"a host was there", func(t *testing.T, d *vmfstest.Disk, _ *vmfstest.Image) {
			patch(t, d, at+0x300000+512*3, heartbeat(3, 7, 1000))
		}, Changed, "1 hosts wrote"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			disks, image, err := spec(5).Disks()
			if err != nil {
				t.Fatal(err)
			}
			b := take(t, open(t, disks...), options(t.TempDir()))
			tt.change(t, disks[0], image)
			r, err := b.PlanRestore(t.Context(), targets(disks...), groups[:metadata], 1)
			if err != nil {
				t.Fatal(err)
			}
			switch {
			case tt.want == "" && len(r.Objections) > 0:
				t.Errorf("objections: %v", r.Objections)
			case tt.want != "" && (len(r.Refused()) != 1 || r.Objections[0].Concern != tt.want || !strings.Contains(r.Objections[0].Text, tt.text)):
				t.Errorf("objections: %v", r.Objections)
			case len(r.Refused(tt.want)) != 0:
				t.Error("it cannot be overridden")
			}
		})
	}
}

func patch(t testing.TB, d *vmfstest.Disk, off int64, b []byte) {
	t.Helper()
	if _, err := d.WriteAt(b, off); err != nil {
		t.Fatal(err)
	}
}

// TestLiveHost has a host that writes its heartbeat while a restore is planned, and one that
// was switched off.
func TestLiveHost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := spec(6)
		s.Heartbeats = []vmfstest.Heartbeat{{Slot: 1, Generation: 2, Stamp: 100, Host: 5}, {Slot: 4, Generation: 3, Stamp: 200, Host: 6, Address: "10.0.0.4"}}
		v, disks := volume(t, s)
		b := take(t, v, options(t.TempDir()))
		if len(b.Hosts) != 2 || b.Hosts[1].Address != "10.0.0.4" {
			t.Errorf("hosts %v", b.Hosts)
		}
		m := &medium{Disk: disks[0], left: -1}
		list := []Target{{"disk", disks[0].Size, m}}
		if r, err := b.PlanRestore(t.Context(), list, nil, 0); err != nil || len(r.Objections) != 0 {
			t.Errorf("hosts that are off: %v, %v", r, err)
		}
		const slot = 1<<20 + 0x1100000 + 0x300000 + 4*4096
		stamp := uint64(300)
		m.onced = func(p []byte, off int64) {
			if off <= slot && slot < off+int64(len(p)) {
				stamp++
				binary.LittleEndian.PutUint64(p[slot-off+0x14:], stamp)
			}
		}
		r, err := b.PlanRestore(t.Context(), list, nil, 0)
		if err != nil || len(r.Objections) != 2 || r.Objections[0].Concern != HostsAlive || !strings.Contains(r.Objections[0].Text, "10.0.0.4") {
			t.Errorf("a host that is alive: %+v, %v", r.Objections, err)
		}
		// A slot that is whole is newer than the backup's, and stays.
		for _, p := range r.Parts {
			if p.Group == Heartbeats && p.Differs != 0 {
				t.Errorf("%d bytes of heartbeats differ", p.Differs)
			}
		}
	})
}

// TestCut cuts a restore off at each of its writes, half-way through. Restoring again brings
// the volume back, and so does taking it back bring back what was there.
func TestCut(t *testing.T) {
	v, wants := volume(t, spec(5))
	b := take(t, v, options(t.TempDir()))
	ruin := wants[0].Clone()
	for _, at := range []int64{0, 2 << 20, 0x280600 + 1<<20, 20 << 20, 21 << 20, 22 << 20, 22<<20 + 0x18000, 24 << 20} {
		destroy(t, ruin, at, 8<<10)
	}
	for n := 0; ; n++ {
		disk := ruin.Clone()
		m := &medium{Disk: disk, left: n}
		undo, err := planned(t, b, []Target{{"disk", m.Size, m}}).Apply(t.Context(), t.TempDir(), day)
		if err == nil {
			if n < 5 {
				t.Errorf("there are %d writes", n)
			}
			same(t, disk, wants[0])
			return
		}
		if !errors.Is(err, errCut) || undo == nil {
			t.Fatalf("write %d: %v", n, err)
		}
		verified(t, undo)
		if n%2 == 0 {
			if _, err := planned(t, b, targets(disk)).Apply(t.Context(), t.TempDir(), day); err != nil {
				t.Fatalf("again after write %d: %v", n, err)
			}
			same(t, disk, wants[0])
			continue
		}
		if _, err := planned(t, undo, targets(disk)).Apply(t.Context(), t.TempDir(), day); err != nil {
			t.Fatalf("back after write %d: %v", n, err)
		}
		same(t, disk, ruin)
	}
}

// TestUndoLater refuses to take a restore back over what was written since.
func TestUndoLater(t *testing.T) {
	v, disks := volume(t, spec(5))
	dir := t.TempDir()
	b := take(t, v, options(dir))
	destroy(t, disks[0], 0, 21<<20)
	undo, err := planned(t, b, targets(disks...)).Apply(t.Context(), filepath.Dir(b.Path), day)
	if err != nil {
		t.Fatal(err)
	}
	if filepath.Base(undo.Path) != "undo-2026-11-22.0" || undo.Undo != "2026-11-22.0" {
		t.Errorf("%s undoes %s", undo.Path, undo.Undo)
	}
	if found, _, err := Find(dir); err != nil || len(found) != 1 {
		t.Errorf("the undo counts as a backup: %d, %v", len(found), err)
	}
	patch(t, disks[0], 1<<20+0x1100000+0x200000+0x1D, []byte("renamed\x00"))
	r, err := undo.PlanRestore(t.Context(), targets(disks...), nil, 1)
	if err != nil || len(r.Refused()) != 1 || r.Objections[0].Concern != Changed {
		t.Errorf("%+v, %v", r.Objections, err)
	}
}

// TestDamagedBackup finds each file of a backup that is not as it was, and restores nothing
// from it.
func TestDamagedBackup(t *testing.T) {
	v, disks := volume(t, spec(5))
	b := take(t, v, options(t.TempDir()))
	var files []string
	err := filepath.WalkDir(b.Path, func(name string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			files = append(files, name)
		}
		return err
	})
	if err != nil || len(files) < 12 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, name := range files {
		rel, _ := filepath.Rel(b.Path, name)
		whole, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, wrong := range [][]byte{flipped(whole), append(bytes.Clone(whole), 0), whole[:len(whole)/2]} {
			if bytes.Equal(wrong, whole) {
				continue
			}
			if err := os.WriteFile(name, wrong, 0o600); err != nil {
				t.Fatal(err)
			}
			if damaged, err := Open(b.Path); err == nil {
				found, err := damaged.Verify(t.Context())
				if err != nil || len(found) == 0 {
					t.Errorf("%s with %d bytes of %d: %v, %v", rel, len(wrong), len(whole), found, err)
				}
				if rel == "header.zst" && len(wrong) < len(whole) {
					if _, err := damaged.PlanRestore(t.Context(), targets(disks...), []Group{Header}, 1); !errors.Is(err, ErrDamaged) {
						t.Errorf("%s with %d bytes of %d is restored: %v", rel, len(wrong), len(whole), err)
					}
				}
			}
		}
		if err := os.WriteFile(name, whole, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	verified(t, b)
	if err := os.WriteFile(filepath.Join(b.Path, "more"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if found, err := b.Verify(t.Context()); err != nil || len(found) != 1 {
		t.Errorf("a file more: %v, %v", found, err)
	}
}

func flipped(b []byte) []byte {
	b = bytes.Clone(b)
	if len(b) > 0 {
		b[len(b)/3] ^= 1
	}
	return b
}

// TestRealVolume backs a volume of ESX up, destroys its first 32 MiB, and restores them.
func TestRealVolume(t *testing.T) {
	f, err := os.Open(filepath.Join("..", "..", "..", "shared", "data", "vmfs", "vmfs3.img.vmfsimg"))
	if err != nil {
		t.Skipf("the real volume is not here: %v", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	m, err := vmfs.OpenVmfsimg(f, info.Size())
	if err != nil {
		t.Fatal(err)
	}
	disk := &vmfstest.Disk{Size: m.Size()}
	p := make([]byte, 1<<20)
	for off := int64(0); off < m.Size(); off += int64(len(p)) {
		n, _ := m.ReadAt(p, off)
		if !bytes.Equal(p[:n], make([]byte, n)) {
			patch(t, disk, off, p[:n])
		}
	}
	want := disk.Clone()
	b := take(t, open(t, disk), options(t.TempDir()))
	destroy(t, disk, 0, 32<<20)
	if _, err := planned(t, b, targets(disk)).Apply(t.Context(), t.TempDir(), day); err != nil {
		t.Fatal(err)
	}
	v, w := open(t, disk), open(t, want)
	if report, err := v.Check(t.Context(), nil); err != nil || !report.Clean() {
		t.Errorf("the check finds %v, %v", report, err)
	}
	root, err := w.Root()
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for node, err := range root.Walk() {
		if err != nil {
			t.Fatal(err)
		}
		f, err := v.Lookup(node.Path)
		if err != nil {
			t.Error(err)
			continue
		}
		g, err := node.File()
		if err != nil {
			t.Fatal(err)
		}
		a, _, err := digest(io.NewSectionReader(f, 0, f.Size()))
		if err != nil {
			t.Fatal(err)
		}
		if c, _, _ := digest(io.NewSectionReader(g, 0, g.Size())); a != c {
			t.Errorf("%s is another", node.Path)
		}
		n++
	}
	if n < 13 {
		t.Errorf("%d files", n)
	}
	if _, err := planned(t, b, targets(disk), "all").Apply(t.Context(), t.TempDir(), day); err != nil {
		t.Fatal(err)
	}
	same(t, disk, want)
}
