//go:build unix

package layer

import (
	"errors"
	"fmt"

	"github.com/lunarsan/lunar/sbd"
)

// Size returns the capacity in bytes.
func (s *Store) Size() int64 { return s.now.Load().size }

// ReadAt fills p from off.
func (s *Store) ReadAt(p []byte, off int64) (int, error) {
	s.reading.RLock()
	defer s.reading.RUnlock()
	v := s.now.Load()
	if err := s.in(v, off, int64(len(p))); err != nil {
		return 0, err
	}
	if err := v.read(p, off, true); err != nil {
		return 0, err
	}
	return len(p), nil
}

// TryReadAt is ReadAt of bytes in memory.
func (s *Store) TryReadAt(p []byte, off int64) (int, error) {
	if !s.reading.TryRLock() {
		return 0, sbd.ErrWouldBlock
	}
	defer s.reading.RUnlock()
	v := s.now.Load()
	if err := s.in(v, off, int64(len(p))); err != nil {
		return 0, err
	}
	if err := v.read(p, off, false); err != nil {
		return 0, err
	}
	return len(p), nil
}

// in tells whether there are n bytes at off in v.
func (s *Store) in(v *view, off, n int64) error {
	if err := v.check(off, n); err != nil {
		return fmt.Errorf("%s: %w", s.path, err)
	}
	return nil
}

// Mapped tells whether the byte at off has space in any layer, and how far that holds.
func (s *Store) Mapped(off int64) (has bool, n int64, err error) {
	for range 2 {
		if has, n, err = s.mapped(off); !errors.Is(err, sbd.ErrGone) {
			break
		}
		// A layer that has gone was merged into another one.
		if err := s.refresh(); err != nil {
			return false, 0, err
		}
	}
	return has, n, err
}

func (s *Store) mapped(off int64) (bool, int64, error) {
	s.reading.RLock()
	defer s.reading.RUnlock()
	v := s.now.Load()
	if err := s.in(v, off, 1); err != nil {
		return false, 0, err
	}
	return v.mapped(off)
}

// Shared tells whether the byte at off is a frozen layer's, so that writing it takes space, and
// how far that holds.
func (s *Store) Shared(off int64) (bool, int64, error) {
	s.reading.RLock()
	defer s.reading.RUnlock()
	v := s.now.Load()
	if err := s.in(v, off, 1); err != nil {
		return false, 0, err
	}
	shared, n := v.shared(off)
	return shared, n, nil
}

// Prefetch starts to read the n bytes at off.
func (s *Store) Prefetch(off, n int64) error {
	s.reading.RLock()
	defer s.reading.RUnlock()
	v := s.now.Load()
	if err := s.in(v, off, n); err != nil {
		return err
	}
	for end := off + n; off < end; {
		l, n := v.span(off, end)
		if l != nil {
			if f, ok := l.store.(sbd.Prefetcher); ok {
				if err := f.Prefetch(off, n); err != nil {
					return err
				}
			}
		}
		off += n
	}
	return nil
}

// Advice is that of the oldest layer: what initiators were told of the medium stays so when
// layers come and go.
func (s *Store) Advice() sbd.Advice {
	s.reading.RLock()
	defer s.reading.RUnlock()
	if a, ok := s.now.Load().slots[0].store.(sbd.Advisor); ok {
		return a.Advice()
	}
	return sbd.Advice{}
}

// Space is what the volume's own layers take, those that a clone stands on not among them. The
// pool is where it grows.
func (s *Store) Space() (sbd.Space, error) {
	s.reading.RLock()
	defer s.reading.RUnlock()
	v := s.now.Load()
	m, ok := v.top().store.(sbd.Measurer)
	if !ok {
		return sbd.Space{}, fmt.Errorf("%s: the space of its layers: %w", s.path, errors.ErrUnsupported)
	}
	space, err := m.Space()
	for _, l := range v.slots[:len(v.slots)-1] {
		m, ok := l.store.(sbd.Measurer)
		if !ok || err != nil || l.folder != s.folder {
			continue
		}
		one, e := m.Space()
		if err = e; one.Pool == space.Pool {
			space.Used += one.Used
		}
	}
	return space, err
}
