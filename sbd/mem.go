package sbd

import (
	"fmt"
	"sync"
)

// memPage is the piece in which a Mem has space.
const memPage = 64 << 10

// A Mem is a store in memory. It is sparse: bytes never written take no space. Use NewMem.
type Mem struct {
	mu    sync.RWMutex // size, pages; not what is in a page
	size  int64
	pages map[int64]*page // by offset / memPage; without one the bytes are zeros
}

// A page holds memPage bytes.
type page struct {
	mu sync.RWMutex
	b  [memPage]byte
}

// NewMem returns a store of size bytes, all zeros.
func NewMem(size int64) *Mem { return &Mem{size: size, pages: make(map[int64]*page)} }

// Size returns the capacity in bytes.
func (m *Mem) Size() int64 {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return m.size
}

// ReadAt fills p from off.
func (m *Mem) ReadAt(p []byte, off int64) (int, error) {
	if err := m.check(off, int64(len(p))); err != nil {
		return 0, err
	}
	for done := 0; done < len(p); {
		at := off + int64(done)
		start := int(at % memPage)
		part := p[done:min(len(p), done+memPage-start)]
		if pg := m.page(at/memPage, false); pg != nil {
			pg.mu.RLock()
			copy(part, pg.b[start:])
			pg.mu.RUnlock()
		} else {
			clear(part)
		}
		done += len(part)
	}
	return len(p), nil
}

// WriteAt writes p at off.
func (m *Mem) WriteAt(p []byte, off int64) (int, error) {
	if err := m.check(off, int64(len(p))); err != nil {
		return 0, err
	}
	for done := 0; done < len(p); {
		at := off + int64(done)
		start := int(at % memPage)
		pg := m.page(at/memPage, true)
		pg.mu.Lock()
		n := copy(pg.b[start:], p[done:])
		pg.mu.Unlock()
		done += n
	}
	return len(p), nil
}

// TryReadAt is ReadAt: memory does not block.
func (m *Mem) TryReadAt(p []byte, off int64) (int, error) { return m.ReadAt(p, off) }

// TryWriteAt is WriteAt: memory does not block.
func (m *Mem) TryWriteAt(p []byte, off int64) (int, error) { return m.WriteAt(p, off) }

// Sync does nothing: no power loss leaves a Mem anything.
func (m *Mem) Sync() error { return nil }

// Close does nothing.
func (m *Mem) Close() error { return nil }

// Unmap makes the n bytes at off zeros and gives whole pages back.
func (m *Mem) Unmap(off, n int64) error {
	return m.wipe(off, n, func(i int64) {
		m.mu.Lock()
		delete(m.pages, i)
		m.mu.Unlock()
	})
}

// Zero makes the n bytes at off zeros.
func (m *Mem) Zero(off, n int64) error {
	return m.wipe(off, n, func(i int64) { m.page(i, true).wipe(0, memPage) })
}

// wipe makes the n bytes at off zeros, whole pages with f.
func (m *Mem) wipe(off, n int64, f func(int64)) error {
	if err := m.check(off, n); err != nil {
		return err
	}
	for end := off + n; off < end; {
		i, start := off/memPage, off%memPage
		stop := min(memPage, start+end-off)
		if start == 0 && stop == memPage {
			f(i)
		} else if pg := m.page(i, false); pg != nil {
			pg.wipe(start, stop)
		}
		off += stop - start
	}
	return nil
}

func (pg *page) wipe(start, stop int64) {
	pg.mu.Lock()
	clear(pg.b[start:stop])
	pg.mu.Unlock()
}

// Mapped tells whether the byte at off has a page, and how far that holds.
func (m *Mem) Mapped(off int64) (bool, int64, error) {
	if err := m.check(off, 1); err != nil {
		return false, 0, err
	}
	m.mu.RLock()
	defer m.mu.RUnlock()
	i := off / memPage
	mapped := m.pages[i] != nil
	end := (i + 1) * memPage
	for end < m.size && (m.pages[end/memPage] != nil) == mapped {
		end += memPage
	}
	return mapped, min(end, m.size) - off, nil
}

// Resize makes the store size bytes long.
func (m *Mem) Resize(size int64) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if size < m.size {
		for i := range m.pages {
			if i*memPage >= size {
				delete(m.pages, i)
			}
		}
		if pg := m.pages[size/memPage]; pg != nil {
			pg.wipe(size%memPage, memPage)
		}
	}
	m.size = size
	return nil
}

// Advice says that space comes in pages.
func (m *Mem) Advice() Advice { return Advice{Granularity: memPage} }

// page returns page i, or nil if it has no space and make is false.
func (m *Mem) page(i int64, make bool) *page {
	m.mu.RLock()
	pg := m.pages[i]
	m.mu.RUnlock()
	if pg != nil || !make {
		return pg
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.pages[i] == nil {
		m.pages[i] = new(page)
	}
	return m.pages[i]
}

func (m *Mem) check(off, n int64) error { return checkRange("memory", off, n, m.Size()) }

// checkRange returns ErrOutOfRange, with the place, unless the n bytes at off are in size.
func checkRange(name string, off, n, size int64) error {
	if off < 0 || n < 0 || off > size || n > size-off {
		return fmt.Errorf("%s: %d bytes at %d of %d: %w", name, n, off, size, ErrOutOfRange)
	}
	return nil
}
