//go:build unix

package sbd

import (
	"errors"
	"os"
	"path/filepath"
)

// Replace makes p the contents of the file at path: whatever happens, it has the old or the new
// ones as a whole. It is durable, and goes by way of path.new.
func Replace(path string, p []byte) error {
	fresh := path + ".new"
	if err := WriteDurably(fresh, p); err != nil {
		return err
	}
	if err := os.Rename(fresh, path); err != nil {
		return err
	}
	return SyncFolder(filepath.Dir(path))
}

// WriteDurably makes p the contents of the file at path, which is nobody's yet: it may be left with
// a part of them. They are durable; that there is such a file need not be.
func WriteDurably(path string, p []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(p)
	if err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}

// SyncFolder makes durable which names there are in a folder.
func SyncFolder(folder string) error {
	f, err := os.Open(folder)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
