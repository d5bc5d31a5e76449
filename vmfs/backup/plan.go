package backup

import (
	"context"
	"errors"
	"fmt"
	"path"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/lunarsan/lunar/vmfs"
)

// Bounds: what a volume claims beyond them is left out, since it cannot be right.
const (
	maxMetadata = 64 << 30 // bytes of all parts
	maxSmall    = 1 << 30  // bytes of all small files
	maxFiles    = 100_000  // small files
)

// smallFiles are the files that are kept as they are: by the end of their name, and how long
// they are at most. A VMDK beyond that is not a descriptor but a disk.
var smallFiles = []struct {
	suffix string
	most   int64
}{
	{".vmx", 1 << 20}, {".vmxf", 1 << 20}, {".vmtx", 1 << 20}, {".vmdk", 64 << 10},
	{".vmsd", 1 << 20}, {".nvram", 4 << 20}, {".hlog", 1 << 20}, {".vmft", 1 << 20},
}

func isSmall(name string, size int64) bool {
	for _, s := range smallFiles {
		if strings.HasSuffix(strings.ToLower(name), s.suffix) {
			return size <= s.most
		}
	}
	return false
}

// A plan is everything that belongs to a backup of a volume as it is now.
type plan struct {
	v        *vmfs.Volume
	sources  []*source
	problems []string
	files    int

	names   map[string]bool
	bytes   int64 // of all parts
	small   int64 // of small files
	smalls  int
	folders []Range // of directories
}

// plan finds what belongs to a backup.
func planOf(ctx context.Context, v *vmfs.Volume) (*plan, error) {
	p := &plan{v: v, names: map[string]bool{}}
	p.headers()
	p.resources()
	if err := p.tree(ctx); err != nil {
		return nil, err
	}
	p.add(ranges(v, Part{Name: "directories", Group: Directories, File: "directories.zst", Ranges: p.folders}))
	p.start()
	p.add(p.list())
	return p, ctx.Err()
}

// add adds a part, unless its bytes are too many, or its name is taken.
func (p *plan) add(s *source) {
	switch {
	case p.names[s.Name]:
		p.problem("%s is there twice: the second was left out", s.Name)
	case p.bytes+s.Size > maxMetadata:
		p.problem("%s was left out: it would make the backup larger than %d GiB", s.Name, maxMetadata>>30)
	default:
		p.names[s.Name] = true
		p.bytes += s.Size
		p.sources = append(p.sources, s)
	}
}

// problem notes what is not as it should be. There may be very many.
func (p *plan) problem(format string, args ...any) {
	const most = 1000
	if len(p.problems) == most {
		p.problems = append(p.problems, "and more")
	} else if len(p.problems) < most {
		p.problems = append(p.problems, fmt.Sprintf(format, args...))
	}
}

// resources adds the system files.
func (p *plan) resources() {
	for _, slot := range []vmfs.Slot{vmfs.FDCSlot, vmfs.FBBSlot, vmfs.PBCSlot, vmfs.SBCSlot, vmfs.PB2Slot, vmfs.JBCSlot} {
		r, err := p.v.Resources(slot)
		switch {
		case err == nil:
			p.system(slot.String(), r.File)
		case errors.Is(err, vmfs.ErrCorrupt), errors.Is(err, vmfs.ErrMissing):
			p.problem("%s: %v", slot, err)
		}
	}
}

// system adds a system file. The journals are apart: hosts write to them all the time, and old
// ones must not be played.
func (p *plan) system(name string, f *vmfs.File) {
	part := Part{Name: path.Join("system", name), Group: System, File: path.Join("system", escape(name)) + ".zst"}
	if p.names[part.Name] {
		return
	}
	if f.Size() > maxMetadata {
		p.problem("%s was left out: it has %d bytes", name, f.Size())
		return
	}
	for e, err := range f.Extents() {
		switch {
		case err != nil:
			p.problem("%s: %d bytes at %#x are zeros here: %v", name, e.Length, e.Offset, err)
			fallthrough
		case e.Zeros():
			part.Ranges = appendRange(part.Ranges, Range{-1, 0, e.Length})
		default:
			part.Ranges = appendRange(part.Ranges, Range{e.Device, e.Physical, e.Length})
		}
	}
	s := ranges(p.v, part)
	if name == vmfs.JBCSlot.String() {
		s.Group, s.volatile = Journals, true
	}
	p.add(s)
}

// tree walks the volume for directories, small files, and system files that have no slot.
func (p *plan) tree(ctx context.Context) error {
	root, err := p.v.Root()
	if err != nil {
		p.problem("the root directory: %v", err)
		return nil
	}
	p.folder(root)
	for n, err := range root.Walk() {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			p.problem("%s: %v", n.Path, err)
			continue
		}
		p.node(n)
	}
	return nil
}

// node adds what is kept of one file.
func (p *plan) node(n *vmfs.Node) {
	kind := n.Entry.Type()
	if kind == vmfs.Regular && !isSmall(n.Path, 0) {
		return
	}
	f, err := n.File()
	switch {
	case err != nil:
		if kind != vmfs.Directory && kind != vmfs.System { // which the walk opens itself
			p.problem("%s: %v", n.Path, err)
		}
	case f.Descriptor().IsDir():
		p.folder(f)
	case f.Type() == vmfs.System && n.Depth == 1 && n.Path != "/"+vmfs.VHSlot.String():
		p.system(path.Base(n.Path), f)
	case f.Type() == vmfs.Regular && isSmall(n.Path, f.Size()):
		p.smallFile(n.Path, f)
	}
}

// folder adds a directory, as far as it has blocks of its own: what is in sub-blocks and
// descriptors is with the system files. Entries may lie behind its length.
func (p *plan) folder(f *vmfs.File) {
	d, end := f.Descriptor(), f.Size()
	if d.Blocks() < 1<<20 && d.BlockSize() < 1<<36 {
		end = max(end, d.Blocks()*d.BlockSize())
	}
	if end > 1<<30 {
		p.problem("%s: a directory of %d bytes was left out", f.Name(), end)
		return
	}
	for e, err := range f.ExtentsIn(0, end) {
		switch {
		case err != nil && e.Offset < f.Size():
			p.problem("%s: %v", f.Name(), err)
		case err == nil && e.Kind == vmfs.Data:
			p.folders = appendRange(p.folders, Range{e.Device, e.Physical, e.Length})
		}
	}
}

// smallFile adds a small file, which can be read in the backup as it is.
func (p *plan) smallFile(name string, f *vmfs.File) {
	if p.smalls++; p.smalls > maxFiles || p.small+f.Size() > maxSmall {
		p.problem("%s was left out: there are too many small files", name)
		return
	}
	p.small += f.Size()
	part := Part{Name: "files" + name, Group: Files, File: "files" + escape(name), Size: f.Size()}
	for e, err := range f.Extents() {
		if err != nil {
			p.problem("%s: %v", name, err)
			return
		}
		if e.Kind != vmfs.Data {
			part.Ranges = nil // what else there is of it is with the system files
			break
		}
		part.Ranges = appendRange(part.Ranges, Range{e.Device, e.Physical, e.Length})
	}
	if part.Ranges != nil {
		p.add(ranges(p.v, part))
		return
	}
	b := make([]byte, f.Size())
	if n, err := f.ReadAt(b, 0); n < len(b) {
		p.problem("%s: %v", name, err)
		return
	}
	p.add(content(part, b))
}

// escape makes a path of a volume one that a folder can have: a name of an entry may hold
// anything. What is escaped is % and two hexadecimal digits.
func escape(name string) string {
	parts := strings.Split(name, "/")
	for i, part := range parts {
		var b strings.Builder
		for at, c := range part {
			_, n := utf8.DecodeRuneInString(part[at:])
			raw := part[at : at+n]
			if unicode.IsPrint(c) && c != '%' && c != '\\' && (c != utf8.RuneError || n > 1) {
				b.WriteString(raw)
				continue
			}
			for _, c := range []byte(raw) {
				fmt.Fprintf(&b, "%%%02x", c)
			}
		}
		if parts[i] = b.String(); strings.Trim(parts[i], ".") == "" && parts[i] != "" {
			parts[i] = strings.ReplaceAll(parts[i], ".", "%2e")
		}
	}
	return strings.Join(parts, "/")
}
