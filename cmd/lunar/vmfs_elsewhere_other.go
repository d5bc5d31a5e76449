//go:build !linux

package main

import (
	"os"
	"syscall"
)

// A foundation is the device that a folder lies on.
type foundation struct{ device uint64 }

// lies finds what a folder lies on, be it there or not.
func lies(folder string) (*foundation, error) {
	info, err := nearest(folder)
	if err != nil {
		return nil, err
	}
	f := new(foundation)
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		f.device = uint64(st.Dev)
	}
	return f, nil
}

// on reports that an image is the device that the folder lies on.
func (f *foundation) on(image os.FileInfo) bool {
	st, ok := image.Sys().(*syscall.Stat_t)
	return ok && image.Mode()&os.ModeDevice != 0 && uint64(st.Rdev) == f.device
}
