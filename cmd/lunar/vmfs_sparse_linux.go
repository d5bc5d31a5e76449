package main

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// A sparseFile tells where its holes are.
type sparseFile struct{ *os.File }

// Data finds the first data in a range; n is 0 when there is none.
func (f sparseFile) Data(from, to int64) (off, n int64, err error) {
	off, err = f.Seek(from, unix.SEEK_DATA)
	switch {
	case errors.Is(err, unix.ENXIO), err == nil && off >= to:
		return to, 0, nil
	case err != nil:
		return 0, 0, err
	}
	end, err := f.Seek(off, unix.SEEK_HOLE)
	return off, min(end, to) - off, err
}
