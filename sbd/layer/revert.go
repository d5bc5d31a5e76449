//go:build unix

package layer

import (
	"errors"
	"fmt"
	"os"
	"slices"
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
	st, i, locked, err := p.editAt(name)
	if err != nil {
		return err
	}
	defer locked.unlock()
	gone, err := p.above(st, i)
	if err != nil {
		return err
	}
	st.Layers = st.Layers[:i+1]
	fresh := *st.push()
	if err = p.make(&fresh, st.Block); err == nil {
		err = p.countAs(&fresh, p.data(st.Layers[i]))
	}
	if err != nil {
		return errors.Join(err, p.forget(fresh))
	}
	if err := p.write(st); err != nil {
		return err
	}
	return p.lose(gone)
}

// above are the layers above layer i, of which none has clones or is being read.
func (p place) above(st *stack, i int) ([]entry, error) {
	above := slices.Clone(st.Layers[i+1:])
	for _, e := range above[:len(above)-1] {
		if err := p.unused(e); err != nil {
			return nil, err
		}
	}
	return above, nil
}

// lose removes the files of layers that are in the stack no more.
func (p place) lose(gone []entry) error {
	err := p.forget(gone...)
	for _, e := range gone {
		err = errors.Join(err, p.remove(p.pin(e.ID)))
	}
	return err
}
