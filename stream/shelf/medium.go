package shelf

import (
	"context"
	"errors"
	"io"
	"os"

	"github.com/lunarsan/lunar/sbd"
	"github.com/lunarsan/lunar/sbd/layer"
	"github.com/lunarsan/lunar/stream/dmu"
	"github.com/lunarsan/lunar/stream/image"
)

// A medium keeps what a volume was. Who calls it has the shelf to himself, but for reading what
// open returned.
type medium interface {
	// freeze makes what the volume is now the bytes of a snapshot; keep makes that durable.
	// store is the volume, open for writing with o, and nobody writes to it until freeze
	// returns what its owner is to go on with instead, store or what has taken it over.
	freeze(s *snapshot, store sbd.Store, o sbd.OpenOptions) (sbd.Store, error)
	keep(s *snapshot) error
	// drop throws away those of one that the record does not have any more. tidy does what
	// may take long of that, and needs nobody's leave.
	drop(s *snapshot) error
	tidy(ctx context.Context) error
	// open opens the bytes of a snapshot to be read.
	open(s *snapshot) (state, error)
	// changes tell where two of those may differ; nil: nothing is told.
	changes(now, was *snapshot, a, b state) (changes, error)
	// used is what destroying a snapshot gives back (bytes); -1: not known.
	used(s *snapshot) (int64, error)
	// touched says whether the volume, which is open, has other bytes than a snapshot.
	touched(head *image.Store, s *snapshot) (bool, error)

	// fork makes a volume of a snapshot, that can be written to, and returns its path. Of none
	// it makes nothing, and returns where it may be made.
	fork(s *snapshot, fork string) (path string, err error)
	forked(fork string) (bool, error)
	forkPath(fork string) string
	// idle is ErrInUse of a fork that somebody has open.
	idle(fork string) error
	discard(fork string) error
	// settle makes what a fork is now the bytes of a snapshot that the volume is to have.
	settle(fork string, s *snapshot) error
	// promote has a fork take the volume's place, in one step. head is the volume, which is
	// locked, and closed as soon as that lets it be.
	promote(fork string, head io.Closer) error
	// succeed has a fork that stands on nothing take the place of the volume and its snapshots,
	// which all go; it may be called again until there is no fork any more. head is as for promote.
	succeed(fork string, all []snapshot, head io.Closer) error
	// promoted has the newest snapshot have its bytes, if settle could not do that, and says
	// whether it has.
	promoted(s *snapshot) (bool, error)

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

// What a record says of a medium.
const (
	keepsReflinks = "reflinks"
	keepsLayers   = "layers"
)

// choose finds how snapshots can be kept here.
func (e *edit) choose() (string, error) {
	if layered, err := layer.Layered(e.path()); layered || e.layered {
		return keepsLayers, nil
	} else if err != nil && !notThere(err) {
		return "", err
	}
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
		return keepsLayers, e.remove(probe)
	}
	return "", errors.Join(err, os.Remove(probe))
}

func (e *edit) mediumOf(keeps string) medium {
	if keeps == keepsLayers {
		return &layers{e.folder, e.disk}
	}
	return &reflinks{e.folder, e.disk}
}

// openState opens the bytes of a snapshot.
func (e *edit) openState(s *snapshot) (state, error) {
	opened, err := e.medium.open(s)
	if err != nil {
		return nil, e.named(s.Name, err)
	}
	return opened, nil
}
