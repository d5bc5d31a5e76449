package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lunarsan/lunar/vmfs/backup"
	"github.com/lunarsan/lunar/vmfs/undelete"
	"github.com/lunarsan/lunar/vmfs/vmfstest"
)

// doomed are files of which some will be deleted, whose descriptors keep nothing.
func doomed(version int) vmfstest.Spec {
	const mib = 1 << 20
	gone := vmfstest.Deletion{Descriptor: vmfstest.Wiped, Name: vmfstest.Wiped}
	s := vmfstest.Spec{Version: version, Label: "ds1", Seed: 4, Devices: []vmfstest.Device{{Table: vmfstest.GPT}}, Files: []vmfstest.File{
		{Path: "/vm1/vm1.vmx", Data: []byte("displayName = \"vm1\"\n"), Deleted: gone},
		{Path: "/vm1/vm1.vmdk", Data: []byte(flatDescriptor), Deleted: gone},
		{Path: "/vm1/vm1-flat.vmdk", Size: 12 * mib, Seed: 5, Layout: vmfstest.Indirect, Step: 2, Map: []vmfstest.Piece{
			{Length: 2 * mib}, {Length: 3 * mib, Kind: vmfstest.Hole}, {Length: 2 * mib, Kind: vmfstest.ToBeZeroed}, {Length: 5 * mib}}, Deleted: gone},
		{Path: "/vm2/vm2-flat.vmdk", Size: 6 * mib, Seed: 6},
	}}
	if version == 3 {
		s.Files[0].Layout, s.Files[1].Layout = vmfstest.SubBlock, vmfstest.SubBlock
	}
	return s
}

// writeTo writes a volume of one device to a file.
func writeTo(t *testing.T, name string, s vmfstest.Spec) *vmfstest.Image {
	t.Helper()
	sizes, err := s.Sizes()
	if err != nil {
		t.Fatal(err)
	}
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := f.Truncate(sizes[0]); err != nil {
		t.Fatal(err)
	}
	image, err := s.Write(f)
	if err != nil {
		t.Fatal(err)
	}
	return image
}

// backUp backs up the volume in a file, and returns where to.
func backUp(t *testing.T, image, dest string) string {
	t.Helper()
	b, err := backup.Take(t.Context(), volumeIn(t, image), backup.Options{Dest: dest, Host: "host", Alias: "ds1"})
	if err != nil {
		t.Fatal(err)
	}
	return b.Path
}

// lunar runs a command line and returns what it prints.
func lunar(t *testing.T, code int, args ...string) (stdout, stderr string) {
	t.Helper()
	var out, complaints bytes.Buffer
	if got := run(t.Context(), world{name: "lunar", args: args, stdin: strings.NewReader(""), stdout: &out, stderr: &complaints,
		getenv: func(string) string { return "" }}); got != code {
		t.Fatalf("%q ends with %d: %s", args, got, &complaints)
	}
	return out.String(), complaints.String()
}

// What was backed up, and then deleted so that nothing is left of descriptors and names, is there
// again as it was; the image is as it was before.
func TestVMFSUndeleteFromBackup(t *testing.T) {
	for _, version := range []int{3, 5, 6} {
		t.Run(fmt.Sprint(version), func(t *testing.T) {
			image, dest := filepath.Join(t.TempDir(), "image"), filepath.Join(t.TempDir(), "a", "b")
			alive := doomed(version)
			for i := range alive.Files {
				alive.Files[i].Deleted = vmfstest.Deletion{}
			}
			written := writeTo(t, image, alive)
			saved := backUp(t, image, t.TempDir())
			writeTo(t, image, doomed(version))
			before := sumOf(t, image)

			text, _ := lunar(t, 0, "vmfs", "undelete", image, "--from", saved, "--dest", dest, "--json")
			var list []candidateInfo
			if err := json.Unmarshal([]byte(text), &list); err != nil || len(list) != 3 {
				t.Fatalf("%v: %s", err, text)
			}
			for _, one := range list {
				want := must(io.ReadAll(written.Open(one.Name)))(t)
				got := must(os.ReadFile(one.File))(t)
				if !bytes.Equal(got, want) || one.Confidence != undelete.High || one.By != undelete.BySaved {
					t.Errorf("%s: other bytes, or %+v", one.Name, one)
				}
				if filepath.Join(dest, one.Name) != one.File {
					t.Errorf("%s is in %s", one.Name, one.File)
				}
				var m candidateMap
				if err := json.Unmarshal(must(os.ReadFile(one.Map))(t), &m); err != nil || len(m.Pieces) == 0 || m.Size != one.Size {
					t.Errorf("%s: %v, %+v", one.Map, err, m)
				}
			}
			if after := sumOf(t, image); after != before {
				t.Error("the image has changed")
			}
			// What is there is not written over.
			_, stderr := lunar(t, 1, "vmfs", "undelete", image, "--from", saved, "--dest", dest, "/vm1/vm1.vmx")
			if !strings.Contains(stderr, "vm1.vmx is there already") {
				t.Error(stderr)
			}
		})
	}
}

// sumOf is the SHA-256 of a file.
func sumOf(t *testing.T, name string) [sha256.Size]byte {
	t.Helper()
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		t.Fatal(err)
	}
	return [sha256.Size]byte(h.Sum(nil))
}

// must fails the test when what was called did.
func must[T any](v T, err error) func(*testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// What is listed, chosen and refused.
func TestVMFSUndelete(t *testing.T) {
	dir := t.TempDir()
	image := filepath.Join(dir, "image")
	s := doomed(5)
	for i := range s.Files {
		if s.Files[i].Deleted != (vmfstest.Deletion{}) {
			s.Files[i].Deleted = vmfstest.Deletion{Descriptor: vmfstest.Kept, Name: vmfstest.Kept}
		}
	}
	writeTo(t, image, s)
	text, _ := lunar(t, 0, "vmfs", "undelete", image)
	const want = `1  /vm1/vm1.vmx  confidence high, descriptor, 20 B
   descriptor 0x2800004 is whole, and was changed on TIME
   20 B unowned
2  /vm1/vm1.vmdk  confidence high, descriptor, 185 B
   descriptor 0x2c00004 is whole, and was changed on TIME
   185 B unowned
3  /vm1/vm1-flat.vmdk  confidence high, descriptor, 12 MiB
   descriptor 0x3000004 is whole, and was changed on TIME
   7 MiB free, 5 MiB zeros
`
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		if before, _, ok := strings.Cut(line, " changed on "); ok {
			lines[i] = before + " changed on TIME"
		}
	}
	if diff := cmp.Diff(want, strings.Join(lines, "\n")); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	dest := filepath.Join(dir, "dest")
	lunar(t, 0, "vmfs", "undelete", image, "--dest", dest, "2")
	found := must(filepath.Glob(dest + "/*/*"))(t)
	if want := []string{dest + "/vm1/vm1.vmdk", dest + "/vm1/vm1.vmdk.map.json"}; !slices.Equal(found, want) {
		t.Errorf("extracted %q", found)
	}
	if text, _ := lunar(t, 0, "vmfs", "undelete", image, "--by", "pointers,carved"); !strings.Contains(text, "a part of a file") || strings.Contains(text, "descriptor 0x") {
		t.Errorf("by pointers: %s", text)
	}
	other := filepath.Join(dir, "other")
	writeTo(t, other, vmfstest.Spec{Version: 5, Seed: 77})
	if text, _ := lunar(t, 0, "vmfs", "undelete", other); text != "no deleted file was found\n" {
		t.Error(text)
	}
	for _, test := range []struct {
		code int
		want string
		args []string
	}{
		{1, "there is no candidate 9", []string{image, "9", "--dest", dest}},
		{2, "needs --dest", []string{image, "1"}},
		{2, "--by luck is none of", []string{image, "--by", "luck"}},
		{1, "on other extents", []string{image, "--from", backUp(t, other, dir)}},
		{1, "no-backup", []string{image, "--from", filepath.Join(dir, "no-backup")}},
	} {
		if _, stderr := lunar(t, test.code, append([]string{"vmfs", "undelete"}, test.args...)...); !strings.Contains(stderr, test.want) {
			t.Errorf("%q: %s", test.args, stderr)
		}
	}
}

// Names from a volume stay in the folder, whatever they are.
func TestExtracts(t *testing.T) {
	dir := t.TempDir()
	e := must(openExtracts(filepath.Join(dir, "dest")))(t)
	for _, test := range [][2]string{
		{"/../../etc/passwd", "dest/etc/passwd"}, {"a//b", "dest/a/b"}, {"..", "dest/deleted"}, {"/", "dest/deleted.2"}, {"/a/b", "dest/a/b.2"},
	} {
		name, want := test[0], test[1]
		out, where, err := e.create(name)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got := out.Name(); got != filepath.Join(dir, want) {
			t.Errorf("%s is %s", name, got)
		}
		if out.Close() != nil || where.Close() != nil {
			t.Error("not closed")
		}
	}
	if err := e.Close(); err != nil {
		t.Error(err)
	}
}
