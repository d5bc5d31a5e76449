package vmfs

import (
	"crypto/sha1"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// realImage is a volume that an ESX host made. It is kept beside the checkout, since it is not
// ours to publish; without it, the tests of it are left out.
var realImage = filepath.Join("..", "..", "shared", "data", "vmfs", "vmfs3.img.vmfsimg")

// openReal opens the real volume.
func openReal(t testing.TB) (*Volume, *Vmfsimg) {
	t.Helper()
	f, err := os.Open(realImage)
	if err != nil {
		t.Skipf("the real volume is not here: %v", err)
	}
	t.Cleanup(func() { _ = f.Close() })
	info, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	m, err := OpenVmfsimg(f, info.Size())
	if err != nil {
		t.Fatal(err)
	}
	v, err := Open(Device{"vmfs3.img.vmfsimg", m, m.Size()})
	if err != nil {
		t.Fatal(err)
	}
	return v, m
}

// sum is the SHA-1 of all of f.
func sum(t *testing.T, f *File) string {
	t.Helper()
	h := sha1.New()
	if _, err := io.Copy(h, io.NewSectionReader(f, 0, f.Size())); err != nil {
		t.Fatalf("reading %s: %v", f.Name(), err)
	}
	return fmt.Sprintf("%x", h.Sum(nil))
}

// TestRealHeaders compares headers with what is known of the volume.
func TestRealHeaders(t *testing.T) {
	v, m := openReal(t)
	h, e, s := v.Members[0].Header, v.Members[0].Volume, v.Superblock()
	for _, tt := range []struct{ what, got, want string }{
		{"device", fmt.Sprintf("%#x", m.Size()), "0x4b023400"},
		{"total bytes", fmt.Sprintf("%#x", h.TotalBytes()), "0x4b023400"},
		{"LVM", fmt.Sprintf("%d.%d", h.Major(), h.Minor()), "3.16"},
		{"device UUID", h.UUID().String(), "49edf844-da2dde19-747b-0021280083cf"},
		{"disk", h.DiskID().Name(), "mpx.vmhba0:C0:T0:L0"},
		{"vendor", h.DiskID().Vendor() + "/" + h.DiskID().Model() + "/" + h.DiskID().Revision(), "Sun/VOL1/V1.0"},
		{"PEs", fmt.Sprint(h.PEs()), "4"},
		{"LV UUID", e.UUID().String(), "49edf842-dcb35d37-b383-0021280083cf"},
		{"LV name", e.Name(), "49edf842-dcb35d37-b383-0021280083cf"},
		{"LV in superblock", s.VolumeUUID().String(), "49edf842-dcb35d37-b383-0021280083cf"},
		{"logical size", fmt.Sprint(v.Size()), "1073741824"},
		{"file system", fmt.Sprintf("%d.%d, VMFS%d", s.Major(), s.Minor(), s.Version()), "4.31, VMFS3"},
		{"UUID", v.UUID().String(), "49edf844-ebfc28f3-65cb-0021280083cf"},
		{"made", s.UUID().Time().String(), "2009-04-21 16:45:56 +0000 UTC"},
		{"label", v.Label(), "toto"},
		{"blocks", fmt.Sprintf("%d, %d", s.FileBlockSize(), s.SubBlockSize()), "1048576, 65536"},
		{"missing", fmt.Sprint(v.Missing()), "[]"},
	} {
		if tt.got != tt.want {
			t.Errorf("%s: %s, want %s", tt.what, tt.got, tt.want)
		}
	}
	beats, err := v.Heartbeats()
	if err != nil || beats.Len() != 2048 {
		t.Fatalf("%d heartbeats, %v", beats.Len(), err)
	}
	for i := range beats.Len() {
		if b := beats.Slot(i); !b.Free() && !b.InUse() || b.Logical() != int64(heartbeatOffset+i*512) {
			t.Errorf("heartbeat %d: state %#x at %#x", i, b.State(), b.Logical())
		}
	}
}

// TestRealFiles compares the content of every file with the sums that debugvmfs gives.
func TestRealFiles(t *testing.T) {
	v, _ := openReal(t)
	want := map[string]string{
		"/.fbb.sf":                    "7b27340339f310f92e83a20909d8a24537f1d27f",
		"/.fdc.sf":                    "c34ccece9c6983778211f9faeb1a7364982c94d2",
		"/.pbc.sf":                    "36c2aa75c049e2648b701bc110f8fd0446373c5f",
		"/.sbc.sf":                    "f120f5c17258951f8d149c8fe57cb62e35beb910",
		"/.vh.sf":                     "36160f7e2c3d9b82861d5919a6cd7bd5c0f3dbd5",
		"/thin-flat.vmdk":             "fd7c5327c68fcf94b62dc9f58fc1cdb3c8c01258",
		"/thin.vmdk":                  "44e6cd94714e91d4060a09ab329615cd09aff4e8",
		"/thick-flat.vmdk":            "fd7c5327c68fcf94b62dc9f58fc1cdb3c8c01258",
		"/thick.vmdk":                 "b8d6ea538e25342bf1a2f3d171292439f0b7c35b",
		"/zeroedthick-flat.vmdk":      "fd7c5327c68fcf94b62dc9f58fc1cdb3c8c01258",
		"/zeroedthick.vmdk":           "3ed6396c8f0e5a3ce23028a80499fa8bdb4a5627",
		"/eagerzeroedthick-flat.vmdk": "fd7c5327c68fcf94b62dc9f58fc1cdb3c8c01258",
		"/eagerzeroedthick.vmdk":      "b23155cd5071513b427d0e9a36b56f9c96c5fe60",
	}
	found := 0
	for name, f := range files(t, v) {
		found++
		if got := sum(t, f); got != want[name] {
			t.Errorf("%s: %s, want %s", name, got, want[name])
		}
	}
	if found != len(want) {
		t.Errorf("%d files, want %d", found, len(want))
	}
}

// files opens every file below the root.
func files(t *testing.T, v *Volume) map[string]*File {
	t.Helper()
	root, err := v.Root()
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]*File{}
	for n, err := range root.Walk() {
		if err != nil {
			t.Error(err)
			continue
		}
		f, err := n.File()
		if err != nil {
			t.Error(err)
			continue
		}
		found[n.Path] = f
	}
	return found
}

// TestRealBlocks counts the blocks in use as df of debugvmfs does, from the bitmaps and from
// the extents of all files.
func TestRealBlocks(t *testing.T) {
	v, _ := openReal(t)
	fbb, err := v.Resources(FBBSlot)
	if err != nil {
		t.Fatal(err)
	}
	total, used := int64(0), int64(0)
	for n := range fbb.Clusters() {
		c, err := fbb.Cluster(n, nil)
		if err != nil {
			t.Fatal(err)
		}
		if c.Lock().Type() != LockFBB || c.Number() != n || c.CountFree() != c.Free() {
			t.Errorf("cluster %d: lock %#x, number %d, %d free of %d counted", n, c.Lock().Type(), c.Number(), c.Free(), c.CountFree())
		}
		total += int64(c.Total())
		used += int64(c.Total() - c.Free())
	}
	if total != 1024 || used != 674 {
		t.Errorf("%d blocks of %d in use, want 674 of 1024", used, total)
	}
	owned := map[int64]bool{}
	for _, f := range files(t, v) {
		for e, err := range f.Extents() {
			if err != nil {
				t.Fatal(err)
			}
			if e.Kind != Data && e.Kind != ToBeZeroed {
				continue
			}
			for at := e.Physical; at < e.Physical+e.Length; at += 1 << 20 {
				owned[at] = true
			}
		}
	}
	if root, _ := v.Root(); root.Descriptor().ZLA() == DirectFB {
		for e := range root.Extents() {
			owned[e.Physical] = true
		}
	}
	if len(owned) != 674 {
		t.Errorf("files have %d blocks, want 674", len(owned))
	}
}

// TestRealPeer compares listing and sums with debugvmfs itself.
func TestRealPeer(t *testing.T) {
	v, m := openReal(t)
	if _, err := exec.LookPath("debugvmfs"); err != nil {
		t.Skip("debugvmfs is not installed: vmfs-tools of Debian has it")
	}
	img := filepath.Join(t.TempDir(), "vmfs3.img")
	expand(t, m, img)
	debugvmfs := func(args ...string) []byte {
		out, err := exec.CommandContext(t.Context(), "debugvmfs", append([]string{img}, args...)...).Output()
		if err != nil {
			t.Fatalf("debugvmfs %v: %v", args, err)
		}
		return out
	}
	listed := map[string]bool{}
	for line := range strings.Lines(string(debugvmfs("ls", "-l", "/"))) {
		words := strings.Fields(line)
		listed[words[4]+" "+words[5]+" "+words[6]+" /"+words[7]] = true
	}
	for name, f := range files(t, v) {
		line := fmt.Sprintf("%d %s %s", f.Size(), f.Descriptor().Changed().Local().Format("2006-01-02 15:04:05"), name)
		if !listed[line] {
			t.Errorf("debugvmfs lists no %q", line)
		}
		if got := fmt.Sprintf("%x", sha1.Sum(debugvmfs("cat", name))); got != sum(t, f) {
			t.Errorf("%s: debugvmfs reads %s, we read %s", name, got, sum(t, f))
		}
	}
	if len(listed) != 15 {
		t.Errorf("debugvmfs lists %d entries, want 15", len(listed))
	}
}

// expand writes the image as a sparse file.
func expand(t *testing.T, m *Vmfsimg, to string) {
	t.Helper()
	f, err := os.Create(to)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	if err := f.Truncate(m.Size()); err != nil {
		t.Fatal(err)
	}
	var block [imageBlockLen]byte
	for _, b := range m.blocks {
		if _, err := m.ReadAt(block[:], b.number*imageBlockLen); err != nil {
			t.Fatal(err)
		}
		if _, err := f.WriteAt(block[:], b.number*imageBlockLen); err != nil {
			t.Fatal(err)
		}
	}
}
