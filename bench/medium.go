package bench

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"github.com/lunarsan/lunar/internal/peer"
)

// A Medium is what a load's unit lies on.
type Medium int

const (
	Memory  Medium = iota // a file in memory, write cache on: measures targets, not disks
	Scratch               // another, thin, whose upper half is for storms
	Cold                  // a file on the disk, out of the page cache before each run
	Durable               // a file on the disk, write cache off: an answered write is on the medium
	mediums
)

func (m Medium) String() string {
	return [...]string{"", "", "cold file", "write cache off"}[m]
}

// onDisk reports whether the medium is the disk.
func (m Medium) onDisk() bool { return m == Cold || m == Durable }

// sparseSize is that of each of the units that a load may spread over.
const sparseSize = 16 << 20

// shared is the most sparse units that other targets are asked to serve too.
const shared = 16

// files are what the targets serve: the units in the order of their LUNs.
type files struct {
	units  []peer.Unit
	medium [mediums]int // the place of each medium's unit, 0 where there is none but Memory
	sparse int          // the place of the first sparse unit
}

// layOut names the files that a set needs, in a folder in memory and one on the disk.
func layOut(s Set, size int64, memory, disk string) *files {
	f := &files{}
	add := func(m Medium, u peer.Unit) {
		f.medium[m] = len(f.units)
		f.units = append(f.units, u)
	}
	add(Memory, peer.Unit{Path: filepath.Join(memory, "unit"), Size: size, WriteCache: true})
	if s.uses(Scratch) {
		add(Scratch, scratch(filepath.Join(memory, "scratch"), size))
	}
	if s.uses(Cold) {
		add(Cold, peer.Unit{Path: filepath.Join(disk, "cold"), Size: size, WriteCache: true})
	}
	if s.uses(Durable) {
		add(Durable, peer.Unit{Path: filepath.Join(disk, "durable"), Size: size / 4})
	}
	f.sparse = len(f.units)
	for i := range s.units() {
		path := fmt.Sprintf("%s/sparse-%d", memory, i+1)
		f.units = append(f.units, peer.Unit{Path: path, Size: sparseSize, WriteCache: true, Thin: true})
	}
	return f
}

// scratch is a unit for storms.
func scratch(path string, size int64) peer.Unit {
	return peer.Unit{Path: path, Size: size / 2, WriteCache: true, Thin: true}
}

// unit is the unit of a medium.
func (f *files) unit(m Medium) peer.Unit { return f.units[f.medium[m]] }

// make fills the files that are read, so that no target reads holes: of the scratch unit the
// lower half.
func (f *files) make() error {
	for _, u := range f.units[:f.sparse] {
		part := u.Size
		if u.Thin {
			part /= 2
		}
		if err := fill(u, part); err != nil {
			return fmt.Errorf("filling the file of the benchmark: %w", err)
		}
	}
	return nil
}

// beside makes the same files again, by other names.
func (f *files) beside(name string) (*files, error) {
	again := *f
	again.units = slices.Clone(f.units)
	for i := range again.units {
		again.units[i].Path += "-" + name
	}
	return &again, again.make()
}

// fill makes a unit's file, the first part bytes of it random.
func fill(u peer.Unit, part int64) error {
	file, err := os.OpenFile(u.Path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = io.CopyN(file, rand.Reader, part)
	if err == nil {
		err = file.Truncate(u.Size)
	}
	if err == nil {
		err = file.Sync()
	}
	return errors.Join(err, file.Close())
}
