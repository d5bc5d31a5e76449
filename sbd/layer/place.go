//go:build unix

package layer

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// suffix is what the folder of a volume's layers is called behind the volume's own name.
const suffix = ".layers"

// A place is where a volume and its stack are. The folder has
//
//	stack.json         which layers there are
//	N.delta, N.map     what layer N has that the one below has not, and in which blocks
//	N.notes            bits of the map of the layer that is written to, that it may not have yet
//	N.pin              locked shared while somebody reads layer N as a volume
//	top.lock           locked by who has the volume open, exclusively for writing
//	stack.lock         locked for as long as stack.json is looked at and replaced
//	merge.lock         locked by who merges
//	clones/NAME        what a clone opens as; its own layers are in clones/NAME.layers
type place struct {
	disk
	path   string // of the base, without symbolic links but the last to a device
	folder string
}

// find returns the place of the volume at path. A file is one volume by whatever links it is
// reached, and so its layers are where it lies. A device has them beside the link that leads to
// it: what is made in /dev is gone after a restart.
func (d disk) find(path string) (place, error) {
	info, err := os.Stat(path)
	if err != nil {
		return place{}, err
	}
	real := ""
	if info.Mode().IsRegular() {
		real, err = filepath.EvalSymlinks(path)
	} else if real, err = filepath.EvalSymlinks(filepath.Dir(path)); err == nil {
		real = filepath.Join(real, filepath.Base(path))
	}
	if err == nil {
		real, err = filepath.Abs(real)
	}
	if err != nil {
		return place{}, err
	}
	return d.place(real), nil
}

func (d disk) place(path string) place { return place{d, path, path + suffix} }

// lasting tells why layers cannot be kept here.
func (p place) lasting() error {
	info, err := os.Lstat(p.path)
	if err != nil {
		return err
	}
	if info.Mode().IsRegular() || info.Mode()&os.ModeSymlink != 0 {
		return nil
	}
	return fmt.Errorf("%s: layers beside a device would not outlive a restart: make a symbolic link to it in a folder on a disk, and name that", p.path)
}

func (p place) stackFile() string         { return filepath.Join(p.folder, "stack.json") }
func (p place) delta(file uint64) string  { return p.numbered(file, "delta") }
func (p place) blocks(file uint64) string { return p.numbered(file, "map") }
func (p place) notes(file uint64) string  { return p.numbered(file, "notes") }

// data is the file that the bytes of a layer are in.
func (p place) data(e entry) string {
	if e.File == 0 {
		return p.path
	}
	return p.delta(e.File)
}

func (p place) pin(id uint64) string { return p.numbered(id, "pin") }

func (p place) numbered(n uint64, kind string) string {
	return filepath.Join(p.folder, strconv.FormatUint(n, 10)+"."+kind)
}

// clone is the place of a clone of this volume, and parent that of the volume a clone is of.
func (p place) clone(name string) place {
	return p.disk.place(filepath.Join(p.clones(), name))
}

func (p place) clones() string { return filepath.Join(p.folder, "clones") }

func (p place) parent() (place, bool) {
	clones := filepath.Dir(p.path)
	path, ok := strings.CutSuffix(filepath.Dir(clones), suffix)
	return p.disk.place(path), ok && filepath.Base(clones) == "clones"
}

// checkName tells why name cannot be that of a layer, or of a clone, which is a file's as well.
func checkName(name string) error {
	const longest = 200 // bytes: with what stands behind it, no file system's limit is met
	if name == "" || name == "." || name == ".." || len(name) > longest || strings.ContainsAny(name, "/\x00\n") {
		return fmt.Errorf("%q cannot be the name of a layer or a clone: want up to %d bytes on one line, without a slash", name, longest)
	}
	return nil
}
