package zpl

import (
	"errors"
	"math"
	"os"

	"golang.org/x/sys/unix"
)

func setXattr(f *os.File, name string, value []byte) error {
	return unix.Fsetxattr(int(f.Fd()), name, value, 0)
}

// makeFIFO makes a pipe in a folder.
func makeFIFO(folder *os.File, name string) error {
	return unix.Mkfifoat(int(folder.Fd()), name, 0o600)
}

// punch makes the n bytes at off zeros without space.
func punch(f *os.File, off, n int64) error {
	err := unix.Fallocate(int(f.Fd()), unix.FALLOC_FL_PUNCH_HOLE|unix.FALLOC_FL_KEEP_SIZE, off, n)
	if err == unix.EOPNOTSUPP || err == unix.ENOSYS {
		return zeroOut(f, off, n)
	}
	return err
}

// nextData is where, from off on, f has data that are more than a hole; nowhere is far away.
func nextData(f *os.File, off int64) (int64, error) {
	at, err := unix.Seek(int(f.Fd()), off, unix.SEEK_DATA)
	if errors.Is(err, unix.ENXIO) {
		return math.MaxInt64, nil
	}
	return at, err
}
