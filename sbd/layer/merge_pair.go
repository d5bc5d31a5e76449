//go:build unix

package layer

import (
	"errors"
	"fmt"

	"github.com/lunarsan/lunar/sbd"
)

// downwards says whether the upper layer goes to the lower one, rather than the other way round.
func (m *pairing) downwards() bool {
	if m.lower.blocks == nil {
		return true
	}
	blocks := blocksOf(max(m.lower.Size, m.upper.Size), m.block)
	return m.upper.blocks.count(blocks) <= m.lower.blocks.count(blocks)
}

// down gives the lower layer what the upper one has. Nobody sees that: who reads these blocks
// finds them in the upper one, for as long as that is there.
func (m *pairing) down() error {
	if err := m.fit(); err != nil {
		return err
	}
	size := m.upper.Size
	err := m.each(m.upper.blocks, nil, 0, size, func(off, n int64) error {
		if err := m.move(m.lower.store, m.upper.store, off, min(n, size-off)); err != nil {
			return err
		}
		return m.mark(m.lower, off, n)
	})
	if err != nil {
		return err
	}
	// What the upper one does not show of the lower one is zeros, and behind its end is nothing.
	err = errors.Join(err, m.clear(m.upper.blocks, m.upper.Shows, size), m.clear(nil, size, m.lower.Size))
	return errors.Join(err, m.lower.sync())
}

// clear makes zeros of the bytes of the lower layer from one up to another that are not in a map.
func (m *pairing) clear(but *blockMap, from, to int64) error {
	return m.each(m.lower.blocks, but, from, to, func(off, n int64) error {
		end := min(off+n, to)
		off = max(off, from)
		return erase(m.lower.store, off, end-off, false)
	})
}

// fit makes the lower layer as long as the upper one.
func (m *pairing) fit() error {
	size := m.upper.Size
	if m.lower.store.Size() >= size {
		return nil
	}
	if m.lower.blocks != nil {
		return lengthen(m.lower, size, m.block)
	}
	return resize(m.lower.store, size)
}

// up gives the upper layer what the lower one has and it has not. Nobody sees that either: it is
// what they see already.
func (m *pairing) up() error {
	shown := m.upper.Shows
	err := m.each(m.lower.blocks, m.upper.blocks, 0, shown, func(off, n int64) error {
		have := min(n, shown-off)
		if err := m.move(m.upper.store, m.lower.store, off, have); err != nil {
			return err
		}
		// The rest of the last block is not shown: it is zeros.
		if rest := min(n, m.upper.Size-off) - have; rest > 0 {
			if err := erase(m.upper.store, off+have, rest, false); err != nil {
				return err
			}
		}
		return m.mark(m.upper, off, n)
	})
	return errors.Join(err, m.upper.sync())
}

// each calls do for runs of blocks, in bytes, that have some of the bytes from off up to end, and
// are in a map, or without it anywhere, but not in another one.
func (m *pairing) each(in, out *blockMap, off, end int64, do func(off, n int64) error) error {
	if off >= end {
		return nil
	}
	b, last := off/m.block, blocksOf(end, m.block)
	for {
		var stop int64
		b, stop = run(in, out, b, last)
		if b == last {
			return nil
		}
		stop = min(stop, b+max(piece/m.block, 1))
		n := (stop - b) * m.block
		if err := m.ctx.Err(); err != nil {
			return err
		}
		if m.pace != nil {
			if err := m.pace(m.ctx, n); err != nil {
				return err
			}
		}
		if err := do(b*m.block, n); err != nil {
			return fmt.Errorf("%s: merging layers: %w", m.path, err)
		}
		b = stop
	}
}

// move copies the n bytes at off, holes as holes.
func (m *pairing) move(into, from sbd.Store, off, n int64) error {
	for end := off + n; off < end; {
		has, run, err := mapped(from, off)
		if err != nil {
			return err
		}
		run = min(run, end-off, int64(len(m.buffer)))
		if !has {
			err = erase(into, off, run, false)
		} else if _, err = from.ReadAt(m.buffer[:run], off); err == nil {
			_, err = into.WriteAt(m.buffer[:run], off)
		}
		if err != nil {
			return err
		}
		off += run
	}
	return nil
}

// mark notes that a layer has blocks.
func (m *pairing) mark(l *layer, off, n int64) error {
	if l.blocks == nil {
		return nil
	}
	return l.blocks.mark(off/m.block, (off+n)/m.block)
}
