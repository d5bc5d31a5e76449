//go:build unix

package layer

import (
	"errors"
	"fmt"

	"github.com/lunarsan/lunar/sbd"
)

// Resize makes the volume size bytes long. Each layer keeps the length it had when it was frozen.
func (s *Store) Resize(size int64) error {
	if s.options.ReadOnly {
		return fmt.Errorf("%s: opened so: %w", s.path, sbd.ErrReadOnly)
	}
	s.changing.Lock()
	defer s.changing.Unlock()
	s.writing.Lock()
	defer s.writing.Unlock()
	st, locked, err := s.editTop()
	if err != nil {
		return err
	}
	defer locked.unlock()
	v := s.now.Load()
	top, e := v.top(), st.top()
	if size <= 0 || (size-1)/st.Block >= mostBlocks {
		return fmt.Errorf("%s: %d bytes in blocks of %d, of which a map has %d: %w", s.path, size, st.Block, mostBlocks, sbd.ErrOutOfRange)
	}
	if err := s.fits(v, size); err != nil {
		return err
	}
	was := e.Size
	e.Size, e.Shows = size, min(e.Shows, size)
	if size > was {
		if err := lengthen(top.layer, size, st.Block); err != nil {
			return err
		}
	}
	if err := s.write(st); err != nil {
		return err
	}
	next := *v
	next.size = size
	next.slots = append([]slot(nil), v.slots...)
	next.top().shows = e.Shows
	s.now.Store(&next)
	if size < was {
		return resize(top.store, size)
	}
	return nil
}

// fits refuses a length that the device cannot have that the layers go back to.
func (s *Store) fits(v *view, size int64) error {
	base := v.slots[0]
	if _, ok := base.store.(sbd.Resizer); ok || base.folder != s.folder || base.blocks != nil {
		return nil
	}
	if has := base.store.Size(); size < v.size || size > has {
		return fmt.Errorf("%s: a device of %d bytes cannot be made %d: %w", s.path, has, size, sbd.ErrOutOfRange)
	}
	return nil
}

// lengthen makes room for size bytes in a delta and its map, and makes that durable: neither may
// be shorter than the stack says.
func lengthen(l *layer, size, block int64) error {
	blocks := blocksOf(size, block)
	m := l.blocks
	if err := resize(m.store, max(mapLength(blocks), m.store.Size())); err != nil {
		return err
	}
	if m.notes != nil {
		if err := resize(m.notes, max(notesLength(blocks), m.notes.Size())); err != nil {
			return err
		}
	}
	m.grow(blocks)
	if err := resize(l.store, size); err != nil {
		return err
	}
	return errors.Join(m.store.Sync(), l.store.Sync())
}

func resize(s sbd.Store, size int64) error {
	r, ok := s.(sbd.Resizer)
	if !ok {
		return fmt.Errorf("the length of a layer cannot be changed to %d bytes", size)
	}
	return r.Resize(size)
}
