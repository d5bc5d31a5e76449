package image

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// Forget asks the system to forget what it has in memory of the store, so that the medium is read
// next. What was written must have been synced.
func (s *Store) Forget() error {
	f, err := os.Open(s.path)
	if err != nil {
		return err
	}
	err = unix.Fadvise(int(f.Fd()), 0, 0, unix.FADV_DONTNEED)
	return errors.Join(err, f.Close())
}
