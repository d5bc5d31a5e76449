package backup

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
)

// A folder is where backups of a volume are kept. Names are below it, with slashes, and cannot
// lead out of it. What is written is on disk when the folder above it has been synced.
type folder struct {
	root  *os.Root
	fault func(op, name string) error // of tests: called before anything is changed; nil else
}

// openFolder opens a folder, and makes it if it is not there, with those that lead to it.
func openFolder(name string) (*folder, error) {
	var made []string // that get a name, from the last up
	for at := name; ; at = filepath.Dir(at) {
		if _, err := os.Stat(at); err == nil || at == filepath.Dir(at) {
			break
		}
		made = append(made, filepath.Dir(at))
	}
	if err := os.MkdirAll(name, 0o700); err != nil {
		return nil, err
	}
	for _, above := range made {
		d, err := os.Open(above)
		if err == nil {
			err = errors.Join(d.Sync(), d.Close())
		}
		if err != nil {
			return nil, err
		}
	}
	root, err := os.OpenRoot(name)
	if err != nil {
		return nil, err
	}
	return &folder{root: root}, nil
}

func (f *folder) step(op, name string) error {
	if f.fault == nil {
		return nil
	}
	return f.fault(op, name)
}

// write makes a file with what fill writes, and syncs it.
func (f *folder) write(name string, fill func(*os.File) error) (err error) {
	if err := f.step("create", name); err != nil {
		return err
	}
	if err := f.root.MkdirAll(path.Dir(name), 0o700); err != nil {
		return err
	}
	out, err := f.root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	defer func() {
		if e := out.Close(); err == nil {
			err = e
		}
	}()
	if err := fill(out); err != nil {
		return err
	}
	if err := f.step("sync", name); err != nil {
		return err
	}
	return out.Sync()
}

// link makes a second name of a file.
func (f *folder) link(from, to string) error {
	if err := f.step("link", to); err != nil {
		return err
	}
	if err := f.root.MkdirAll(path.Dir(to), 0o700); err != nil {
		return err
	}
	return f.root.Link(from, to)
}

// remove removes a file, or a folder with all that is in it; there need not be one.
func (f *folder) remove(name string) error {
	if err := f.step("remove", name); err != nil {
		return err
	}
	return f.root.RemoveAll(name)
}

// rename gives a file or folder another name, which is not taken.
func (f *folder) rename(from, to string) error {
	if err := f.step("rename", to); err != nil {
		return err
	}
	if _, err := f.root.Lstat(to); !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("renaming %s: %s: %w", from, to, fs.ErrExist)
	}
	return f.root.Rename(from, to)
}

// sync makes the names in a folder durable; with deep, those in the folders below it too.
func (f *folder) sync(name string, deep bool) error {
	if deep {
		entries, err := fs.ReadDir(f.root.FS(), name)
		if err != nil {
			return err
		}
		for _, e := range entries {
			if e.IsDir() {
				if err := f.sync(path.Join(name, e.Name()), true); err != nil {
					return err
				}
			}
		}
	}
	if err := f.step("sync", name); err != nil {
		return err
	}
	d, err := f.root.Open(name)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
