package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/lunarsan/lunar/internal/control"
	"github.com/lunarsan/lunar/vmfs"
	"github.com/lunarsan/lunar/vmfs/extract"
)

// A volumeCopy copies files of a volume out of it.
type volumeCopy struct {
	c       *cli
	v       *openImage
	to      string // the format of a disk; empty: files as they are
	verify  bool
	force   bool
	workers int

	root *os.Root // what is written is below it, whatever names the volume has
	bar  *progress

	files, there int   // copied, and left alone
	bytes        int64 // of those copied
}

func (c *cli) vmfsExtract() *cobra.Command {
	var choice imageChoice
	x := &volumeCopy{c: c}
	cmd := c.vmfsVerb("extract IMAGE PATH DEST", "Copy files out of a volume", func(cmd *cobra.Command, args []string) error {
		if x.to != "" && !slices.Contains(diskFormats, x.to) {
			return misuse(cmd, "%q is no format of disks: choose %s", x.to, strings.Join(diskFormats, ", "))
		}
		v, err := c.openVolume(cmd.Context(), args[0], choice)
		if err != nil {
			return err
		}
		x.v = v
		err = x.run(cmd.Context(), args[1], args[2])
		x.tell()
		return joined(err, v.Close())
	})
	cmd.Long = `Copy a file, or a directory with all that is below it, out of a volume. Holes and zeros become holes.
DEST is what the copy is called, or a folder that is there already.

A copy is called DEST.part until it is whole. One that was interrupted goes on where it was when the
same command is given again, unless the file has changed meanwhile. Files of a directory that are
there with the length and time that they have on the volume are not copied again. --force copies
over what is there.

--to makes a disk of PATH, which is then the descriptor of a virtual disk, or its flat file: raw, qcow2
(for QEMU), or vmdk (a descriptor and a flat file). What the disk is changes to, after snapshots, is put
together. --verify reads the copy afterwards and compares it with the volume.

System files of VMFS, and raw device mappings, whose data is on other LUNs, are left out of
directories.`
	f := cmd.Flags()
	f.StringVar(&x.to, "to", "", "make a disk in `FORMAT`: "+strings.Join(diskFormats, ", "))
	f.BoolVar(&x.verify, "verify", false, "compare the copy with the volume")
	f.BoolVar(&x.force, "force", false, "copy over files that are there")
	f.IntVar(&x.workers, "workers", 4, "how many pieces to copy at a `TIME`")
	return choice.flags(cmd)
}

// run copies what is at a path.
func (x *volumeCopy) run(ctx context.Context, from, dest string) (err error) {
	f, err := x.v.lookup(from)
	if err != nil {
		return err
	}
	if info, err := os.Stat(dest); err == nil && info.IsDir() {
		dest = filepath.Join(dest, destName(path.Base(path.Clean("/"+from)), x.to))
	}
	if x.root, err = os.OpenRoot(filepath.Dir(dest)); err != nil {
		return &control.Problem{Title: fmt.Sprintf("cannot write to the folder of %s: %v", dest, err), Hint: "Make the folder first."}
	}
	defer func() { err = joined(err, x.root.Close()) }()
	dest = filepath.Base(dest)
	if f.Mode().IsDir() {
		return x.tree(ctx, f, dest)
	}
	if x.to != "" {
		return x.disk(ctx, f, dest)
	}
	x.bar = x.c.progress("extracting "+printable(f.Name()), f.Size())
	defer x.bar.done()
	return x.one(ctx, f, dest)
}

// tell says what was done.
func (x *volumeCopy) tell() {
	if x.files > 0 {
		verified := ""
		if x.verify {
			verified = ", and compared with the volume"
		}
		x.c.printf("extracted %s, %s%s\n", count(x.files, "file"), formatSize(x.bytes), verified)
	}
	if x.there > 0 {
		x.c.printf("%s of the same length and time there already, not compared\n", count(x.there, "file"))
	}
}

// destName is what a file is called in a folder.
func destName(base, to string) string {
	if base == "/" {
		base = "volume"
	}
	ext := map[string]string{"": "", "raw": ".img", "qcow2": ".qcow2", "vmdk": ".vmdk"}[to]
	if ext == "" {
		return base
	}
	return strings.TrimSuffix(strings.TrimSuffix(base, ".vmdk"), "-flat") + ext
}

// tree copies a directory. What fails of one file does not stop the others.
func (x *volumeCopy) tree(ctx context.Context, dir *vmfs.File, dest string) error {
	if x.to != "" {
		return &control.Problem{Title: dir.Name() + " is a directory", Hint: "Name the descriptor of the disk, a .vmdk file, to make a disk of it."}
	}
	type found struct {
		file *vmfs.File
		dest string
	}
	var (
		files  []found
		total  int64
		failed failures
	)
	if err := x.root.MkdirAll(dest, 0o777); err != nil {
		return err
	}
	base := strings.TrimSuffix(dir.Name(), "/")
	for n, err := range dir.Walk() {
		var f *vmfs.File
		if err == nil {
			f, err = n.File()
		}
		if err == nil && !fs.ValidPath(strings.TrimPrefix(n.Path, "/")) {
			err = fmt.Errorf("%s is no name for a file here", printable(n.Path))
		}
		if err != nil {
			failed = append(failed, err)
			continue
		}
		to := filepath.Join(dest, filepath.FromSlash(strings.TrimPrefix(n.Path, base+"/")))
		switch {
		case f.Type() == vmfs.System:
		case f.Mode().IsDir():
			if err := x.root.MkdirAll(to, 0o777); err != nil {
				failed = append(failed, err)
			}
		default:
			files = append(files, found{f, to})
			if f.Type() == vmfs.Regular {
				total += f.Size()
			}
		}
	}
	x.bar = x.c.progress("extracting "+printable(dir.Name()), total)
	defer x.bar.done()
	for _, f := range files {
		err := x.one(ctx, f.file, f.dest)
		if ctx.Err() != nil {
			return err
		}
		if err != nil {
			failed = append(failed, err)
		}
	}
	if len(failed) > 0 {
		return failed
	}
	return nil
}

// one copies one file of whatever type.
func (x *volumeCopy) one(ctx context.Context, f *vmfs.File, dest string) error {
	switch f.Type() {
	case vmfs.Symlink:
		to, err := f.ReadLink()
		if err != nil {
			return err
		}
		if x.force {
			_ = x.root.Remove(dest) // the link says what is in the way
		}
		err = x.root.Symlink(to, dest)
		if had, _ := x.root.Readlink(dest); errors.Is(err, fs.ErrExist) && had == to {
			return nil
		}
		return err
	case vmfs.RDM:
		x.c.warn("%s is left out: it is the LUN %s", f.Name(), or(f.Descriptor().DiskID().Name(), "of an unknown name"))
		return nil
	}
	x.warnInUse(f)
	t := &transfer{
		volumeCopy: x, name: f.Name(), dest: dest, src: guarded{f}, size: f.Size(),
		modified: f.Descriptor().Modified(), mode: f.Mode().Perm() | 0o200,
		sources: []sourceID{x.sourceOf(f)},
	}
	return t.run(ctx)
}

// warnInUse says that a file may be changing.
func (x *volumeCopy) warnInUse(f *vmfs.File) {
	if l := f.Descriptor().Lock(); l.Mode() != vmfs.Unlocked {
		x.c.warn("%s is locked (%s) by host %s: if that is alive, the copy is as after a power failure", f.Name(), l.Mode(), l.Owner())
	}
}

// A guarded source makes errors of faults in memory that an image is mapped to, in whatever
// goroutine they are.
type guarded struct{ extract.Source }

func (g guarded) ReadAt(p []byte, off int64) (n int, err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if r := recover(); r != nil {
			if err = faultOf(r); err == nil {
				panic(r)
			}
			n = 0
		}
	}()
	return g.Source.ReadAt(p, off)
}
