package backup

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// A shelf has the backups of one volume, DEST/HOST/ALIAS, and is held by one process at a time.
type shelf struct {
	*folder
	path string
	lock *os.File
}

const (
	unfinished = ".new" // what a backup is called until it is complete
	discarded  = ".old" // what one is called while it is removed
	lockName   = ".lock"
)

// ErrBusy says that another process makes or removes backups of the volume.
var ErrBusy = errors.New("another process is at work there")

// openShelf opens a shelf, and clears what a process left that was cut off.
func openShelf(name string, fault func(op, name string) error) (*shelf, error) {
	f, err := openFolder(name)
	if err != nil {
		return nil, err
	}
	f.fault = fault
	s := &shelf{folder: f, path: name}
	if s.lock, err = f.root.OpenFile(lockName, os.O_RDWR|os.O_CREATE, 0o600); err != nil {
		return nil, errors.Join(err, f.root.Close())
	}
	if err := unix.FcntlFlock(s.lock.Fd(), unix.F_SETLK, &unix.Flock_t{Type: unix.F_WRLCK}); err != nil {
		if errors.Is(err, unix.EAGAIN) || errors.Is(err, unix.EACCES) {
			err = ErrBusy
		}
		return nil, errors.Join(fmt.Errorf("locking %s: %w", name, err), s.close())
	}
	for _, left := range []string{unfinished, discarded} {
		if err := s.remove(left); err != nil {
			return nil, errors.Join(err, s.close())
		}
	}
	return s, nil
}

// close gives the shelf back.
func (s *shelf) close() error { return errors.Join(s.lock.Close(), s.root.Close()) }

// dated matches the names of backups: the day, and how many were made that day before.
var dated = regexp.MustCompile(`^(\d{4}-\d\d-\d\d)\.(\d{1,9})$`)

// names are those of the backups on a shelf, the oldest first.
func names(shelf string) ([]string, error) {
	entries, err := os.ReadDir(shelf)
	if err != nil {
		return nil, err
	}
	var found []string
	for _, e := range entries {
		if e.IsDir() && dated.MatchString(e.Name()) {
			found = append(found, e.Name())
		}
	}
	slices.SortFunc(found, func(a, b string) int {
		x, y := dated.FindStringSubmatch(a), dated.FindStringSubmatch(b)
		i, _ := strconv.Atoi(x[2])
		j, _ := strconv.Atoi(y[2])
		return cmp.Or(cmp.Compare(x[1], y[1]), cmp.Compare(i, j))
	})
	return found, nil
}

// newest is the newest backup on a shelf that can be read; nil when there is none.
func newest(shelf string) *Backup {
	list, err := names(shelf)
	if err != nil {
		return nil
	}
	for _, name := range slices.Backward(list) {
		if b, err := Open(filepath.Join(shelf, name)); err == nil {
			return b
		}
	}
	return nil
}

// publish gives the backup that is complete its name: the next of that day, in UTC. Names are
// not given twice as long as the last one is there.
func (s *shelf) publish(prefix string, now time.Time) (name string, err error) {
	entries, err := os.ReadDir(s.path)
	if err != nil {
		return "", err
	}
	day, n := now.UTC().Format(time.DateOnly), 0
	for _, e := range entries {
		if name, ok := strings.CutPrefix(e.Name(), prefix); ok {
			if m := dated.FindStringSubmatch(name); m != nil && m[1] == day {
				last, _ := strconv.Atoi(m[2])
				n = max(n, last+1)
			}
		}
	}
	name = fmt.Sprintf("%s%s.%d", prefix, day, n)
	if err := s.sync(unfinished, true); err != nil {
		return "", err
	}
	if err := s.rename(unfinished, name); err != nil {
		return "", err
	}
	return name, s.sync(".", false)
}

// prune removes the oldest backups beyond keep. Each loses its name first, so that what has a
// name is complete.
func (s *shelf) prune(keep int) (removed []string, err error) {
	list, err := names(s.path)
	if err != nil {
		return nil, err
	}
	for _, name := range list[:max(0, len(list)-keep)] {
		if err := s.rename(name, discarded); err != nil {
			return removed, err
		}
		removed = append(removed, name)
		if err := s.remove(discarded); err != nil {
			return removed, err
		}
	}
	return removed, nil
}

// shelfOf chooses the shelf of a volume: that of its alias, unless another volume has it.
func shelfOf(dest, host, alias, uuid string) (string, error) {
	name := filepath.Join(dest, folderName(host), folderName(alias))
	switch b := newest(name); {
	case b == nil, b.Volume.UUID == uuid:
		return name, nil
	}
	name += "." + uuid
	if b := newest(name); b != nil && b.Volume.UUID != uuid {
		return "", fmt.Errorf("%s has backups of volume %s: %w", name, b.Volume.UUID, fs.ErrExist)
	}
	return name, nil
}

// folderName makes a name one that a folder can have.
func folderName(name string) string {
	var out []byte
	for _, c := range []byte(name) {
		if c <= ' ' || c == '/' || c == '\\' || c == '%' || c >= 0x7F {
			c = '_'
		}
		out = append(out, c)
	}
	if len(out) == 0 || out[0] == '.' {
		out = append([]byte{'_'}, out...)
	}
	return string(out[:min(len(out), 200)])
}
