package shelf

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"regexp"
	"slices"

	"github.com/lunarsan/lunar/sbd"
	"github.com/lunarsan/lunar/sbd/layer"
	"github.com/lunarsan/lunar/stream"
	"github.com/lunarsan/lunar/stream/image"
)

// layers keep each state as what was written up to then since the one before. A volume that is
// received where there is none has no layers yet, and so it is made as a file of its own.
type layers struct {
	folder
	disk
}

// key is what the layer of a snapshot is called: not as the snapshot is, whose name may be used
// again while somebody still reads the layer.
func (m *layers) key(s *snapshot) string { return fmt.Sprintf("%016x", s.Link.GUID) }

// ours are names of layers that are snapshots. Others were made without a shelf, and are not its
// business.
var ours = regexp.MustCompile(`^[0-9a-f]{16}$`)

func (m *layers) freeze(s *snapshot, store sbd.Store, o sbd.OpenOptions) (sbd.Store, error) {
	if err := m.step("freeze", m.path()); err != nil {
		return nil, err
	}
	if layered, ok := store.(*layer.Store); ok {
		return store, layered.Freeze(m.key(s))
	}
	return layer.Over(store, m.path(), o, m.key(s))
}

func (m *layers) keep(*snapshot) error { return nil }

// drop ends a layer. That its blocks find another place takes its time, and is for tidy. One that
// somebody reads is left to sweep.
func (m *layers) drop(s *snapshot) error { return m.end(m.key(s)) }

func (m *layers) end(key string) error {
	if err := m.step("end", key); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	err := layer.Merge(ctx, m.path(), key, nil)
	for _, good := range []error{context.Canceled, sbd.ErrInUse, layer.ErrNoLayer, layer.ErrCloned} {
		if errors.Is(err, good) {
			return nil
		}
	}
	return err
}

func (m *layers) tidy(ctx context.Context) error {
	err := layer.Merge(ctx, m.path(), "", nil)
	if ctx.Err() != nil || notThere(err) {
		return nil // what is left is done another time
	}
	return err
}

func (m *layers) open(s *snapshot) (state, error) {
	at, err := layer.At(m.path(), m.key(s))
	if err != nil {
		return nil, err
	}
	return at.(state), nil
}

func (m *layers) changes(now, was *snapshot, _, _ state) (changes, error) {
	d, err := layer.Changes(m.path(), m.key(was), m.key(now))
	if errors.Is(err, layer.ErrNoLayer) { // now is the older one
		return nil, nil
	} else if err != nil {
		return nil, err
	}
	return difference{d}, nil
}

// A difference has nothing to close.
type difference struct{ *layer.Difference }

func (difference) Close() error { return nil }

// used is that of what the layer has and the one above does not need: it has something else there.
func (m *layers) used(s *snapshot) (int64, error) { return layer.Gives(m.path(), m.key(s)) }

func (m *layers) touched(head *image.Store, s *snapshot) (touched bool, err error) {
	c, err := layer.Changes(m.path(), m.key(s), "")
	if err != nil {
		return false, err
	}
	was, err := layer.At(m.path(), m.key(s))
	if err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, was.Close()) }()
	return differ(head, was, c)
}

// cloned is where package layer keeps clones.
func (m *layers) cloned() string {
	if folder, err := layer.Clones(m.path()); err == nil {
		return folder
	}
	return m.clones() // there is no volume, and no clone of it
}

// forkPath is where a fork is: among the clones, or else, where a volume is received that is not
// there, a file of its own.
func (m *layers) forkPath(fork string) string {
	if alone, _ := exists(m.cloneAt(fork)); alone {
		return m.cloneAt(fork)
	}
	return filepath.Join(m.cloned(), fork)
}

func (m *layers) fork(s *snapshot, fork string) (string, error) {
	if s == nil {
		return m.cloneAt(fork), nil
	}
	if err := m.step("clone", fork); err != nil {
		return "", err
	}
	return layer.Clone(m.path(), m.key(s), fork)
}

func (m *layers) forked(fork string) (bool, error) {
	list, err := m.list()
	for _, l := range list {
		if slices.Contains(l.Clones, fork) {
			return true, nil
		}
	}
	if err != nil {
		return false, err
	}
	return exists(m.cloneAt(fork))
}

// list are the layers; none where there is no volume.
func (m *layers) list() ([]layer.Info, error) {
	list, err := layer.List(m.path())
	if notThere(err) {
		return nil, nil
	}
	return list, err
}

func (m *layers) idle(fork string) error { return idle(m.forkPath(fork)) }

func (m *layers) discard(fork string) error {
	path := m.forkPath(fork)
	if err := m.step("discard", fork); err != nil {
		return err
	}
	err := layer.Discard(m.path(), fork)
	if err != nil && !errors.Is(err, layer.ErrNoLayer) && !notThere(err) {
		return err
	}
	return m.removeVolume(path)
}

func (m *layers) settle(fork string, s *snapshot) error {
	if alone, err := exists(m.cloneAt(fork)); alone || err != nil {
		return err // it has layers when it is the volume
	}
	list, err := layer.List(m.forkPath(fork))
	if err != nil {
		return err
	}
	if slices.ContainsFunc(list, func(l layer.Info) bool { return l.Name == m.key(s) }) {
		return nil
	}
	if err := m.step("freeze", fork); err != nil {
		return err
	}
	return layer.Freeze(m.forkPath(fork), m.key(s))
}

func (m *layers) promote(fork string, head io.Closer) error {
	alone, err := exists(m.cloneAt(fork))
	if err != nil {
		return errors.Join(err, head.Close())
	}
	if alone {
		if layered, err := layer.Layered(m.path()); layered || err != nil && !notThere(err) {
			return errors.Join(fmt.Errorf("%w: layers of snapshots that were destroyed are not merged yet", stream.ErrInUse), err, head.Close())
		}
		return errors.Join(m.takePlace(m.cloneAt(fork), m.path()), head.Close())
	}
	if err := head.Close(); err != nil {
		return err
	}
	if err := m.step("promote", fork); err != nil {
		return err
	}
	return layer.Promote(m.path(), fork)
}

func (m *layers) succeed(fork string, _ []snapshot, head io.Closer) error {
	err := m.belong(m.cloneAt(fork), m.path())
	if err = errors.Join(err, head.Close()); err != nil {
		return err
	}
	if err := m.step("remove", m.path()); err != nil {
		return err
	}
	if err := layer.Remove(m.path()); err != nil {
		return err
	}
	// The base goes first, and where it has gone the layers are not found.
	if err := m.remove(m.path() + ".layers"); err != nil {
		return err
	}
	return m.rename(m.cloneAt(fork), m.path())
}

// promoted makes the first layer of a volume that was received. If it was written to before that,
// there is none any more.
func (m *layers) promoted(s *snapshot) (bool, error) {
	list, err := m.list()
	if err != nil || slices.ContainsFunc(list, func(l layer.Info) bool { return l.Name == m.key(s) }) {
		return err == nil, err
	}
	if same, err := m.asReceived(); !same || err != nil {
		return false, err
	}
	if err := m.step("freeze", m.path()); err != nil {
		return false, err
	}
	return true, layer.Freeze(m.path(), m.key(s))
}

func (m *layers) sweep(r *record) error {
	list, err := m.list()
	known := map[string]bool{}
	for i := range r.Snapshots {
		known[m.key(&r.Snapshots[i])] = true
	}
	clones := map[string]bool{forkReceiving: true}
	for _, c := range r.Clones {
		clones[c.Name] = true
	}
	for _, l := range list {
		if !ours.MatchString(l.Name) {
			continue
		}
		for _, c := range l.Clones {
			if !clones[c] {
				err = errors.Join(err, m.discard(c))
			}
		}
		if !known[l.Name] {
			err = errors.Join(err, m.end(l.Name))
		}
	}
	for _, dir := range []string{m.clones(), m.cloned()} {
		err = errors.Join(err, m.sweepClones(dir, r))
	}
	return errors.Join(err, m.remove(m.in("new")), m.remove(m.in("probe")))
}
