package vmfstest

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// plain is a volume with nothing on it that the tools of others do not understand.
func plain(version int) Spec {
	return Spec{Version: version, Size: 1 << 30, Label: "plain", Seed: 42, Files: []File{
		{Path: "/vm1/vm1.vmx", Data: []byte("displayName = \"vm1\"\n")},
		{Path: "/vm1/vm1-flat.vmdk", Size: 20<<20 + 5, Seed: 7},
		{Path: "/vm1/indirect.vmdk", Size: 5<<20 + 5, Seed: 8, Layout: Indirect, Step: 3},
		{Path: "/vm1/backwards.vmdk", Size: 5 << 20, Seed: 9, Step: -2},
		{Path: "/vm1/small", Size: 5000, Seed: 10, Layout: SubBlock},
		{Path: "/vm1/empty"},
		{Path: "/vm2/deep/er/file", Size: 1 << 20, Seed: 11},
		{Path: "/vm2/none", Type: Directory},
	}}
}

// save writes a volume to files.
func save(t *testing.T, s Spec) (images []string, img *Image) {
	t.Helper()
	sizes, err := s.Sizes()
	if err != nil {
		t.Fatal(err)
	}
	var devices []io.WriterAt
	for i, size := range sizes {
		f, err := os.Create(filepath.Join(t.TempDir(), fmt.Sprintf("%d.img", i)))
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		if err := f.Truncate(size); err != nil {
			t.Fatal(err)
		}
		devices, images = append(devices, f), append(images, f.Name())
	}
	if img, err = s.Write(devices...); err != nil {
		t.Fatal(err)
	}
	return images, img
}

// tool runs one of the tools for the first most bytes of what it says, or skips the test where
// it is not installed.
func tool(t *testing.T, most int64, name string, args ...string) []byte {
	t.Helper()
	at, err := exec.LookPath(name)
	if err != nil {
		if at, err = exec.LookPath("/usr/sbin/" + name); err != nil {
			t.Skipf("%s is not installed (Debian: vmfs-tools, vmfs6-tools)", name)
		}
	}
	cmd := exec.Command(at, args...)
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer cmd.Wait()
	defer cmd.Process.Kill()
	// debugvmfs6 says first what it found, once for each image.
	const banner = "VMFS version: 6\n"
	out, err := io.ReadAll(io.LimitReader(stdout, most+32*int64(len(banner))))
	if err != nil {
		t.Fatal(err)
	}
	for bytes.HasPrefix(out, []byte(banner)) {
		out = out[len(banner):]
	}
	return out[:min(most, int64(len(out)))]
}

// reader is the tool that reads a version.
func reader(version int) string {
	if version == 6 {
		return "debugvmfs6"
	}
	return "debugvmfs"
}

// TestOracles has tools that others wrote list and read what was put in.
func TestOracles(t *testing.T) {
	for _, version := range []int{3, 5, 6} {
		t.Run(fmt.Sprint(version), func(t *testing.T) {
			images, img := save(t, plain(version))
			compare(t, version, images, img)
		})
	}
}

// compare has a tool list and read every file.
func compare(t *testing.T, version int, images []string, img *Image) {
	t.Helper()
	lists := map[string]string{}
	for name, f := range img.Files() {
		list, ok := lists[path.Dir(name)]
		if !ok {
			list = string(tool(t, mib, reader(version), append(images, "ls", "-l", path.Dir(name))...))
			lists[path.Dir(name)] = list
		}
		line := regexp.MustCompile(`(?m)^.*\s` + regexp.QuoteMeta(path.Base(name)) + `$`).FindString(list)
		if line == "" {
			t.Errorf("%s is not listed:\n%s", name, list)
			continue
		}
		want := img.Open(name)
		if want == nil {
			continue
		}
		if fields := strings.Fields(line); fields[4] != fmt.Sprint(want.Size()) {
			t.Errorf("%s: %s bytes, want %d", name, fields[4], want.Size())
		}
		if !understood(version, f) || strings.HasPrefix(name, "/many/") && !strings.HasSuffix(name, "0") {
			continue
		}
		data, err := io.ReadAll(io.LimitReader(want, 64*mib))
		if err != nil {
			t.Fatal(err)
		}
		got := tool(t, int64(len(data)), reader(version), append(images, "cat", name)...)
		if !bytes.Equal(got, data) {
			t.Errorf("%s: %d bytes, the first that differs is %d", name, len(got), differ(got, data))
		}
	}
}

// understood reports a file that the tools read rightly.
func understood(version int, f *File) bool {
	for _, p := range f.Map {
		// debugvmfs6 shows what is on disk in blocks to be zeroed, and loses blocks after holes.
		if version == 6 && p.Kind != Data && p.Kind != Large {
			return false
		}
	}
	switch {
	case f.Type == Symlink: // followed
		return false
	case version < 6:
		return f.Layout != Double && f.Layout != SecondaryBlocks
	}
	return true
}

// differ is where two strings begin to differ.
func differ(a, b []byte) int {
	n := min(len(a), len(b))
	for i := range n {
		if a[i] != b[i] {
			return i
		}
	}
	return n
}

// TestSpace has them count the blocks, and check the bitmaps.
func TestSpace(t *testing.T) {
	for _, version := range []int{3, 5} {
		t.Run(fmt.Sprint(version), func(t *testing.T) {
			s := plain(version)
			// fsck.vmfs takes data in a descriptor for addresses.
			s.Files[0].Layout = SubBlock
			images, img := save(t, s)
			df := string(tool(t, mib, "debugvmfs", images[0], "df"))
			total, used := img.Blocks()
			for _, want := range []string{
				fmt.Sprintf("Total blocks     : %d\n", total),
				fmt.Sprintf("Allocated blocks : %d\n", used),
			} {
				if !strings.Contains(df, want) {
					t.Errorf("df says\n%swant %s", df, want)
				}
			}
			fsck := string(tool(t, mib, "fsck.vmfs", images[0]))
			for _, line := range []string{"Unallocated blocks", "Lost blocks", "Undefined inodes", "Orphaned inodes", "Directory errors"} {
				if !regexp.MustCompile(line + `\s*: 0\n`).MatchString(fsck) {
					t.Errorf("fsck.vmfs: %s is not 0:\n%s", line, fsck)
				}
			}
		})
	}
}

// TestEverything has them read all that they understand of a volume with everything on it, in
// the shapes that they understand.
func TestEverything(t *testing.T) {
	for name, s := range Shapes() {
		t.Run(name, func(t *testing.T) {
			for _, d := range s.Devices {
				if d.Table == GPT || d.Table == Lost || len(d.Extents) > 1 {
					t.Skip("the tools know an MBR alone, and no extents that interleave")
				}
			}
			if s.Alignment > 4096 {
				t.Skip("the tools know metadata of 4 KiB alone")
			}
			images, img := save(t, s)
			compare(t, s.Version, images, img)
		})
	}
}

// TestFsck has fsck.vmfs compare bitmaps and owners of a volume with everything on it. It takes
// three blocks that are to be zeroed and two journals for lost, and entries of deleted files
// for entries.
func TestFsck(t *testing.T) {
	images, _ := save(t, Everything(3))
	fsck := string(tool(t, mib, "fsck.vmfs", images[0]))
	for line, want := range map[string]int{"Unallocated blocks": 0, "Lost blocks": 5, "Orphaned inodes": 0, "Directory errors": 0} {
		if !regexp.MustCompile(line + fmt.Sprintf(`\s*: %d\n`, want)).MatchString(fsck) {
			t.Errorf("fsck.vmfs: %s is not %d:\n%s", line, want, fsck)
		}
	}
	if strings.Contains(fsck, "multiple inodes") {
		t.Errorf("fsck.vmfs finds shared blocks:\n%s", fsck)
	}
}
