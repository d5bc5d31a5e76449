package main

import (
	"bufio"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/spf13/cobra"

	"github.com/lunarsan/lunar/vmfs"
)

// A fileInfo is a file of a volume.
type fileInfo struct {
	Path     string    `json:"path"`
	Type     string    `json:"type"`
	Mode     string    `json:"mode"`
	UID      uint32    `json:"uid"`
	GID      uint32    `json:"gid"`
	Size     int64     `json:"size"`
	Taken    int64     `json:"taken"` // bytes of blocks
	Modified time.Time `json:"modified"`
	Address  string    `json:"address"`
	Layout   string    `json:"layout,omitempty"`
	Link     string    `json:"link,omitempty"`
	Disk     string    `json:"disk,omitempty"` // of a raw device mapping
	Error    string    `json:"error,omitempty"`
}

func (c *cli) vmfsLs() *cobra.Command {
	var (
		o               output
		choice          imageChoice
		long, recursive bool
	)
	cmd := c.vmfsVerb("ls IMAGE [PATH]", "List a directory of a volume", func(cmd *cobra.Command, args []string) error {
		v, err := c.openVolume(cmd.Context(), args[0], choice)
		if err != nil {
			return err
		}
		l := &lister{c: c, v: v, out: bufio.NewWriterSize(c.stdout, 64<<10), long: long, recursive: recursive}
		if o.json {
			l.json = newJSONList(l.out)
		}
		err = l.list(pathArgument(args))
		return joined(err, l.end(), v.Close())
	})
	cmd.Long = `List a directory of a volume, or a file. The system files of VMFS, .fbb.sf and others, are in the
root directory.

With -l a line has the mode, owner, group, size, bytes of blocks that it takes, when it was modified,
and the name. What cannot be read is said, and the rest is listed.`
	cmd.Flags().BoolVarP(&long, "long", "l", false, "tell more than the name")
	cmd.Flags().BoolVarP(&recursive, "recursive", "R", false, "list what is below, too, with paths")
	return choice.flags(o.flag(cmd))
}

// pathArgument is the path behind IMAGE, or the root.
func pathArgument(args []string) string {
	if len(args) > 1 {
		return args[1]
	}
	return "/"
}

// A lister lists files.
type lister struct {
	c               *cli
	v               *openImage
	out             *bufio.Writer
	json            *jsonList // nil: text
	long, recursive bool

	buf    []byte // for descriptors that have to be read
	line   []byte
	failed failures
}

// list lists what is at a path.
func (l *lister) list(path string) error {
	f, err := l.v.lookup(path)
	if err != nil {
		return err
	}
	if !f.Descriptor().IsDir() {
		return l.add(f.Name(), f.Descriptor())
	}
	for n, err := range f.Walk() {
		if err != nil {
			l.failed = append(l.failed, err)
			continue
		}
		if n.Depth > 1 && !l.recursive {
			break
		}
		if err := l.entry(n); err != nil {
			return err
		}
	}
	if len(l.failed) > 0 {
		return l.failed
	}
	return nil
}

// entry lists an entry, and reads its descriptor where that is needed.
func (l *lister) entry(n *vmfs.Node) error {
	name := n.Path
	if !l.recursive {
		name = n.Path[strings.LastIndexByte(n.Path, '/')+1:]
	}
	if !l.long && l.json == nil {
		_, err := fmt.Fprintln(l.out, printable(name))
		return err
	}
	d, err := l.v.Descriptor(n.Entry.Address(), l.buf)
	if err != nil {
		l.failed = append(l.failed, fmt.Errorf("%s: %w", n.Path, err))
		if l.json != nil {
			return l.json.add(fileInfo{Path: n.Path, Type: n.Entry.Type().String(), Address: n.Entry.Address().String(), Error: err.Error()})
		}
		return nil
	}
	if cap(l.buf) == 0 {
		l.buf = make([]byte, len(d))
	}
	if d.Generation() != n.Entry.Generation() {
		l.failed = append(l.failed, fmt.Errorf("%s: its entry is of generation %d and its descriptor of %d: it was deleted, or is damaged", n.Path, n.Entry.Generation(), d.Generation()))
		return nil
	}
	return l.add(name, d)
}

// add lists a file.
func (l *lister) add(name string, d vmfs.Descriptor) error {
	if l.json != nil {
		return l.json.add(l.info(name, d))
	}
	if !l.long {
		_, err := fmt.Fprintln(l.out, printable(name))
		return err
	}
	b := l.line[:0]
	b = append(b, d.Mode().String()...)
	b = padLeft(b, 6, int64(d.UID()))
	b = padLeft(b, 6, int64(d.GID()))
	b = padLeft(b, 15, d.Length())
	b = padLeft(b, 15, taken(d))
	b = append(b, ' ')
	b = d.Modified().AppendFormat(b, "2006-01-02T15:04:05Z")
	b = append(b, ' ')
	b = append(b, printable(name)...)
	switch d.Type() {
	case vmfs.Symlink:
		b = append(append(b, " -> "...), printable(l.link(d))...)
	case vmfs.RDM:
		b = append(append(b, " = "...), printable(d.DiskID().Name())...)
	}
	l.line = append(b, '\n')
	_, err := l.out.Write(l.line)
	return err
}

// padLeft appends a blank and n, at least as wide as that.
func padLeft(b []byte, width int, n int64) []byte {
	var digits [20]byte
	text := strconv.AppendInt(digits[:0], n, 10)
	for range max(1, width-len(text)+1) {
		b = append(b, ' ')
	}
	return append(b, text...)
}

// taken is how many bytes of blocks a file has.
func taken(d vmfs.Descriptor) int64 {
	if n := d.BlockSize(); n > 0 && d.Blocks() < 1<<62/n {
		return d.Blocks() * n
	}
	return 0
}

// link is what a symlink points to, or why that cannot be told.
func (l *lister) link(d vmfs.Descriptor) string {
	f, err := l.v.FileFrom(d)
	if err == nil {
		var to string
		if to, err = f.ReadLink(); err == nil {
			return to
		}
	}
	return "? (" + err.Error() + ")"
}

func (l *lister) info(name string, d vmfs.Descriptor) fileInfo {
	i := fileInfo{
		Path: name, Type: d.Type().String(), Mode: d.Mode().String(), UID: d.UID(), GID: d.GID(), Size: d.Length(), Taken: taken(d),
		Modified: d.Modified(), Address: d.Address().String(), Layout: d.ZLA().String(),
	}
	switch d.Type() {
	case vmfs.Symlink:
		i.Link = l.link(d)
	case vmfs.RDM:
		i.Disk, i.Layout = d.DiskID().Name(), ""
	}
	return i
}

// end writes what is left.
func (l *lister) end() error {
	if l.json != nil {
		if err := l.json.end(); err != nil {
			return err
		}
	}
	return l.out.Flush()
}

// printable writes a name from disk so that it cannot do anything to a terminal.
func printable(name string) string {
	for _, r := range name {
		if !unicode.IsPrint(r) {
			return strconv.Quote(name)
		}
	}
	return name
}
