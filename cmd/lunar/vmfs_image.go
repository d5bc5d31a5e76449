package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/lunarsan/lunar/internal/control"
	"github.com/lunarsan/lunar/sbd/layer"
	"github.com/lunarsan/lunar/vmfs"
)

// An imageChoice is how a verb opens its IMAGE.
type imageChoice struct {
	scan   bool   // look for lost partitions
	volume string // the label or UUID of one of several
	fresh  bool   // read past the page cache, where another host writes
}

func (i *imageChoice) flags(cmd *cobra.Command) *cobra.Command {
	cmd.Flags().BoolVar(&i.scan, "scan", false, "look for volumes where the partition table is lost; reads all of IMAGE")
	cmd.Flags().StringVar(&i.volume, "volume", "", "choose one of several volumes by its `LABEL` or UUID")
	return cmd
}

// An openImage is a volume, with what it was opened on.
type openImage struct {
	*vmfs.Volume
	Devices []vmfs.Device
	io.Closer
}

// open opens the one volume on an image, and warns of what is missing of it.
func (c *cli) openVolume(ctx context.Context, name string, choice imageChoice) (*openImage, error) {
	devices, files, err := c.openDevices(ctx, name, choice.fresh)
	if err != nil {
		return nil, err
	}
	v, err := choice.find(ctx, devices)
	if err != nil {
		return nil, errors.Join(err, files.Close())
	}
	for _, text := range v.Missing() {
		c.warn("missing: %s", text)
	}
	return &openImage{v, devices, files}, nil
}

// lookup opens the file at a path.
func (i *openImage) lookup(path string) (*vmfs.File, error) {
	f, err := i.Lookup(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, &control.Problem{Title: fmt.Sprintf("there is no %s on the volume %s", path, i.Label()), Hint: "lunar vmfs ls -R IMAGE lists what is there."}
	}
	return f, err
}

// find opens the volume that is chosen.
func (i imageChoice) find(ctx context.Context, devices []vmfs.Device) (*vmfs.Volume, error) {
	var parts []vmfs.Partition
	for k := range devices {
		found, err := i.partitions(ctx, &devices[k])
		if err != nil {
			return nil, err
		}
		parts = append(parts, found...)
	}
	volumes, err := vmfs.OpenPartitions(parts...)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, v := range volumes {
		if i.volume == v.Label() || i.volume == v.UUID().String() || i.volume == "" && len(volumes) == 1 {
			return v, nil
		}
		names = append(names, fmt.Sprintf("%q (%s)", v.Label(), v.UUID()))
	}
	return nil, &control.Problem{
		Title: fmt.Sprintf("there are the volumes %s", strings.Join(names, ", ")),
		Hint:  "Choose one with --volume LABEL or --volume UUID.",
	}
}

// partitions finds the VMFS partitions of a device; there is at least one, or an error.
func (i imageChoice) partitions(ctx context.Context, d *vmfs.Device) ([]vmfs.Partition, error) {
	found, err := vmfs.Partitions(d)
	if err == nil && len(found) == 0 && i.scan {
		found, err = vmfs.Scan(ctx, *d)
	}
	if err == nil && len(found) == 0 {
		hint := "Name a disk, a partition or an image with a VMFS volume; --scan looks for one whose partition table is lost."
		if i.scan {
			hint = "Name a disk, a partition or an image with a VMFS volume."
		}
		err = &control.Problem{Title: fmt.Sprintf("there is no VMFS volume on %s", d.Name), Hint: hint}
	}
	return found, err
}

// closers are closed together.
type closers []io.Closer

func (c closers) Close() error {
	var err error
	for _, one := range c {
		err = errors.Join(err, one.Close())
	}
	return err
}

// openDevices opens each of the devices that name names.
func (c *cli) openDevices(ctx context.Context, name string, fresh bool) ([]vmfs.Device, closers, error) {
	var (
		devices []vmfs.Device
		files   closers
	)
	for one := range strings.SplitSeq(name, ",") {
		path, base, err := c.imagePath(ctx, one)
		var (
			d vmfs.Device
			f io.Closer
		)
		if err == nil {
			d, f, err = openDevice(path, base, fresh)
		}
		if err != nil {
			return nil, nil, errors.Join(err, files.Close())
		}
		d.Name = one
		devices, files = append(devices, d), append(files, f)
	}
	return devices, files, nil
}

// imagePath is the path of an image, and where in it the device begins: the daemon knows it of
// its units.
func (c *cli) imagePath(ctx context.Context, name string) (path string, base int64, err error) {
	guid, ok := strings.CutPrefix(name, "lu:")
	if !ok {
		return name, 0, nil
	}
	u, err := c.client().Unit(ctx, guid)
	if err != nil {
		return "", 0, err
	}
	return u.Path, u.Offset, nil
}

// openDevice opens a file or device, from base on.
func openDevice(path string, base int64, fresh bool) (vmfs.Device, io.Closer, error) {
	if layered, err := layer.Layered(path); layered && err == nil {
		return openLayered(path, base)
	}
	f, err := os.Open(path)
	if err != nil {
		return vmfs.Device{}, nil, &control.Problem{Title: fmt.Sprintf("cannot open the image: %v", err), Hint: "Name a file, a block device, or a unit as lu:GUID."}
	}
	d, open, err := deviceOf(f, base, fresh)
	if err != nil {
		return vmfs.Device{}, nil, fmt.Errorf("opening %s: %w", path, errors.Join(err, f.Close()))
	}
	return d, open, nil
}

// openLayered opens a volume with layers, as it is now even while somebody writes to it.
func openLayered(path string, base int64) (vmfs.Device, io.Closer, error) {
	s, err := layer.Open(path, layer.Options{ReadOnly: true, Unlocked: true})
	if err != nil {
		return vmfs.Device{}, nil, fmt.Errorf("opening %s with its layers: %w", path, err)
	}
	size := s.Size()
	if size < base {
		return vmfs.Device{}, nil, errors.Join(fmt.Errorf("%s has %d bytes, and the unit begins at %d", path, size, base), s.Close())
	}
	return vmfs.Device{ReaderAt: io.NewSectionReader(s, base, size-base), Size: size - base}, s, nil
}

// deviceOf makes a device of an open file: as it lies in memory where it is a regular file,
// and read elsewhere, past the page cache when that is asked for. What it returns beside that
// closes the file too.
func deviceOf(f *os.File, base int64, fresh bool) (vmfs.Device, io.Closer, error) {
	info, err := f.Stat()
	if err != nil {
		return vmfs.Device{}, nil, err
	}
	if info.IsDir() {
		return vmfs.Device{}, nil, errors.New("it is a folder")
	}
	size, err := f.Seek(0, io.SeekEnd) // which a device's info does not tell
	if err != nil {
		return vmfs.Device{}, nil, err
	}
	regular := info.Mode().IsRegular()
	switch {
	case size < base:
		return vmfs.Device{}, nil, fmt.Errorf("it has %d bytes, and the unit begins at %d", size, base)
	case base > 0:
		return vmfs.Device{ReaderAt: io.NewSectionReader(f, base, size-base), Size: size - base}, f, nil
	case regular && vmfs.IsVmfsimg(f):
		m, err := vmfs.OpenVmfsimg(f, size)
		if err != nil {
			return vmfs.Device{}, nil, err
		}
		return vmfs.Device{ReaderAt: m, Size: m.Size()}, f, nil
	case regular && size > 0:
		if m, err := mapFile(f, size); err == nil {
			return vmfs.Device{ReaderAt: m, Size: size}, m, nil
		}
	case !regular && fresh:
		if d, err := pastCache(f); err == nil {
			return vmfs.Device{ReaderAt: d, Size: size}, closers{d, f}, nil
		}
	}
	return vmfs.Device{ReaderAt: f, Size: size}, f, nil
}
