//go:build unix

package layer

import (
	"errors"
	"fmt"

	"github.com/lunarsan/lunar/sbd"
)

// A layer is one of a stack, open: the base, or a delta with the map of its blocks.
type layer struct {
	entry
	store  sbd.Store
	reader sbd.TryReader // nil where the store lacks it
	writer sbd.TryWriter
	blocks *blockMap // nil: the base has them all
	lent   bool      // the store is closed by its owner
}

// A layerKey is what makes two layers the same, bytes and map.
type layerKey struct {
	folder     string
	file, turn uint64
}

// openLayer opens the delta of e, for writing or not.
func (p place) openLayer(e entry, block int64, o sbd.OpenOptions) (*layer, error) {
	o.Unlocked = true // top.lock and merge.lock say who may write
	data, err := p.open(p.delta(e.File), o)
	if err != nil {
		return nil, err
	}
	kept, err := p.open(p.blocks(e.File), sbd.OpenOptions{ReadOnly: o.ReadOnly, Unlocked: true})
	if err != nil {
		return nil, errors.Join(err, data.Close())
	}
	blocks, err := loadMap(kept, e.Key, blocksOf(e.Size, block), block)
	if err == nil {
		err = p.recall(e, blocks)
	}
	if err == nil && data.Size() < e.Size {
		err = fmt.Errorf("%w: the delta has %d bytes of %d", ErrDamaged, data.Size(), e.Size)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", p.blocks(e.File), err), data.Close(), kept.Close())
	}
	return newLayer(e, data, blocks), nil
}

// recall takes in the notes on a layer, if there are any of this start of the system.
func (p place) recall(e entry, m *blockMap) error {
	if p.boot == "" {
		return nil
	}
	s, err := p.open(p.notes(e.File), sbd.OpenOptions{ReadOnly: true, Unlocked: true})
	if errors.Is(err, sbd.ErrGone) {
		return nil
	} else if err != nil {
		return err
	}
	return errors.Join(m.readNotes(s, p.boot), s.Close())
}

// openTop opens the layer of e to be written to, and begins to take notes.
func (p place) openTop(e entry, block int64, o sbd.OpenOptions) (*layer, error) {
	l, err := p.openLayer(e, block, o)
	if err != nil || p.boot == "" {
		return l, err
	}
	var s sbd.Store
	if err = l.sync(); err == nil { // what was noted needs no note any more
		err = p.create(p.notes(e.File), notesLength(blocksOf(e.Size, block)))
	}
	if err == nil {
		s, err = p.open(p.notes(e.File), sbd.OpenOptions{Unlocked: true})
	}
	if err == nil {
		err = l.blocks.beginNotes(s, p.boot)
	}
	if err != nil {
		return nil, errors.Join(err, l.close())
	}
	return l, nil
}

// openBase opens the base to be read. It is locked against who knows nothing of layers, unless it
// is so already: by us, or by who has the volume open, which may be mine.
func (p place) openBase(e entry, o sbd.OpenOptions, mine, locked bool) (*layer, error) {
	o.ReadOnly, o.Unlocked = true, locked
	s, err := p.open(p.path, o)
	if errors.Is(err, sbd.ErrInUse) && !mine && p.opened() {
		o.Unlocked = true
		s, err = p.open(p.path, o)
	}
	if err != nil {
		return nil, err
	}
	if s.Size() < e.Size {
		return nil, errors.Join(fmt.Errorf("%s: the base of the layers has %d bytes of %d: %w", p.path, s.Size(), e.Size, sbd.ErrGone), s.Close())
	}
	if err := p.untouched(e); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return newLayer(e, s, nil), nil
}

func newLayer(e entry, s sbd.Store, blocks *blockMap) *layer {
	l := &layer{entry: e, store: s, blocks: blocks}
	l.reader, _ = s.(sbd.TryReader)
	l.writer, _ = s.(sbd.TryWriter)
	return l
}

// has says whether the layer has block b.
func (l *layer) has(b int64) bool { return l.blocks == nil || l.blocks.has(b) }

// sync makes what was written durable, and then the map that tells of it.
func (l *layer) sync() error {
	if l.blocks == nil {
		return l.store.Sync()
	}
	k := l.blocks.gather()
	if err := l.store.Sync(); err != nil {
		k.drop()
		return err
	}
	return k.keep()
}

// close closes the layer's files.
func (l *layer) close() error {
	if l.lent {
		return nil
	}
	err := l.store.Close()
	if l.blocks != nil {
		err = errors.Join(err, l.blocks.close())
	}
	return err
}

// mapped tells whether the byte at off of a store has space, and for how long that holds.
func mapped(s sbd.Store, off int64) (bool, int64, error) {
	if m, ok := s.(sbd.Mapper); ok {
		return m.Mapped(off)
	}
	return true, s.Size() - off, nil
}

// erase makes the n bytes at off of a store zeros, and keeps space for them or not.
func erase(s sbd.Store, off, n int64, keep bool) error {
	if n == 0 {
		return nil
	}
	if !keep {
		if u, ok := s.(sbd.Unmapper); ok {
			return u.Unmap(off, n)
		}
	}
	if z, ok := s.(sbd.Zeroer); ok {
		return z.Zero(off, n)
	}
	p := make([]byte, min(n, 1<<20))
	for ; n > 0; off, n = off+int64(len(p)), n-int64(len(p)) {
		p = p[:min(n, int64(len(p)))]
		if _, err := s.WriteAt(p, off); err != nil {
			return err
		}
	}
	return nil
}
