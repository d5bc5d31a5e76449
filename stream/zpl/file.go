package zpl

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"path"
	"syscall"
)

// maxSymlink is the longest target of a symbolic link (bytes).
const maxSymlink = 4096

// file moves a file from the stage to its path. One of several names is linked there instead.
func (e *Extractor) file(at string, object uint64, d *dnode, a *attributes) error {
	s := e.stage
	first, err := s.visit(object, d)
	if err != nil {
		return err
	}
	switch {
	case !first && a.links < 2:
		return fmt.Errorf("object %d has two names, and says that it has one", object)
	case !first:
		if err := s.root.Link(s.path(object), at); err != nil {
			return err
		}
		e.sum.Links++
		return nil
	}
	if err := e.complete(at, object, a); err != nil {
		return err
	}
	if a.links > 1 {
		err = s.root.Link(s.path(object), at)
	} else if err = e.absent(at); err == nil {
		err = s.root.Rename(s.path(object), at)
	}
	if err != nil {
		return err
	}
	e.sum.Files++
	e.sum.Bytes += a.size
	return nil
}

// absent says whether nothing is at a path: to rename is to replace.
func (e *Extractor) absent(at string) error {
	_, err := e.stage.root.Lstat(at)
	if err == nil {
		return fs.ErrExist
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// complete gives the data of a file its length and its attributes, still on the stage.
func (e *Extractor) complete(at string, object uint64, a *attributes) error {
	s := e.stage
	if a.size > math.MaxInt64 {
		return fmt.Errorf("it has %d bytes", a.size)
	}
	if err := s.use(object, true); err != nil {
		return err
	}
	if err := s.data.Truncate(int64(a.size)); err != nil {
		return err
	}
	e.xattrs(at, s.data, a)
	if err := s.done(); err != nil {
		return err
	}
	name := s.path(object)
	if err := e.chown(name, a); err != nil {
		return err
	}
	if err := s.root.Chmod(name, e.mode(a)); err != nil {
		return err
	}
	return s.root.Chtimes(name, timeOf(a.atime), timeOf(a.mtime))
}

// symlink makes a symbolic link. Nothing is ever looked up through it.
func (e *Extractor) symlink(at string, object uint64, a *attributes) error {
	target := a.symlink
	if target == "" {
		p, err := e.stage.content(object, a.size, maxSymlink)
		if err != nil {
			return err
		}
		target = string(p)
	}
	if len(target) > maxSymlink {
		return fmt.Errorf("its target has %d bytes", len(target))
	}
	if err := e.stage.root.Symlink(target, at); err != nil {
		return err
	}
	e.sum.Symlinks++
	return e.chown(at, a)
}

// fifo makes a pipe.
func (e *Extractor) fifo(at string, a *attributes) error {
	root := e.stage.root
	folder, err := root.Open(path.Dir(at))
	if err != nil {
		return err
	}
	err = makeFIFO(folder, path.Base(at))
	if err = errors.Join(err, folder.Close()); err != nil {
		return err
	}
	e.sum.Pipes++
	if err := e.chown(at, a); err != nil {
		return err
	}
	if err := root.Chmod(at, e.mode(a)); err != nil {
		return err
	}
	return root.Chtimes(at, timeOf(a.atime), timeOf(a.mtime))
}

// full says whether err means that no file can be written any more.
func full(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) || errors.Is(err, syscall.EROFS) || errors.Is(err, syscall.EIO)
}
