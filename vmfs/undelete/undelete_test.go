package undelete_test

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lunarsan/lunar/vmfs"
	"github.com/lunarsan/lunar/vmfs/undelete"
	"github.com/lunarsan/lunar/vmfs/vmfstest"
)

const (
	mib = 1 << 20
	gib = 1 << 30
)

// A volume is one that was written, with what is on it.
type volume struct {
	*vmfs.Volume
	disks []*vmfstest.Disk
	image *vmfstest.Image
}

func write(t testing.TB, s vmfstest.Spec) *volume {
	t.Helper()
	disks, image, err := s.Disks()
	if err != nil {
		t.Fatal(err)
	}
	v := &volume{disks: disks, image: image}
	v.open(t)
	return v
}

// open opens the volume anew, as its disks are now.
func (v *volume) open(t testing.TB) {
	t.Helper()
	var devices []vmfs.Device
	for i, d := range v.disks {
		devices = append(devices, vmfs.Device{Name: fmt.Sprintf("disk%d", i), ReaderAt: d, Size: d.Size})
	}
	var err error
	if v.Volume, err = vmfs.Open(devices...); err != nil {
		t.Fatal(err)
	}
}

func (v *volume) survey(t testing.TB) *undelete.Search {
	t.Helper()
	s, err := undelete.Survey(t.Context(), v.Volume)
	if err != nil {
		t.Fatal(err)
	}
	if len(s.Problems) > 0 {
		t.Errorf("problems: %s", strings.Join(s.Problems, "; "))
	}
	return s
}

// pair writes a volume before and after its deletions.
func pair(t testing.TB, s vmfstest.Spec) (before, after *volume) {
	t.Helper()
	alive := s
	alive.Files = slices.Clone(s.Files)
	for i := range alive.Files {
		alive.Files[i].Deleted = vmfstest.Deletion{}
	}
	return write(t, alive), write(t, s)
}

// saved is the map of all files of a volume.
func saved(t testing.TB, v *volume) (list []undelete.Saved) {
	t.Helper()
	root, err := v.Root()
	if err != nil {
		t.Fatal(err)
	}
	for n, err := range root.Walk() {
		if err != nil {
			t.Fatal(err)
		}
		if n.Entry.Type() != vmfs.Regular {
			continue
		}
		f, err := n.File()
		if err != nil {
			t.Fatal(err)
		}
		s := undelete.Saved{Path: n.Path, Address: f.Descriptor().Address(), Generation: f.Descriptor().Generation(), Size: f.Size()}
		for e, err := range f.Extents() {
			if err != nil {
				t.Fatal(err)
			}
			if e.Kind != vmfs.Hole {
				s.Map = append(s.Map, e)
			}
		}
		list = append(list, s)
	}
	return list
}

// made is when maps were saved.
var made = time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)

// one is the candidate with a name.
func one(t *testing.T, found []undelete.Candidate, name string) *undelete.Candidate {
	t.Helper()
	i := slices.IndexFunc(found, func(c undelete.Candidate) bool { return c.Name == name })
	if i < 0 {
		var names []string
		for _, c := range found {
			names = append(names, fmt.Sprintf("%s (%s, %s)", c.Name, c.By, c.Reason))
		}
		t.Fatalf("no %s among %q", name, names)
	}
	return &found[i]
}

// check extracts a candidate and compares it with what was in the file. Pieces must be in order,
// without gaps; Only the beginning of long holes is compared.
func check(t *testing.T, c *undelete.Candidate, want io.ReaderAt, size int64) {
	t.Helper()
	at := int64(0)
	for _, p := range c.Pieces {
		if p.Offset != at || p.Length <= 0 {
			t.Fatalf("%s: a piece from %#x on, %d bytes, where one from %#x on belongs", c.Name, p.Offset, p.Length, at)
		}
		at += p.Length
	}
	if at != size || c.Size != size {
		t.Fatalf("%s: pieces of %d bytes for %d, and it had %d", c.Name, at, c.Size, size)
	}
	out := &vmfstest.Disk{Size: size}
	r, err := c.Extract(t.Context(), out, nil)
	if err != nil {
		t.Fatal(err)
	}
	if left, _ := c.Left(); r.Written+r.Blank != left || len(r.Pieces) != len(c.Pieces) {
		t.Errorf("%s: %d bytes written, %d blank, of %d", c.Name, r.Written, r.Blank, left)
	}
	got, exp := make([]byte, mib), make([]byte, mib)
	for _, p := range c.Pieces {
		for off := p.Offset; off < p.Offset+p.Length; off += mib {
			n := min(mib, p.Offset+p.Length-off)
			_, err1 := out.ReadAt(got[:n], off)
			if (p.Status == undelete.Zeros || p.Status == undelete.Lost) && p.Length > 64*mib {
				break // which is nowhere in the image
			}
			if p.Status.Readable() {
				if _, err := want.ReadAt(exp[:n], off); err != nil && err != io.EOF {
					t.Fatal(err)
				}
			} else {
				clear(exp[:n])
			}
			if err1 != nil && err1 != io.EOF || !bytes.Equal(got[:n], exp[:n]) {
				t.Fatalf("%s: other bytes from %#x on, in a piece that is %s", c.Name, off, p.Status)
			}
		}
	}
}

// deletions are all that may be left of a file's descriptor and name.
var deletions = []vmfstest.Deletion{
	{Descriptor: vmfstest.Kept, Name: vmfstest.Kept},
	{Descriptor: vmfstest.Cleared, Name: vmfstest.Cleared},
	{Descriptor: vmfstest.Wiped, Name: vmfstest.Wiped},
}

// victims are files of all layouts, to be deleted in one way.
func victims(version int, how vmfstest.Deletion) vmfstest.Spec {
	s := vmfstest.Spec{Version: version, Seed: 9, Scatter: true, Files: []vmfstest.File{
		{Path: "/vm/keep.vmdk", Size: 4 * mib, Seed: 1},
		{Path: "/vm/direct.vmdk", Size: 5*mib + 100, Seed: 2, Step: 2, Deleted: how},
		{Path: "/vm/between.vmdk", Size: 5 * mib, Seed: 3},
		{Path: "/vm/holes.vmdk", Size: 9 * mib, Seed: 4, Map: []vmfstest.Piece{
			{Length: 2 * mib}, {Length: 3 * mib, Kind: vmfstest.Hole}, {Length: 2 * mib, Kind: vmfstest.ToBeZeroed}, {Length: mib},
		}, Deleted: how},
		{Path: "/vm/indirect.vmdk", Size: 7 * mib, Seed: 5, Step: -1, Layout: vmfstest.Indirect, Deleted: how},
		{Path: "/vm/sub-block", Size: 5000, Seed: 6, Layout: vmfstest.SubBlock, Deleted: how},
	}}
	if version > 3 {
		s.Files = append(s.Files,
			vmfstest.File{Path: "/vm/resident", Size: 900, Seed: 7, Layout: vmfstest.Resident, Deleted: how},
			vmfstest.File{Path: "/vm/double.vmdk", Size: 3 * gib, Seed: 8, Layout: vmfstest.Double, Map: []vmfstest.Piece{
				{Length: mib}, {Length: 2 * gib, Kind: vmfstest.Hole}, {Length: 2 * mib},
			}, Deleted: how})
	}
	s.Files = append(s.Files, vmfstest.File{Path: "/vm/last.vmdk", Size: 2 * mib, Seed: 10})
	return s
}

// From a map that was saved before, a deleted file is what it was, whatever the deletion left.
func TestSaved(t *testing.T) {
	for _, version := range []int{3, 5, 6} {
		for _, how := range deletions {
			t.Run(fmt.Sprintf("VMFS%d, %d", version, how.Descriptor), func(t *testing.T) {
				s := victims(version, how)
				before, after := pair(t, s)
				found := after.survey(t).Saved(saved(t, before), made)
				for _, f := range s.Files {
					if f.Deleted != how {
						continue
					}
					c := one(t, found, f.Path)
					want := undelete.High
					if f.Layout == vmfstest.Resident && how.Descriptor != vmfstest.Kept {
						want = undelete.None // it was in the descriptor
					}
					if c.Confidence != want || !c.Named || c.By != undelete.BySaved {
						t.Errorf("%s: confidence %s, want %s: %+v", c.Name, c.Confidence, want, c.Count())
					}
					check(t, c, after.image.Open(f.Path), f.Size)
					found = slices.DeleteFunc(found, func(c undelete.Candidate) bool { return c.Name == f.Path })
				}
				for _, c := range found {
					t.Errorf("%s was not deleted", c.Name)
				}
			})
		}
	}
}

// Blocks that another file has now are told, with whose they are, and not extracted.
func TestSavedReused(t *testing.T) {
	for _, version := range []int{3, 5, 6} {
		s := vmfstest.Spec{Version: version, Files: []vmfstest.File{
			{Path: "/old.vmdk", Size: 5 * mib, Seed: 1, Deleted: vmfstest.Deletion{Descriptor: vmfstest.Wiped, Early: true}},
			{Path: "/new.vmdk", Size: 2 * mib, Seed: 2},
		}}
		before := write(t, vmfstest.Spec{Version: version, Files: []vmfstest.File{{Path: "/old.vmdk", Size: 5 * mib, Seed: 1}}})
		after := write(t, s)
		maps := saved(t, before)
		maps[0].Generation += 100 // the new file has its descriptor
		c := one(t, after.survey(t).Saved(maps, made), "/old.vmdk")
		addr, _ := after.image.Descriptor("/new.vmdk")
		n := map[undelete.Status]int64{}
		for _, p := range c.Pieces {
			if uint32(p.Owner) == addr || p.Owner == 0 { // directories took some too
				n[p.Status] += p.Length
			}
		}
		if n[undelete.Reused] != 2*mib || n[undelete.Free]+n[undelete.Unowned] == 0 || len(n) != 2 || c.Confidence != undelete.Medium {
			t.Errorf("VMFS%d: %v, confidence %s", version, n, c.Confidence)
		}
		check(t, c, after.image.Open("/old.vmdk"), 5*mib)
	}
}

// A descriptor that was kept leads to all of the file; its name is found where that was left.
func TestDescriptors(t *testing.T) {
	for _, version := range []int{3, 5, 6} {
		for _, name := range []vmfstest.Remains{vmfstest.Kept, vmfstest.Cleared, vmfstest.Wiped} {
			t.Run(fmt.Sprintf("VMFS%d, %d", version, name), func(t *testing.T) {
				s := victims(version, vmfstest.Deletion{Descriptor: vmfstest.Kept, Name: name})
				_, after := pair(t, s)
				found := after.survey(t).Descriptors()
				for _, f := range s.Files {
					if f.Deleted.Descriptor == vmfstest.Alive {
						continue
					}
					addr, _ := after.image.Descriptor(f.Path)
					c := &undelete.Candidate{}
					if name == vmfstest.Kept {
						c = one(t, found, f.Path)
					} else {
						i := slices.IndexFunc(found, func(c undelete.Candidate) bool {
							return strings.Contains(c.Reason, fmt.Sprintf("%#x ", addr))
						})
						if i < 0 {
							t.Fatalf("no %s", f.Path)
						}
						c = &found[i]
						// The last name of a directory is moved over that of a deleted file, on VMFS3 and 5.
						if c.Named && (c.Name != f.Path || name == vmfstest.Wiped) {
							t.Errorf("%s is called %s", f.Path, c.Name)
						}
					}
					if c.Confidence != undelete.High || c.By != undelete.ByDescriptor {
						t.Errorf("%s: confidence %s: %+v", f.Path, c.Confidence, c.Count())
					}
					check(t, c, after.image.Open(f.Path), f.Size)
				}
			})
		}
	}
}

// A file that no directory names, and that has its links, has its blocks still.
func TestOrphan(t *testing.T) {
	for _, version := range []int{3, 5, 6} {
		v := write(t, vmfstest.Spec{Version: version, Files: []vmfstest.File{
			{Path: "/vm/orphan.vmdk", Size: 3 * mib, Seed: 1, Layout: vmfstest.Indirect, Deleted: vmfstest.Deletion{Name: vmfstest.Wiped}},
			{Path: "/vm/other.vmdk", Size: 3 * mib, Seed: 2},
		}})
		found := v.survey(t).Descriptors()
		if len(found) != 1 || found[0].Count()[undelete.Own] != 3*mib || found[0].Confidence != undelete.High {
			t.Fatalf("VMFS%d: found %+v", version, found)
		}
		check(t, &found[0], v.image.Open("/vm/orphan.vmdk"), 3*mib)
	}
}

// What two deleted files had is marked: which had it last is not known.
func TestContested(t *testing.T) {
	v := write(t, vmfstest.Spec{Version: 5, Files: []vmfstest.File{
		{Path: "/first", Size: 4 * mib, Seed: 1, Deleted: vmfstest.Deletion{Descriptor: vmfstest.Kept, Early: true}},
		{Path: "/pad", Type: vmfstest.Symlink, Target: "/x"}, // which takes the descriptor
		{Path: "/second", Size: 3 * mib, Seed: 2, Deleted: vmfstest.Deletion{Descriptor: vmfstest.Kept, Name: vmfstest.Wiped}},
	}})
	maps := []undelete.Saved{
		{Path: "/a", Generation: 90, Address: 4, Size: 2 * mib, Map: []vmfs.Extent{{Device: 0, Physical: 100 * mib, Length: 2 * mib}}},
		{Path: "/b", Generation: 91, Address: 4, Size: 2 * mib, Map: []vmfs.Extent{{Device: 0, Physical: 101 * mib, Length: 2 * mib}}},
	}
	s := v.survey(t)
	found := s.Saved(maps, made)
	for _, c := range found {
		if n := c.Count(); n[undelete.Contested] != mib || n[undelete.Free] != mib || c.Confidence != undelete.Medium {
			t.Errorf("%s: %v, confidence %s", c.Name, n, c.Confidence)
		}
	}
	// A weaker strategy does not take what a stronger one has.
	if again := s.Saved([]undelete.Saved{{Path: "/c", Generation: 92, Address: 4, Size: mib, Map: maps[0].Map}}, made); again[0].Count()[undelete.Contested] != mib {
		t.Errorf("%v", again[0].Count())
	}
}

// What was in a small file is taken from where it was saved, if it was.
func TestSavedContents(t *testing.T) {
	v := write(t, vmfstest.Spec{Version: 5})
	text := []byte("displayName = \"vm1\"\n")
	file := undelete.Saved{Path: "/vm1/vm1.vmx", Address: 0x4000004, Generation: 7, Size: int64(len(text)), Contents: func() ([]byte, error) { return text, nil }}
	c := one(t, v.survey(t).Saved([]undelete.Saved{file}, made), "/vm1/vm1.vmx")
	if c.Confidence != undelete.High || c.Count()[undelete.Stored] != file.Size {
		t.Errorf("%s, %v", c.Confidence, c.Count())
	}
	check(t, c, bytes.NewReader(text), file.Size)

	file.Size++
	s := v.survey(t)
	if c = one(t, s.Saved([]undelete.Saved{file}, made), "/vm1/vm1.vmx"); c.Count()[undelete.Stored] != 0 || len(s.Problems) != 1 {
		t.Errorf("saved in part: %v, %q", c.Count(), s.Problems)
	}
}

// descriptorBytes are bytes of a file's descriptor.
func (v *volume) descriptorBytes(t *testing.T, name string, off int64, n int) []byte {
	t.Helper()
	_, at := v.image.Descriptor(name)
	device, physical := v.image.Place(at + off)
	b := make([]byte, n)
	if _, err := v.disks[device].ReadAt(b, physical); err != nil {
		t.Fatal(err)
	}
	return b
}

func (v *volume) patchDescriptor(t *testing.T, name string, off int64, b []byte) {
	t.Helper()
	_, at := v.image.Descriptor(name)
	device, physical := v.image.Place(at + off)
	if _, err := v.disks[device].WriteAt(b, physical); err != nil {
		t.Fatal(err)
	}
	v.open(t)
}

// What a pointer block says that another file has now is not the deleted file's.
func TestLostPages(t *testing.T) {
	const addresses = 0x400 // in descriptors of VMFS3 and 5
	v := write(t, vmfstest.Spec{Version: 5, Files: []vmfstest.File{
		{Path: "/gone.vmdk", Size: 2*gib + mib, Seed: 1, Layout: vmfstest.Indirect, Map: []vmfstest.Piece{
			{Length: 2 * mib}, {Length: 2*gib - 2*mib, Kind: vmfstest.Hole}, {Length: mib}},
			Deleted: vmfstest.Deletion{Descriptor: vmfstest.Kept, Name: vmfstest.Kept}},
		{Path: "/alive.vmdk", Size: 3 * mib, Seed: 2, Layout: vmfstest.Indirect},
	}})
	v.patchDescriptor(t, "/gone.vmdk", addresses, v.descriptorBytes(t, "/alive.vmdk", addresses, 4))
	c := one(t, v.survey(t).Descriptors(), "/gone.vmdk")
	if n := c.Count(); n[undelete.Lost] != gib || n[undelete.Free] != mib || n[undelete.Reused] != 0 || c.Confidence != undelete.Medium {
		t.Errorf("%v, confidence %s", n, c.Confidence)
	}
	check(t, c, v.image.Open("/gone.vmdk"), 2*gib+mib)
}

// A directory that names another generation of a descriptor does not name the file.
func TestGeneration(t *testing.T) {
	v := write(t, vmfstest.Spec{Version: 5, Files: []vmfstest.File{{Path: "/file.vmdk", Size: 3 * mib, Seed: 1}}})
	if found := v.survey(t).Descriptors(); len(found) > 0 {
		t.Fatalf("found %+v", found)
	}
	v.patchDescriptor(t, "/file.vmdk", 0x204, []byte{0xEE})
	if found := v.survey(t).Descriptors(); len(found) != 1 || found[0].Count()[undelete.Own] != 3*mib {
		t.Errorf("found %+v", found)
	}
}
