//go:build unix

package layer

import (
	"errors"
	"fmt"
	"os"
	"time"
)

// A base is a file like any other to who does not look for layers, and may be written to by a
// program that has it open at a moment when we have not: all layers would then be of something
// else, and nobody would know. When it was written to last gives that away.

// untouched tells whether the base e, if it is one, was written to by others.
func (p place) untouched(e entry) error {
	if e.File != 0 || e.Written.IsZero() {
		return nil
	}
	info, err := os.Stat(p.path)
	if err != nil || info.ModTime().Equal(e.Written) {
		return nil // what is not there is somebody else's to say
	}
	return fmt.Errorf("%s: %w: at %s, and not last at %s: if nothing of its bytes changed, touch -d @%d.%09d %s has it count as before; otherwise its snapshots are not what they were, and neither is it",
		p.path, ErrTouched, info.ModTime().UTC().Format(time.RFC3339Nano), e.Written.UTC().Format(time.RFC3339Nano), e.Written.Unix(), e.Written.Nanosecond(), p.path)
}

// lastWritten is when the base was written to last, which is durable when it returns. It is zero
// of a device, which does not tell.
func (p place) lastWritten() (at time.Time, err error) {
	f, err := os.Open(p.path)
	if err != nil {
		return at, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() {
		return at, err
	}
	return info.ModTime().UTC(), f.Sync()
}
