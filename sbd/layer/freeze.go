//go:build unix

package layer

import (
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/lunarsan/lunar/sbd"
)

// Freeze makes what the volume at path is now a layer; it must not be open. It is durable when
// Freeze returns.
func Freeze(path, name string) error {
	p, err := system().find(path)
	if err != nil {
		return err
	}
	return p.freeze(name)
}

func (p place) freeze(name string) error {
	s, err := p.openVolume(sbd.OpenOptions{})
	if err != nil {
		return err
	}
	layered, ok := s.(*Store)
	if !ok {
		if layered, err = p.over(s, sbd.OpenOptions{}, name); err != nil {
			return errors.Join(err, s.Close())
		}
		return layered.Close()
	}
	return errors.Join(layered.Freeze(name), layered.Close())
}

// Over is Freeze of a volume without layers that is open as s, opened with o, while nobody
// writes to it. The store that it returns has what s had and owns it from then on; whoever still
// reads s may go on. After an error s is the caller's as before.
func Over(s sbd.Store, path string, o sbd.OpenOptions, name string) (*Store, error) {
	p, err := system().find(path)
	if err != nil {
		return nil, err
	}
	return p.over(s, o, name)
}

func (p place) over(s sbd.Store, o sbd.OpenOptions, name string) (_ *Store, err error) {
	if err := errors.Join(checkName(name), p.lasting()); err != nil {
		return nil, err
	}
	if o.ReadOnly {
		return nil, fmt.Errorf("%s: opened so: %w", p.path, sbd.ErrReadOnly)
	}
	if err := s.Sync(); err != nil {
		return nil, err
	}
	if err := makeFolder(p.folder); err != nil {
		return nil, err
	}
	top, err := p.lockTop(true)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			top.unlock()
		}
	}()
	locked, err := p.lockStack()
	if err != nil {
		return nil, err
	}
	defer locked.unlock()
	st := newStack(s.Size())
	if there, err := p.read(); err != nil {
		return nil, err
	} else if there != nil && !there.plain() {
		return nil, fmt.Errorf("%s: %w: it has layers, and is not open as one that has", p.path, sbd.ErrInUse)
	}
	// From here on deltas without a stack are a stack that was lost.
	if err := p.write(&st); err != nil {
		return nil, err
	}
	if err := p.sweep(&st); err != nil {
		return nil, err
	}
	base := newLayer(st.Layers[0], s, nil)
	base.lent = true
	v := &view{shift: shiftOf(st.Block), size: s.Size(), slots: []slot{{layer: base, layerKey: layerKey{folder: p.folder}}}}
	how := &loading{OpenOptions: o, stack: &st, old: v}
	grown, err := p.raise(how, name, p.path)
	if err != nil {
		return nil, errors.Join(err, p.dissolve())
	}
	over := p.newStore(grown, how, top)
	over.base = s
	return over, nil
}

// raise puts an empty layer on top of a stack, whose last layer gets a name and is synced. The
// stack is locked, and the volume; nobody writes meanwhile.
func (p place) raise(how *loading, name, like string) (_ *view, err error) {
	st := how.stack.clone()
	was := st.top()
	was.Name, was.Created = name, time.Now().UTC()
	fresh := *st.push()
	if err := p.make(&fresh, st.Block, like); err != nil {
		return nil, errors.Join(err, p.forget(fresh))
	}
	l, err := p.openTop(fresh, st.Block, how.OpenOptions)
	if err == nil {
		if err = how.old.top().sync(); err == nil {
			err = p.write(&st)
		}
		if err != nil {
			err = errors.Join(err, l.close())
		}
	}
	if err != nil {
		return nil, errors.Join(err, p.forget(fresh))
	}
	v := *how.old
	v.slots = append(append([]slot(nil), v.slots...), slot{l, layerKey{p.folder, fresh.File, 0}, fresh.Shows})
	how.stack = &st
	return &v, nil
}

// dissolve ends the folder of a volume that has no layers any more, or has none yet. Deltas
// that are left over must not come to be without a stack.
func (p place) dissolve() error {
	if err := syncFolder(p.folder); err != nil {
		return err
	}
	if err := p.remove(p.stackFile()); err != nil {
		return err
	}
	if err := p.remove(p.folder); err != nil {
		return err
	}
	return syncFolder(filepath.Dir(p.folder))
}

// Freeze makes what the volume is now a layer, while its writes stand still: those that come
// meanwhile wait. It is durable when Freeze returns.
func (s *Store) Freeze(name string) error {
	if err := checkName(name); err != nil {
		return err
	}
	if s.options.ReadOnly {
		return fmt.Errorf("%s: opened so: %w", s.path, sbd.ErrReadOnly)
	}
	s.changing.Lock()
	defer s.changing.Unlock()
	if err := s.sync(); err != nil { // most of it, while writes go on
		return err
	}
	st, locked, err := s.edit()
	if err != nil {
		return err
	}
	defer locked.unlock()
	if st.index(name) >= 0 {
		return fmt.Errorf("%s: %q: %w", s.path, name, ErrExists)
	}
	s.writing.Lock()
	defer s.writing.Unlock()
	s.syncing.Lock()
	defer s.syncing.Unlock()
	v := s.now.Load()
	how := &loading{OpenOptions: s.options, stack: st, old: v}
	grown, err := s.raise(how, name, s.delta(v.top().file))
	if err != nil {
		return err
	}
	s.now.Store(grown)
	return s.remove(s.notes(v.top().File))
}
