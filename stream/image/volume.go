//go:build unix

package image

import (
	"fmt"

	"github.com/lunarsan/lunar/sbd"
)

// growth is by how much a file is made longer at once (bytes). Whoever applies a stream to it
// says at the end how long it is.
const growth = 64 << 20

// WriteAt writes p at off, and makes a file longer for it.
func (s *Store) WriteAt(p []byte, off int64) (int, error) {
	if end := off + int64(len(p)); s.regular && end > s.Size() {
		if err := s.Truncate(max(end, end/growth*growth+growth)); err != nil {
			return 0, err
		}
	}
	n, err := s.Store.WriteAt(p, off)
	if err == nil {
		s.behind.wrote(off, int64(n))
	}
	return n, err
}

// Fixed says whether the store is a device.
func (s *Store) Fixed() bool { return !s.regular }

// Truncate makes a file size bytes long.
func (s *Store) Truncate(size int64) error {
	r, ok := s.Store.(sbd.Resizer)
	if !ok {
		return fmt.Errorf("%s: its length cannot be changed to %d bytes", s.path, size)
	}
	return r.Resize(size)
}

// zeros are written where a hole cannot be made (bytes at a time).
const zeros = 1 << 20

// Punch makes a hole of the n bytes at off, or writes zeros where there are no holes.
func (s *Store) Punch(off, n int64) error {
	if u, ok := s.Store.(sbd.Unmapper); ok {
		return u.Unmap(off, n)
	}
	p := make([]byte, min(n, zeros))
	for n > 0 {
		done, err := s.Store.WriteAt(p[:min(n, zeros)], off)
		if err != nil {
			return err
		}
		off, n = off+int64(done), n-int64(done)
	}
	return nil
}
