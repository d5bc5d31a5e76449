//go:build unix

package layer

import (
	"errors"
	"fmt"
	"os"

	"github.com/lunarsan/lunar/sbd"
)

// Revert makes the volume at path what it was when the layer of a name was frozen. That layer
// stays, and the newer ones go; none of them may have clones or be read, nor may the volume be
// open.
func Revert(path, name string) error {
	p, err := system().find(path)
	if err != nil {
		return err
	}
	return p.revert(name)
}

func (p place) revert(name string) error {
	top, err := p.lockTop(true)
	if errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("%s has no layers: %w", p.path, ErrNoLayer)
	} else if err != nil {
		return fmt.Errorf("%s: %w", p.path, err)
	}
	defer top.unlock()
	st, locked, err := p.edit()
	if err != nil {
		return err
	}
	defer locked.unlock()
	i := st.index(name)
	if i < 0 {
		return fmt.Errorf("%s: %q: %w", p.path, name, ErrNoLayer)
	}
	gone := append([]entry(nil), st.Layers[i+1:]...)
	for _, e := range gone[:len(gone)-1] {
		if err := p.unused(e); err != nil {
			return err
		}
	}
	st.Layers = st.Layers[:i+1]
	fresh := *st.push()
	if err := p.make(&fresh, st.Block, p.data(st.Layers[i])); err != nil {
		return errors.Join(err, p.forget(fresh))
	}
	if err := p.write(st); err != nil {
		return err
	}
	err = p.forget(gone...)
	for _, e := range gone {
		err = errors.Join(err, p.remove(p.pin(e.ID)))
	}
	return err
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
