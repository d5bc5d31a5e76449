package shelf

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/lunarsan/lunar/sbd"
	"github.com/lunarsan/lunar/stream"
)

// A Shelf is a file as a stream.Volume. There may be several of one file, in one process and in
// others: whoever changes something has PATH.snapshots locked meanwhile.
type Shelf struct {
	folder
	disk
	layered bool // even where there are reflinks
	shared  bool // others write to the file, too
	now     func() time.Time
}

var _ stream.Volume = (*Shelf)(nil)

// New is the volume at path, whether or not there is anything yet.
func New(path string) *Shelf {
	if full, err := filepath.Abs(path); err == nil { // else the working directory has gone
		path = full
	}
	return &Shelf{folder: folder(path), now: time.Now}
}

// Share says that programs may write to the file which know nothing of layers, such as a virtual
// machine's. It is not frozen below layers then: Take answers ErrLayers.
func (s *Shelf) Share() { s.shared = true }

// ErrLayers says that a snapshot would put layers on a file that others write to.
var ErrLayers = errors.New("the file system has no reflinks, and below layers nobody but lunar may write to the file")

// Name is the path.
func (s *Shelf) Name() string { return s.path() }

// Path is the path.
func (s *Shelf) Path() string { return s.path() }

// dataset is what the volume is called in streams.
func (s *Shelf) dataset() string {
	name := filepath.Base(s.path())
	name = strings.TrimSuffix(name, filepath.Ext(name))
	return "lunar/" + notInNames.ReplaceAllString(name, "-")
}

var notInNames = regexp.MustCompile(`[^A-Za-z0-9_.:-]`)

// there says whether there is such a volume.
func (s *Shelf) there() error {
	info, err := os.Stat(s.path())
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%s: %w", s.path(), stream.ErrNoVolume)
	case err != nil:
		return explain(err)
	case !info.Mode().IsRegular():
		return fmt.Errorf("%s: snapshots are kept of files and zvols, and this is neither: have the volume in a file, on an xfs of the device say: %w", s.path(), errors.ErrUnsupported)
	}
	return nil
}

// named is err about a snapshot, or another thing that has a name.
func (s *Shelf) named(name string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s@%s: %w", s.path(), name, explain(err))
}

// explain adds to an error from below what kind it is for package stream.
func explain(err error) error {
	for _, kind := range [...]error{stream.ErrSpace, stream.ErrInUse, stream.ErrForbidden} {
		if errors.Is(err, kind) {
			return err
		}
	}
	switch {
	case errors.Is(err, sbd.ErrNoSpace), errors.Is(err, unix.ENOSPC), errors.Is(err, unix.EDQUOT):
		return fmt.Errorf("%w: %w", stream.ErrSpace, err)
	case errors.Is(err, sbd.ErrInUse):
		return fmt.Errorf("%w: %w", stream.ErrInUse, err)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("%w: %w", stream.ErrForbidden, err)
	}
	return err
}

// lock takes the folder of the snapshots for as long as the file that it returns is open.
func (s *Shelf) lock(ctx context.Context) (*os.File, error) {
	f, err := os.Open(s.root())
	if err != nil {
		return nil, err
	}
	const pause = 5 * time.Millisecond
	for {
		err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		switch err {
		case nil:
			return f, nil
		case unix.EINTR, unix.EWOULDBLOCK:
		default:
			return nil, errors.Join(fmt.Errorf("%s: lock: %w", s.root(), err), f.Close())
		}
		select {
		case <-ctx.Done():
			return nil, errors.Join(ctx.Err(), f.Close())
		case <-time.After(pause):
		}
	}
}
