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
	if err := p.makeFolder(p.folder); err != nil {
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
	if st.Layers[0].Written, err = p.lastWritten(); err != nil {
		return nil, errors.Join(err, p.dissolve())
	}
	base := newLayer(st.Layers[0], s, nil)
	base.lent = true
	v := &view{shift: shiftOf(st.Block), size: s.Size(), slots: []slot{{layer: base, layerKey: layerKey{folder: p.folder}}}}
	how := &loading{OpenOptions: o, stack: &st, old: v}
	grown, err := p.raise(how, name, p.path, nil)
	if err != nil {
		return nil, errors.Join(err, p.dissolve())
	}
	over := p.newStore(grown, how, top)
	over.base = s
	return over, nil
}

// Undo takes back what Over did, before anything was written: the volume has no layers again, and
// the store that was over is the caller's as before. The Store is closed whatever comes of it.
func (s *Store) Undo() error {
	err := s.now.Load().close(nil)
	for _, l := range s.locks {
		defer l.unlock()
	}
	st, locked, e := s.edit()
	if err = errors.Join(err, e); err != nil {
		return err
	}
	defer locked.unlock()
	if s.base == nil || len(st.Layers) != 2 {
		return fmt.Errorf("%s: %w: it has more than what is to be taken back", s.path, sbd.ErrInUse)
	}
	if err := s.unused(st.Layers[0]); err != nil {
		return err
	}
	top := *st.top()
	st.Layers = st.Layers[:1]
	st.Layers[0].Name = ""
	if err := s.write(st); err != nil {
		return err
	}
	return errors.Join(s.lose([]entry{st.Layers[0], top}), s.dissolve())
}

// raise puts an empty layer on top of a stack, the spare one if there is one, whose last layer gets
// a name and is synced. The stack is locked, and the volume; nobody writes meanwhile.
func (p place) raise(how *loading, name, like string, spare *layer) (_ *view, err error) {
	st := how.stack.clone()
	was := st.top()
	was.Name, was.Created = name, time.Now().UTC()
	fresh := st.push()
	l := spare
	if l != nil {
		*fresh = l.entry
	} else if l, err = p.makeTop(*fresh, st.Block, how.OpenOptions); err != nil {
		return nil, err
	}
	if err = p.countAs(fresh, like); err == nil {
		err = how.old.top().sync()
	}
	if err == nil {
		how.unsure, err = p.exchange(&st, how.stack)
	}
	if err != nil {
		if how.unsure || l != spare {
			err = errors.Join(err, l.close())
		}
		if !how.unsure && l != spare {
			err = errors.Join(err, p.forget(*fresh))
		}
		return nil, err
	}
	v := *how.old
	v.slots = append(append([]slot(nil), v.slots...), slot{l, layerKey{p.folder, fresh.File, 0}, fresh.Shows})
	how.stack = &st
	return &v, nil
}

// exchange replaces the stack that is kept. If that fails, it may be the new one all the same, and
// so the old one is put back; unsure says that this failed too.
func (p place) exchange(st, was *stack) (unsure bool, err error) {
	if err = p.write(st); err == nil {
		return false, nil
	}
	back := p.write(was)
	return back != nil, errors.Join(err, back)
}

// makeTop makes an empty layer and opens it.
func (p place) makeTop(e entry, block int64, o sbd.OpenOptions) (*layer, error) {
	err := p.make(&e, block)
	var l *layer
	if err == nil {
		l, err = p.openTop(e, block, o)
	}
	if err != nil {
		return nil, errors.Join(err, p.forget(e))
	}
	return l, nil
}

// dissolve ends the folder of a volume that has no layers any more, or has none yet. Deltas
// that are left over must not come to be without a stack.
func (p place) dissolve() error {
	if err := p.names(p.folder); err != nil {
		return err
	}
	if err := p.remove(p.stackFile()); err != nil {
		return err
	}
	if err := p.remove(p.folder); err != nil {
		return err
	}
	return p.names(filepath.Dir(p.folder))
}

// Prepare makes ready for Freeze, so that it takes less time: it makes the files that will be
// needed. They are gone again when the store is closed.
func (s *Store) Prepare() error {
	if s.options.ReadOnly {
		return nil
	}
	s.changing.Lock()
	defer s.changing.Unlock()
	st, locked, err := s.editTop()
	if err != nil {
		return err
	}
	defer locked.unlock()
	if err := s.fitSpare(st); err != nil || s.spare != nil {
		return err
	}
	s.spare, err = s.makeTop(*st.push(), st.Block, s.options)
	return err
}

// fitSpare drops the spare layer if it is not what the next one of a stack has to be.
func (s *Store) fitSpare(st *stack) error {
	if s.spare != nil && s.spare.File == st.Next && s.spare.Size == st.top().Size {
		return nil
	}
	return s.dropSpare()
}

// dropSpare gives up what Prepare has made.
func (s *Store) dropSpare() error {
	if s.spare == nil {
		return nil
	}
	gone := s.spare
	s.spare = nil
	return errors.Join(gone.close(), s.forget(gone.entry))
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
	st, locked, err := s.editTop()
	if err != nil {
		return err
	}
	defer locked.unlock()
	if st.index(name) >= 0 {
		return fmt.Errorf("%s: %q: %w", s.path, name, ErrExists)
	}
	if err := errors.Join(s.untouched(st.Layers[0]), s.fitSpare(st)); err != nil {
		return err
	}
	s.writing.Lock()
	defer s.writing.Unlock()
	s.syncing.Lock()
	defer s.syncing.Unlock()
	v := s.now.Load()
	how := &loading{OpenOptions: s.options, stack: st, old: v}
	grown, err := s.raise(how, name, s.delta(v.top().file), s.spare)
	if err == nil || how.unsure {
		s.spare = nil // it is in the stack, or may be
	}
	if err != nil {
		return err
	}
	s.now.Store(grown)
	// It is frozen, whatever becomes of the notes: the next sweep takes them.
	_ = errors.Join(v.top().blocks.endNotes(), s.remove(s.notes(v.top().File)))
	return nil
}

// editTop is edit by who writes to the volume.
func (s *Store) editTop() (*stack, lock, error) {
	st, locked, err := s.edit()
	if err == nil && st.top().File != s.now.Load().top().File {
		// Replacing the stack failed before, in a way that nobody could tell what it is.
		err = fmt.Errorf("%s: %w: the last layer is not the one that is written to; take the volume offline and online again", s.path, ErrDamaged)
	}
	if err != nil {
		locked.unlock()
		return nil, lock{}, err
	}
	return st, locked, nil
}
