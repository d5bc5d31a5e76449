package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"strings"

	"github.com/lunarsan/lunar/internal/control"
	"github.com/lunarsan/lunar/vmfs"
	"github.com/lunarsan/lunar/vmfs/extract"
	"github.com/lunarsan/lunar/vmfs/qcow2"
	"github.com/lunarsan/lunar/vmfs/vmdk"
)

// diskFormats are what --to makes.
var diskFormats = []string{"raw", "qcow2", "vmdk"}

// disk makes a disk of a descriptor, or of a flat file.
func (x *volumeCopy) disk(ctx context.Context, f *vmfs.File, dest string) error {
	t := &transfer{volumeCopy: x, name: f.Name(), dest: dest, modified: f.Descriptor().Modified(), mode: 0o600}
	disk, err := x.openDisk(f, t)
	if err != nil {
		return err
	}
	t.size = t.src.Size()
	x.bar = x.c.progress("extracting "+printable(f.Name()), t.size)
	defer x.bar.done()
	switch x.to {
	case "qcow2":
		if err := t.asQcow2(); err != nil {
			return err
		}
	case "vmdk":
		t.dest = strings.TrimSuffix(dest, ".vmdk") + "-flat.vmdk"
		if err := x.writeDescriptor(dest, t.dest, t.size, disk); err != nil {
			return err
		}
	}
	return t.run(ctx)
}

// openDisk makes a source of a descriptor with all that it names, or of a flat file, of which
// there is no descriptor to be had.
func (x *volumeCopy) openDisk(f *vmfs.File, t *transfer) (*vmdk.Descriptor, error) {
	head := make([]byte, min(f.Size(), 512))
	if _, err := f.ReadAt(head, 0); err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	if !vmdk.IsDescriptor(head) {
		x.warnInUse(f)
		t.src, t.sources = guarded{f}, []sourceID{x.sourceOf(f)}
		return nil, nil
	}
	d, err := vmdk.Open(func(name string) (vmdk.File, error) {
		f, err := x.v.lookup(x.onVolume(name))
		if err != nil {
			return nil, err
		}
		x.warnInUse(f)
		t.sources = append(t.sources, x.sourceOf(f))
		return f, nil
	}, f.Name())
	if err != nil {
		return nil, err
	}
	t.src = guarded{d}
	return d.Descriptor, nil
}

// onVolume is the path on the volume of one that ESXi wrote: those that begin with
// /vmfs/volumes name the volume by its label or UUID.
func (x *volumeCopy) onVolume(name string) string {
	rest, ok := strings.CutPrefix(name, "/vmfs/volumes/")
	if !ok {
		return name
	}
	volume, on, _ := strings.Cut(rest, "/")
	if volume == x.v.Label() || volume == x.v.UUID().String() {
		return "/" + on
	}
	return name
}

// asQcow2 lays out an image of what is known to be data.
func (t *transfer) asQcow2() error {
	var plan qcow2.Planner
	for s, err := range t.src.Spans(0, t.src.Size()) {
		if err != nil {
			return err
		}
		if !s.Zero {
			plan.Add(s.Offset, s.Length)
		}
	}
	layout, err := plan.Layout(t.src.Size())
	if err != nil {
		return err
	}
	t.size = layout.Size()
	t.writer = func(w io.WriterAt) io.WriterAt { return qcow2.Writer{Layout: layout, W: w} }
	t.reader = func(r io.ReaderAt) io.ReaderAt { return qcow2.Reader{Layout: layout, R: r} }
	t.finish = layout.WriteMetadata
	return nil
}

// writeDescriptor writes the descriptor of a disk in one flat file, with what the one on the
// volume says of the disk's geometry.
func (x *volumeCopy) writeDescriptor(dest, flat string, size int64, was *vmdk.Descriptor) error {
	if _, err := x.root.Stat(dest); !errors.Is(err, fs.ErrNotExist) && !x.force {
		if _, err := x.root.Stat(flat + ".part"); errors.Is(err, fs.ErrNotExist) {
			return &control.Problem{Title: dest + " is there already", Hint: "Name another destination, or give --force to copy over it."}
		}
	}
	if size%512 != 0 {
		return fmt.Errorf("a disk of %d bytes is not of whole blocks", size)
	}
	return x.root.WriteFile(dest, []byte(vmdk.Flat(filepath.Base(flat), size, was)), 0o644)
}

var _ extract.Source = (*vmdk.Disk)(nil)
