//go:build unix

package layer

import (
	"errors"
	"fmt"

	"github.com/lunarsan/lunar/sbd"
)

// Promote makes the volume at path what a clone of it is: the layers of the clone go on from the
// layer that it stands on, and what was newer goes. Neither may be open, nor any of the layers
// that go or that move be read or have clones. It is one step: what a crash leaves is the volume
// with the clone beside it, or as the clone was.
func Promote(path, clone string) error {
	p, err := system().find(path)
	if err != nil {
		return err
	}
	return p.promote(clone)
}

func (p place) promote(clone string) error {
	c := p.clone(clone)
	if err := c.round(); err != nil {
		return err
	}
	top, err := p.lockTop(true)
	if err != nil {
		return fmt.Errorf("%s: %w", p.path, err)
	}
	defer top.unlock()
	free, err := c.idle()
	if err != nil {
		return err
	}
	defer free.unlock()
	st, locked, err := p.edit()
	if err != nil {
		return err
	}
	defer locked.unlock()
	i := st.cloned(clone)
	if i < 0 {
		return fmt.Errorf("%s: the clone %q: %w", p.path, clone, ErrNoLayer)
	}
	own, err := c.read()
	if err == nil && (own == nil || own.Block != st.Block || own.Parent != st.Layers[i].ID) {
		err = fmt.Errorf("%s: %w: it does not stand on %q", c.path, ErrDamaged, st.Layers[i].Name)
	}
	if err != nil {
		return err
	}
	gone, err := p.above(st, i)
	if err != nil {
		return err
	}
	next, moved, err := p.move(c, st.clone(), own, i)
	if err == nil {
		err = p.write(&next)
	}
	if err != nil {
		return errors.Join(err, p.forget(moved...))
	}
	return errors.Join(p.lose(gone), c.end())
}

// round opens and closes a volume: what a process that was killed wrote to it is then durable, and
// in its map.
func (p place) round() error {
	s, err := p.openVolume(sbd.OpenOptions{})
	if err != nil {
		return err
	}
	return s.Close()
}

// move gives the files of a clone's layers names here, and returns the stack in which they are
// behind layer i, and what was moved.
func (p place) move(c place, st stack, own *stack, i int) (_ stack, moved []entry, err error) {
	clone := &st.Layers[i]
	for at, name := range clone.Clones {
		if p.clone(name).path == c.path {
			clone.Clones = append(clone.Clones[:at:at], clone.Clones[at+1:]...)
			break
		}
	}
	st.Layers = st.Layers[:i+1]
	for _, e := range own.Layers {
		was := e.File
		e.ID, e.File = st.Next, st.Next
		st.Next++
		moved = append(moved, e)
		if err := errors.Join(p.link(c.delta(was), p.delta(e.File)), p.link(c.blocks(was), p.blocks(e.File))); err != nil {
			return st, moved, err
		}
	}
	st.Layers = append(st.Layers, moved...)
	return st, moved, nil
}
