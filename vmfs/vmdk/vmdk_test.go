package vmdk

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/lunarsan/lunar/vmfs"
)

// A folder is files by their paths.
type folder map[string][]byte

func (f folder) open(name string) (File, error) {
	b, ok := f[name]
	if !ok {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	return content(b), nil
}

// content is a file in memory; its second half MiB, and each second one, is a hole when it is
// zeros.
type content []byte

func (c content) Size() int64 { return int64(len(c)) }

func (c content) ReadAt(p []byte, off int64) (int, error) { return bytes.NewReader(c).ReadAt(p, off) }

func (c content) Spans(from, to int64) iter.Seq2[vmfs.Span, error] {
	const step = 512 << 10
	return func(yield func(vmfs.Span, error) bool) {
		for off := from; off < to; {
			end := min(to, off-off%step+step)
			zero := off/step%2 == 1 && len(bytes.Trim(c[off:end], "\x00")) == 0
			if !yield(vmfs.Span{Offset: off, Length: end - off, Zero: zero}, nil) {
				return
			}
			off = end
		}
	}
}

const mib = 1 << 20

// random is n bytes from a seed.
func random(seed byte, n int) []byte {
	b := make([]byte, n)
	rand.NewChaCha8([32]byte{seed}).Read(b)
	return b
}

// describe is a descriptor of one extent.
func describe(kind, file string, sectors int64, cid, parentCID, hint string) []byte {
	text := fmt.Sprintf("# Disk DescriptorFile\nversion=1\nCID=%s\nparentCID=%s\ncreateType=\"vmfs\"\n", cid, parentCID)
	if hint != "" {
		text += fmt.Sprintf("parentFileNameHint=\"%s\"\n", hint)
	}
	return []byte(text + fmt.Sprintf("\n# Extent description\nRW %d %s \"%s\"\n\n# The Disk Data Base\nddb.adapterType = \"lsilogic\"\n", sectors, kind, file))
}

// A change is a grain's length of other bytes; nil of zeros, where the format has them.
type change struct {
	at   int64
	data []byte
}

// makeCOWD makes a file of changes of grains of one sector: written from the table in the
// vendor's document, apart from what reads it.
func makeCOWD(sectors int64, changes []change) []byte {
	le := binary.LittleEndian
	b := make([]byte, 2048)
	copy(b, "COWD")
	tables := (sectors + 4095) / 4096
	for i, v := range []uint32{1, 3, uint32(sectors), 1, 4, uint32(tables)} {
		le.PutUint32(b[4+4*i:], v)
	}
	b = append(b, make([]byte, (tables*4+511)/512*512)...)
	for _, c := range changes {
		for i := range int64(len(c.data) / 512) {
			s := c.at/512 + i
			dir := 2048 + s/4096*4
			if le.Uint32(b[dir:]) == 0 {
				le.PutUint32(b[dir:], uint32(len(b)/512))
				b = append(b, make([]byte, 4096*4)...)
			}
			le.PutUint32(b[int64(le.Uint32(b[dir:]))*512+s%4096*4:], uint32(len(b)/512))
			b = append(b, c.data[i*512:(i+1)*512]...)
		}
	}
	return b
}

// makeSESparse makes a file of changes of grains of 4 KiB; data that is nil is a grain of
// zeros.
func makeSESparse(sectors int64, changes []change) []byte {
	le := binary.LittleEndian
	const directory, tables = 2 * 512, 4 * 512
	grains := int64(tables + 4*32768)
	b := make([]byte, grains)
	for at, v := range map[int]uint64{
		0x00: 0xcafebabe, 0x08: 0x200000001, 0x10: uint64(sectors), 0x18: 8, 0x20: 64, 0x50: 1, 0x58: 1,
		0x80: directory / 512, 0x88: 2, 0x90: tables / 512, 0x98: 4 * 64, 0xC0: uint64(grains / 512),
		512: 0xcafecafe,
	} {
		le.PutUint64(b[at:], v)
	}
	next := uint64(0)
	for _, c := range changes {
		for i := range int64(max(4096, len(c.data)) / 4096) {
			g := c.at/4096 + i
			table := g / 4096
			le.PutUint64(b[directory+table*8:], 0x1000000000000000|uint64(table))
			entry := b[tables+table*32768+g%4096*8:]
			if c.data == nil {
				le.PutUint64(entry, 0x2000000000000000)
				continue
			}
			le.PutUint64(entry, 0x3000000000000000|next&0xFFF<<48|next>>12)
			b = append(b, c.data[i*4096:(i+1)*4096]...)
			next++
		}
	}
	return b
}

// apply makes the changes to a copy of a disk.
func apply(disk []byte, changes []change) []byte {
	disk = slices.Clone(disk)
	for _, c := range changes {
		if c.data == nil {
			clear(disk[c.at : c.at+4096])
		}
		copy(disk[c.at:], c.data)
	}
	return disk
}

// chain is a disk of 9 MiB with two snapshots, and what it holds.
func chain(kind string) (folder, []byte) {
	base := random(1, 9*mib)
	clear(base[2*mib : 4*mib])
	first := []change{{0, random(2, 8192)}, {3 * mib, random(3, mib)}, {8*mib + 4096, random(4, 4096)}}
	second := []change{{4096, random(5, 4096)}, {3*mib + 8192, random(6, 12288)}, {9*mib - 4096, random(7, 4096)}}
	if kind == "SESPARSE" {
		second = append(second, change{5 * mib, nil})
	}
	pack := makeCOWD
	if kind == "SESPARSE" {
		pack = makeSESparse
	}
	const sectors = 9 * mib / 512
	return folder{
		"/vm/a.vmdk":              describe("VMFS", "a-flat.vmdk", sectors, "00000001", noParent, ""),
		"/vm/a-flat.vmdk":         base,
		"/vm/a-000001.vmdk":       describe(kind, "a-000001-delta.vmdk", sectors, "00000002", "00000001", "a.vmdk"),
		"/vm/a-000001-delta.vmdk": pack(sectors, first),
		"/vm/a-000002.vmdk":       describe(kind, "a-000002-delta.vmdk", sectors, "00000003", "00000002", "/vm/a-000001.vmdk"),
		"/vm/a-000002-delta.vmdk": pack(sectors, second),
	}, apply(apply(base, first), second)
}

// read reads all of a disk, in reads that do not fit its grains.
func read(t *testing.T, d *Disk) []byte {
	t.Helper()
	var b bytes.Buffer
	if _, err := io.CopyBuffer(&b, struct{ io.Reader }{io.NewSectionReader(d, 0, d.Size())}, make([]byte, 100001)); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestChain(t *testing.T) {
	for _, kind := range []string{"VMFSSPARSE", "SESPARSE"} {
		files, want := chain(kind)
		d, err := Open(files.open, "/vm/a-000002.vmdk")
		if err != nil {
			t.Fatal(err)
		}
		if got := read(t, d); !bytes.Equal(got, want) {
			t.Errorf("%s: the disk differs", kind)
		}
		if want := []string{"/vm/a-000002.vmdk", "/vm/a-000001.vmdk", "/vm/a.vmdk"}; !slices.Equal(d.Names, want) {
			t.Errorf("%s: the chain is %q", kind, d.Names)
		}
		var at, zeros int64
		for s, err := range d.Spans(0, d.Size()) {
			if err != nil || s.Offset != at {
				t.Fatalf("%s: span %+v behind %d, %v", kind, s, at, err)
			}
			at += s.Length
			if s.Zero {
				zeros += s.Length
				if len(bytes.Trim(want[s.Offset:at], "\x00")) > 0 {
					t.Errorf("%s: span %+v is not zeros", kind, s)
				}
			}
		}
		if at != d.Size() || zeros == 0 {
			t.Errorf("%s: the spans end at %d; %d bytes are zeros", kind, at, zeros)
		}
	}
}

// TestPeer has QEMU read the same chains.
func TestPeer(t *testing.T) {
	if _, err := exec.LookPath("qemu-img"); err != nil {
		t.Skip("qemu-img is not installed")
	}
	for _, kind := range []string{"VMFSSPARSE", "SESPARSE"} {
		files, want := chain(kind)
		dir := t.TempDir()
		for name, b := range files {
			b = bytes.ReplaceAll(b, []byte("/vm/a-000001"), []byte("a-000001"))
			if err := os.WriteFile(filepath.Join(dir, filepath.Base(name)), b, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		out := filepath.Join(dir, "raw")
		cmd := exec.CommandContext(t.Context(), "qemu-img", "convert", "-f", "vmdk", "-O", "raw", "a-000002.vmdk", out)
		cmd.Dir = dir
		if text, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s", kind, err, text)
			continue
		}
		if got, err := os.ReadFile(out); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s: QEMU reads something else (%v)", kind, err)
		}
	}
}

func TestRefused(t *testing.T) {
	sectors := int64(mib / 512)
	tests := map[string]struct {
		change func(folder)
		want   string
	}{
		"a raw device":      {func(f folder) { f["/a.vmdk"] = describe("VMFSRDM", "a-flat.vmdk", sectors, "1", noParent, "") }, "raw device mapping"},
		"another kind":      {func(f folder) { f["/a.vmdk"] = describe("SPARSE", "a-flat.vmdk", sectors, "1", noParent, "") }, "is of kind SPARSE, which is not read"},
		"no descriptor":     {func(f folder) { f["/a.vmdk"] = []byte("KDMV") }, "describes no disk"},
		"no extents":        {func(f folder) { f["/a.vmdk"] = []byte("# Disk DescriptorFile\nversion=1\n") }, "names no extents"},
		"no file":           {func(f folder) { delete(f, "/a-flat.vmdk") }, "not exist"},
		"a short file":      {func(f folder) { f["/a-flat.vmdk"] = make([]byte, mib-1) }, "are not in a file of"},
		"no parent named":   {func(f folder) { f["/a.vmdk"] = describe("VMFS", "a-flat.vmdk", sectors, "1", "2", "") }, "does not name"},
		"a loop":            {func(f folder) { f["/a.vmdk"] = describe("VMFS", "a-flat.vmdk", sectors, "1", "2", "a.vmdk") }, "which is changes to it"},
		"a bad length":      {func(f folder) { f["/a.vmdk"] = describe("VMFS", "a-flat.vmdk", -1, "1", noParent, "") }, "sectors"},
		"no COWD":           {func(f folder) { f["/a.vmdk"] = describe("VMFSSPARSE", "a-flat.vmdk", sectors, "1", noParent, "") }, "COWD"},
		"no SESPARSE":       {func(f folder) { f["/a.vmdk"] = describe("SESPARSE", "a-flat.vmdk", sectors, "1", noParent, "") }, "magic"},
		"SESPARSE, journal": {func(f folder) { f["/a.vmdk"], f["/a-flat.vmdk"] = dirtySESparse(sectors) }, "journal"},
	}
	for name, tt := range tests {
		f := folder{"/a.vmdk": describe("VMFS", "a-flat.vmdk", sectors, "1", noParent, ""), "/a-flat.vmdk": make([]byte, mib)}
		tt.change(f)
		if _, err := Open(f.open, "/a.vmdk"); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// dirtySESparse is a file whose journal has to be replayed.
func dirtySESparse(sectors int64) (descriptor, file []byte) {
	file = makeSESparse(sectors, nil)
	file[512+0x18] = 1
	return describe("SESPARSE", "a-flat.vmdk", sectors, "1", noParent, ""), file
}

// TestExtents is a disk of several extents of several kinds.
func TestExtents(t *testing.T) {
	text := "# Disk DescriptorFile\nCID=1\nparentCID=ffffffff\nRW 8 FLAT \"x\" 3\nRW 16 ZERO\nRDONLY 4 FLAT \"y\"\n"
	x, y := random(1, 11*512), random(2, 4*512)
	d, err := Open(folder{"/d": []byte(text), "/x": x, "/y": y}.open, "/d")
	if err != nil {
		t.Fatal(err)
	}
	want := slices.Concat(x[3*512:], make([]byte, 16*512), y)
	if got := read(t, d); !bytes.Equal(got, want) {
		t.Error("the disk differs")
	}
}

// TestFlat writes a descriptor that is read again.
func TestFlat(t *testing.T) {
	was, err := ParseDescriptor(describe("VMFS", "a-flat.vmdk", 2048, "12345678", noParent, ""))
	if err != nil {
		t.Fatal(err)
	}
	d, err := ParseDescriptor([]byte(Flat("b-flat.vmdk", mib, was)))
	if err != nil {
		t.Fatal(err)
	}
	if e := d.Extents[0]; d.CID != "12345678" || d.HasParent() || e.Kind != "FLAT" || e.Sectors != 2048 || e.File != "b-flat.vmdk" || d.DDB["ddb.adapterType"] != "lsilogic" {
		t.Errorf("%+v", d)
	}
}

func FuzzDescriptor(f *testing.F) {
	f.Add(describe("VMFS", "a-flat.vmdk", 2048, "12345678", "1", "/vmfs/volumes/x/a.vmdk"))
	f.Add([]byte("# Disk DescriptorFile\nRW 8 FLAT \"x\" 3\nRW 16 ZERO\nRDONLY 4 FLAT \"y\"\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		d, err := ParseDescriptor(b)
		if err != nil {
			return
		}
		for _, e := range d.Extents {
			if e.Sectors < 0 || e.Offset < 0 {
				t.Errorf("%+v", e)
			}
		}
	})
}

func FuzzGrains(f *testing.F) {
	changes := []change{{0, random(1, 4096)}, {mib / 2, random(2, 8192)}}
	f.Add(true, makeCOWD(mib/512, changes))
	f.Add(false, makeSESparse(mib/512, changes))
	f.Fuzz(func(t *testing.T, cowd bool, b []byte) {
		kind := "SESPARSE"
		if cowd {
			kind = "VMFSSPARSE"
		}
		d, err := Open(folder{"/d": describe(kind, "x", mib/512, "1", noParent, ""), "/x": b}.open, "/d")
		if err != nil {
			return
		}
		at := int64(0)
		for s, err := range d.Spans(0, d.Size()) {
			if err != nil {
				return
			}
			if s.Offset != at || s.Length <= 0 {
				t.Fatalf("%+v behind %d", s, at)
			}
			at += s.Length
		}
		if _, err := d.ReadAt(make([]byte, mib), 0); err != nil {
			t.Errorf("the spans are whole, and reading gives %v", err)
		}
	})
}
