//go:build unix

package image

import (
	"errors"
	"os"
	"time"

	"github.com/lunarsan/lunar/sbd"
	"github.com/lunarsan/lunar/sbd/layer"
	"github.com/lunarsan/lunar/stream/dmu"
)

// Mapped tells whether the byte at off may be something else than zero, and how far that holds.
// Settle must have been called since the last write.
func (s *Store) Mapped(off int64) (bool, int64, error) {
	if m, ok := s.Store.(sbd.Mapper); ok {
		return m.Mapped(off)
	}
	return true, s.Size() - off, nil
}

// Settle has the file system give everything that was written its place: until then there may be
// bytes where it tells of a hole.
func (s *Store) Settle() error {
	if !s.regular {
		return nil
	}
	f, err := os.Open(s.path)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// Intact says whether it is known that the file was not written to since its chain was saved. Of
// a device nobody knows.
func (s *Store) Intact() (bool, error) {
	if !s.regular || s.chain.Modified.IsZero() || s.chain.State() != dmu.ChainComplete {
		return false, nil
	}
	modified, err := s.Modified()
	return err == nil && !modified, err
}

// Written is when the file was written to last; of a device nobody knows, and it is zero.
func (s *Store) Written() (time.Time, error) {
	if !s.regular {
		return time.Time{}, nil
	}
	return layer.Written(s.path)
}
