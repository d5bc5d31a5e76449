//go:build unix

package sbd

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// OpenOptions say how a store is opened.
type OpenOptions struct {
	ReadOnly bool // never write; others may read the store at the same time
	Direct   int  // go past the page cache, in blocks of so many bytes; 0: through it
	Unlocked bool // take no lock: the caller keeps others out, or lives with them
}

// Open opens the regular file or block device at path as a store. One that is open already,
// here, by another process or by the kernel, is ErrInUse.
func Open(path string, o OpenOptions) (Store, error) {
	var st unix.Stat_t
	if err := unix.Stat(path, &st); err != nil {
		return nil, fmt.Errorf("%s: %w", path, explain(err))
	}
	switch st.Mode & unix.S_IFMT {
	case unix.S_IFREG:
		return openFile(path, o)
	case deviceMode:
		return openDevice(path, o)
	}
	return nil, fmt.Errorf("%s: %w: want a regular file or a disk", path, errors.ErrUnsupported)
}

// Create makes a regular file of size bytes, for Open: thin, or with its space reserved. A
// file that holds bytes already is left alone: fs.ErrExist.
func Create(path string, size int64, thin bool) (err error) {
	if size <= 0 {
		return fmt.Errorf("%s: a size of %d bytes: %w", path, size, ErrOutOfRange)
	}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	undo := func() { os.Remove(path) }
	if errors.Is(err, fs.ErrExist) {
		if f, err = openEmpty(path); err == nil {
			undo = func() { f.Truncate(0) }
		}
	}
	if err != nil {
		return fmt.Errorf("%s: create: %w", path, explain(err))
	}
	defer func() {
		if err != nil {
			undo()
			err = fmt.Errorf("%s: create: %w", path, explain(err))
		}
		f.Close()
	}()
	if err := f.Truncate(size); err != nil {
		return err
	}
	if !thin {
		if err := reserve(f, size); err != nil {
			return err
		}
	}
	if err := f.Sync(); err != nil {
		return err
	}
	return SyncFolder(filepath.Dir(path))
}

// openEmpty opens the regular file at path if there is nothing in it.
func openEmpty(path string) (*os.File, error) {
	st, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !st.Mode().IsRegular() {
		return nil, fmt.Errorf("%w, and is no regular file: leave out the size to use it as it is", fs.ErrExist)
	}
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return nil, err
	}
	if st, err = f.Stat(); err == nil && st.Size() > 0 {
		err = fmt.Errorf("%w and holds %d bytes: leave out the size to use it as it is", fs.ErrExist, st.Size())
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// A file is a store in a regular file.
type file struct{ descriptor }

func openFile(path string, o OpenOptions) (Store, error) {
	f := new(file)
	if err := f.open(path, o, 0, 0); err != nil {
		return nil, err
	}
	f.intact = f.whole
	var st unix.Stat_t
	err := unix.Fstat(f.fd, &st)
	if err == nil {
		f.size.Store(st.Size)
		err = f.intact()
	} else {
		err = fmt.Errorf("%s: %w", path, describe(err))
	}
	if err == nil && st.Size == 0 {
		err = fmt.Errorf("%s: the file is empty: %w", path, ErrOutOfRange)
	}
	switch {
	case err != nil:
	case o.Direct > 0:
		err = f.bypass(o.Direct)
	default:
		f.learn()
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// whole tells whether the file still has a name and its length.
func (f *file) whole() error {
	var st unix.Stat_t
	if err := unix.Fstat(f.fd, &st); err != nil {
		return fmt.Errorf("%s: %w", f.path, describe(err))
	}
	switch size := f.size.Load(); {
	case st.Nlink == 0:
		return fmt.Errorf("%s: the file was deleted: %w", f.path, ErrGone)
	case st.Size < size:
		return fmt.Errorf("%s: the file was truncated to %d of %d bytes: %w", f.path, st.Size, size, ErrGone)
	}
	return nil
}

// WriteAt writes p at off. A file that was truncated is not extended again: nobody would
// notice the zeros.
func (f *file) WriteAt(p []byte, off int64) (int, error) {
	if err := f.intact(); err != nil {
		return 0, err
	}
	return f.descriptor.WriteAt(p, off)
}

// Resize makes the file size bytes long.
func (f *file) Resize(size int64) error {
	if f.readOnly {
		return fmt.Errorf("%s: opened so: %w", f.path, ErrReadOnly)
	}
	if err := f.intact(); err != nil {
		return err
	}
	if err := unix.Ftruncate(f.fd, size); err != nil {
		return f.failed("resize", 0, 0, err)
	}
	f.size.Store(size)
	return nil
}
