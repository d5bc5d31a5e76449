//go:build unix

package layer

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/lunarsan/lunar/sbd"
)

// A disk is what a stack does to files. Tests have one that writes down what was done, in order.
type disk struct {
	filer
	boot string // of the system, which one was the last; empty: nobody knows
}

type filer interface {
	// open opens a file or a device.
	open(path string, o sbd.OpenOptions) (sbd.Store, error)
	// create makes a sparse file of size bytes, anew where there was one. It is durable, and so
	// is its name.
	create(path string, size int64) error
	// link gives a file another name, whatever had that before. It is durable.
	link(path, another string) error
	// replace makes p the contents of a file: whatever happens, the old or the new. It is durable.
	replace(path string, p []byte) error
	// remove ends a file, or a folder with all that is in it. One that is not there will do. It
	// may come back with a loss of power.
	remove(path string) error
	// names makes durable which names there are in a folder.
	names(folder string) error
}

// system is the disk of the operating system.
func system() disk { return disk{files{}, sbd.SystemStart()} }

type files struct{}

func (files) open(path string, o sbd.OpenOptions) (sbd.Store, error) { return sbd.Open(path, o) }

func (f files) create(path string, size int64) error {
	if err := f.remove(path); err != nil {
		return err
	}
	return sbd.Create(path, size, true)
}

func (f files) link(path, another string) error {
	if err := f.remove(another); err != nil {
		return err
	}
	if err := os.Link(path, another); err != nil {
		return err
	}
	return f.names(filepath.Dir(another))
}

func (files) replace(path string, p []byte) error { return sbd.Replace(path, p) }

func (files) remove(path string) error { return os.RemoveAll(path) }

func (files) names(folder string) error { return sbd.SyncFolder(folder) }

// makeFolder makes a folder that outlives a loss of power.
func (d disk) makeFolder(path string) error {
	if err := os.Mkdir(path, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return d.names(filepath.Dir(path))
}

// read returns the stack as it is kept, or nil where there is none.
func (p place) read() (*stack, error) {
	b, err := os.ReadFile(p.stackFile())
	if errors.Is(err, fs.ErrNotExist) {
		left, err := filepath.Glob(filepath.Join(globbed(p.folder), "*.delta"))
		if err == nil && len(left) > 0 {
			err = fmt.Errorf("%s: %w: stack.json is missing beside %s; put it back, or remove the folder to have the volume as it was when it was frozen first",
				p.folder, ErrDamaged, filepath.Base(left[0]))
		}
		return nil, err
	}
	if err != nil {
		return nil, err
	}
	s, err := parseStack(b)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", p.folder, err)
	}
	return s, nil
}

// globbed is path with nothing in it that a pattern has a meaning for.
func globbed(path string) string {
	var out []rune
	for _, c := range path {
		switch c {
		case '*', '?', '[', '\\':
			out = append(out, '\\')
		}
		out = append(out, c)
	}
	return string(out)
}

// write replaces the stack that is kept: from here on it is this one.
func (p place) write(s *stack) error {
	if err := s.check(); err != nil {
		return fmt.Errorf("%s: the layers would not be whole: %w", p.folder, err)
	}
	b, err := s.encode()
	if err != nil {
		return err
	}
	return p.replace(p.stackFile(), b)
}

// make makes the files of a layer that has nothing.
func (p place) make(e *entry, block int64) error {
	if err := p.create(p.delta(e.File), e.Size); err != nil {
		return err
	}
	if err := p.create(p.blocks(e.File), mapLength(blocksOf(e.Size, block))); err != nil {
		return err
	}
	m, err := p.open(p.blocks(e.File), sbd.OpenOptions{})
	if err != nil {
		return err
	}
	if _, err = m.WriteAt(mapHeader(e.Key, block), 0); err == nil {
		err = m.Sync()
	}
	return errors.Join(err, m.Close())
}

// countAs has an empty layer count as written when the one below was, at like.
func (p place) countAs(e *entry, like string) error {
	info, err := os.Stat(like)
	if err != nil {
		return err
	}
	return setTime(p.delta(e.File), info)
}

// setTime has the file at path count as written when another one was; of a device nobody knows.
func setTime(path string, like os.FileInfo) error {
	info, err := os.Stat(path)
	if err != nil || !info.Mode().IsRegular() {
		return err
	}
	return os.Chtimes(path, time.Time{}, like.ModTime())
}

// forget ends the files of layers that are in the stack no more.
func (p place) forget(gone ...entry) error {
	var err error
	for _, e := range gone {
		if e.File != 0 {
			err = errors.Join(err, p.remove(p.delta(e.File)), p.remove(p.blocks(e.File)), p.remove(p.notes(e.File)))
		}
	}
	return err
}

// sweep ends what a crash left behind: layers that were made and never came in, or went out and
// were still there. Who sweeps has the stack and the volume locked.
func (p place) sweep(s *stack) error {
	known := make(map[string]bool)
	for _, e := range s.Layers {
		known[p.delta(e.File)], known[p.blocks(e.File)], known[p.pin(e.ID)] = true, true, true
	}
	known[p.notes(s.top().File)] = true
	var err error
	for _, kind := range []string{"delta", "map", "notes", "pin"} {
		found, e := filepath.Glob(filepath.Join(globbed(p.folder), "[0-9]*."+kind))
		err = errors.Join(err, e)
		for _, path := range found {
			if !known[path] {
				err = errors.Join(err, p.remove(path))
			}
		}
	}
	return err
}
