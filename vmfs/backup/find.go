package backup

import (
	"io/fs"
	"path/filepath"
	"strings"
)

// Find finds all backups below a folder: DEST, one of its hosts, or one of its volumes; the
// oldest of each volume first. One that cannot be opened is a failure, and the others are found.
func Find(dest string) (found []*Backup, failed []error, err error) {
	folders := []string{dest}
	for range 3 { // host, volume, backup
		var below []string
		for _, folder := range folders {
			list, err := names(folder)
			if err != nil {
				return found, failed, err
			}
			for _, name := range list {
				b, err := Open(filepath.Join(folder, name))
				if err != nil {
					failed = append(failed, err)
					continue
				}
				found = append(found, b)
			}
			more, err := subfolders(folder)
			if err != nil {
				return found, failed, err
			}
			below = append(below, more...)
		}
		folders = below
	}
	return found, failed, nil
}

// subfolders are the folders in one that are not backups, nor parts of them.
func subfolders(folder string) (list []string, err error) {
	err = filepath.WalkDir(folder, func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil || name == folder:
			return err
		case !d.IsDir():
			return nil
		case !dated.MatchString(d.Name()) && !strings.HasPrefix(d.Name(), ".") && !strings.HasPrefix(d.Name(), undoPrefix):
			list = append(list, name)
		}
		return fs.SkipDir
	})
	return list, err
}
