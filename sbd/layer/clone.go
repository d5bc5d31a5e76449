//go:build unix

package layer

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"

	"github.com/lunarsan/lunar/sbd"
)

// Clone makes a volume that begins as the layer of a name and can be written to, and returns the
// path that it opens as. It is a volume like others, and may have layers and clones of its own.
// The layer stays while it has clones.
func Clone(path, name, clone string) (string, error) {
	p, err := system().find(path)
	if err != nil {
		return "", err
	}
	return p.makeClone(name, clone)
}

func (p place) makeClone(name, clone string) (string, error) {
	if err := checkName(clone); err != nil {
		return "", err
	}
	st, i, locked, err := p.editAt(name)
	if err != nil {
		return "", err
	}
	defer locked.unlock()
	if st.cloned(clone) >= 0 {
		return "", fmt.Errorf("%s: the clone %q: %w", p.path, clone, ErrExists)
	}
	c := p.clone(clone)
	if err := c.end(); err != nil { // which a crash has left
		return "", err
	}
	if err := p.layClone(c, st, i); err != nil {
		return "", errors.Join(err, c.end())
	}
	e := &st.Layers[i]
	e.Clones = append(e.Clones, clone)
	slices.Sort(e.Clones)
	if err := p.write(st); err != nil {
		return "", err // whether it is one is what the next Open finds out
	}
	return c.path, nil
}

// Clones is the folder that clones of the volume at path are made in.
func Clones(path string) (string, error) {
	p, err := system().find(path)
	return p.clones(), err
}

// layClone makes the files of a clone of layer i, which is none until the stack says so.
func (p place) layClone(c place, st *stack, i int) error {
	below := st.Layers[i]
	for _, folder := range []string{filepath.Dir(c.path), c.folder} {
		if err := p.makeFolder(folder); err != nil {
			return err
		}
	}
	fresh := stack{Format: format, Block: st.Block, Next: 2, Parent: below.ID,
		Layers: []entry{{ID: 1, File: 1, Key: rand.Uint64(), Size: below.Size, Shows: below.Size}}}
	if err := c.write(&fresh); err != nil {
		return err
	}
	if err := c.make(fresh.top(), st.Block); err != nil {
		return err
	}
	if err := c.countAs(fresh.top(), p.data(below)); err != nil {
		return err
	}
	// So that there is something at the path. It stays empty.
	return c.create(c.path, below.Size)
}

// cloned is the layer that a clone is of; -1: there is no such clone.
func (s *stack) cloned(clone string) int {
	return slices.IndexFunc(s.Layers, func(e entry) bool { return slices.Contains(e.Clones, clone) })
}

// Discard throws a clone of the volume at path away, with its layers. It must not be open, and
// have no clones itself.
func Discard(path, clone string) error {
	p, err := system().find(path)
	if err != nil {
		return err
	}
	return p.discard(clone)
}

func (p place) discard(clone string) error {
	st, locked, err := p.edit()
	if err != nil {
		return err
	}
	defer locked.unlock()
	i := st.cloned(clone)
	if i < 0 {
		return fmt.Errorf("%s: the clone %q: %w", p.path, clone, ErrNoLayer)
	}
	c := p.clone(clone)
	free, err := c.idle()
	if err != nil {
		return err
	}
	defer free.unlock()
	e := &st.Layers[i]
	e.Clones = slices.DeleteFunc(e.Clones, func(name string) bool { return name == clone })
	if err := p.write(st); err != nil {
		return err
	}
	return c.end()
}

// idle locks a volume that nobody uses: it is not open, no layer is being read, none has clones.
func (p place) idle() (lock, error) {
	top, err := p.lockTop(true)
	if err != nil {
		return lock{}, fmt.Errorf("%s: %w", p.path, err)
	}
	st, locked, err := p.edit()
	if err == nil {
		defer locked.unlock()
		for _, e := range st.Layers[:len(st.Layers)-1] {
			err = errors.Join(err, p.unused(e))
		}
	}
	if errors.Is(err, ErrNoLayer) {
		err = nil
	}
	if err != nil {
		top.unlock()
		return lock{}, err
	}
	return top, nil
}

// end removes all that there is of a volume.
func (p place) end() error {
	return errors.Join(p.remove(p.path), p.remove(p.folder))
}

// Remove ends the volume at path, layers and all. A device stays, as what it was when it was
// frozen first. It may not have clones, nor may anybody have it or a layer open. One
// that is not there will do.
func Remove(path string) error {
	p, err := system().find(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	} else if err != nil {
		return err
	}
	return p.removeVolume()
}

func (p place) removeVolume() error {
	st, err := p.read()
	if err != nil {
		return err
	}
	if st != nil {
		free, err := p.idle()
		if err != nil {
			return err
		}
		defer free.unlock()
	}
	// The base first: a volume whose layers have gone is not what it was.
	if err := p.removeBase(); err != nil {
		return err
	}
	return p.remove(p.folder)
}

// removeBase removes the volume's file. One that is open belongs to somebody; a device stays.
func (p place) removeBase() error {
	info, err := os.Lstat(p.path)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil || !info.Mode().IsRegular() {
		return err
	}
	s, err := p.open(p.path, sbd.OpenOptions{})
	if err != nil {
		return err
	}
	return errors.Join(p.remove(p.path), s.Close())
}
