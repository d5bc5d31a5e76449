package shelf

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/lunarsan/lunar/sbd"
	"github.com/lunarsan/lunar/stream/dmu"
	"github.com/lunarsan/lunar/stream/image"
)

// A medium keeps what a volume was. Who calls it has the shelf to himself, but for reading what
// open returned.
type medium interface {
	// freeze makes what the volume is now the bytes of a snapshot; keep makes that durable.
	// store is the volume, open for writing, and nobody writes to it until freeze returns.
	freeze(name string, store sbd.Store) error
	keep(name string) error
	// drop throws away those of one that the record does not have any more.
	drop(name string) error
	// open opens the bytes of a snapshot to be read.
	open(name string) (state, error)
	// changes tell where two of those may differ; nil: nothing is told.
	changes(now, was string, a, b state) (changes, error)
	// used is what destroying a snapshot gives back (bytes); -1: not known.
	used(name string) (int64, error)
	// touched says whether the volume, which is open, has other bytes than a snapshot.
	touched(head *image.Store, name string) (bool, error)

	// fork makes a volume of a snapshot, that can be written to, and returns its path. Of no
	// snapshot it makes nothing, and returns where it may be made.
	fork(name, fork string) (path string, err error)
	forked(fork string) (bool, error)
	forkPath(fork string) string
	// idle is ErrInUse of a fork that somebody has open.
	idle(fork string) error
	discard(fork string) error
	// settle makes what a fork is now the bytes of a snapshot that the volume is to have.
	settle(fork, name string) error
	// promote has a fork take the volume's place, in one step. head is the volume, which is
	// locked, and closed as soon as it has been replaced.
	promote(fork string, head io.Closer) error
	// promoted has the newest snapshot have its bytes, if settle could not do that.
	promoted(name string) error

	// sweep throws away what r does not know.
	sweep(r *record) error
}

// A state is a volume's bytes at some time.
type state interface {
	dmu.Source
	dmu.Mapper
	Close() error
}

// changes know where two states may differ.
type changes interface {
	dmu.Changes
	Close() error
}

// keepsReflinks is what a record says of a medium.
const keepsReflinks = "reflinks"

// choose finds how snapshots can be kept here.
func (e *edit) choose() (string, error) {
	probe := e.in("probe")
	if err := errors.Join(e.remove(probe), e.remove(e.in("new"))); err != nil {
		return "", err
	}
	if err := e.replace(probe, make([]byte, 4096)); err != nil {
		return "", err
	}
	err := image.Clone(probe, e.in("new"))
	switch {
	case err == nil:
		return keepsReflinks, errors.Join(e.remove(probe), e.remove(e.in("new")))
	case errors.Is(err, errors.ErrUnsupported):
		return "", errors.Join(fmt.Errorf("%s: %w", e.path(), err), e.remove(probe))
	}
	return "", errors.Join(err, os.Remove(probe))
}

func (e *edit) mediumOf(string) medium { return &reflinks{e.folder, e.disk} }

// openState opens the bytes of a snapshot.
func (e *edit) openState(name string) (state, error) {
	s, err := e.medium.open(name)
	if err != nil {
		return nil, fmt.Errorf("%s@%s: %w", e.path(), name, explain(err))
	}
	return s, nil
}
