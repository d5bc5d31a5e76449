package shelf

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"

	"github.com/lunarsan/lunar/sbd"
	"github.com/lunarsan/lunar/stream/dmu"
	"github.com/lunarsan/lunar/stream/image"
)

// reflinks keep each state in a file of its own, all of which share what they have in common.
type reflinks struct {
	folder
	disk
}

func (m *reflinks) freeze(_ *snapshot, store sbd.Store, _ sbd.OpenOptions) (sbd.Store, error) {
	fresh := m.in("new")
	if err := m.remove(fresh); err != nil {
		return nil, err
	}
	if err := m.step("clone", m.path()); err != nil {
		return nil, err
	}
	return store, image.Clone(m.path(), fresh)
}

func (m *reflinks) keep(s *snapshot) error { return m.finish(m.state(s.Name), 0o400) }

// finish makes the file that is being made durable, and gives it its name.
func (m *reflinks) finish(path string, mode os.FileMode) error {
	fresh := m.in("new")
	if err := m.step("sync", fresh); err != nil {
		return err
	}
	f, err := os.Open(fresh)
	if err != nil {
		return err
	}
	if err := errors.Join(f.Chmod(mode), f.Sync(), f.Close()); err != nil {
		return err
	}
	return m.rename(fresh, path)
}

// copy makes a file that shares all it has with another.
func (m *reflinks) copy(from, to string, mode os.FileMode) error {
	fresh := m.in("new")
	if err := m.remove(fresh); err != nil {
		return err
	}
	if err := m.step("clone", from); err != nil {
		return err
	}
	if err := image.Clone(from, fresh); err != nil {
		return err
	}
	return m.finish(to, mode)
}

func (m *reflinks) open(s *snapshot) (state, error) {
	return image.Open(m.state(s.Name), image.Options{ReadOnly: true})
}

func (m *reflinks) changes(_, _ *snapshot, a, b state) (changes, error) {
	return told(image.OpenChanges(a.(*image.Store), b.(*image.Store)))
}

// told is c as changes that are nil where c is.
func told(c *image.Changes, err error) (changes, error) {
	if c == nil || err != nil {
		return nil, err
	}
	return c, nil
}

func (m *reflinks) used(s *snapshot) (int64, error) { return image.Exclusive(m.state(s.Name)) }

func (m *reflinks) touched(head *image.Store, s *snapshot) (touched bool, err error) {
	was, err := image.Open(m.state(s.Name), image.Options{ReadOnly: true})
	if err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, was.Close()) }()
	c, err := told(image.OpenChanges(head, was))
	if err != nil {
		return false, err
	}
	if c == nil {
		return differ(head, was, nil)
	}
	defer func() { err = errors.Join(err, c.Close()) }()
	return differ(head, was, c)
}

// differ says whether a and b have other bytes where c, or nil, lets it be.
func differ(a, b dmu.Source, c dmu.Changes) (bool, error) {
	size := a.Size()
	if size != b.Size() {
		return true, nil
	}
	p, q := make([]byte, 1<<20), make([]byte, 1<<20)
	for off := int64(0); off < size; {
		until := size
		if c != nil {
			from, n, err := c.Next(off)
			if err != nil || n <= 0 || from >= size {
				return false, err
			}
			off, until = max(off, from), min(size, from+n)
		}
		for off < until {
			n := min(int64(len(p)), until-off)
			if _, err := a.ReadAt(p[:n], off); err != nil {
				return false, err
			}
			if _, err := b.ReadAt(q[:n], off); err != nil {
				return false, err
			}
			if !bytes.Equal(p[:n], q[:n]) {
				return true, nil
			}
			off += n
		}
	}
	return false, nil
}

func (m *reflinks) forkPath(fork string) string { return m.cloneAt(fork) }

func (m *reflinks) fork(s *snapshot, fork string) (string, error) {
	path := m.cloneAt(fork)
	if s == nil {
		return path, nil
	}
	return path, m.copy(m.state(s.Name), path, 0o600)
}

func (m *reflinks) forked(fork string) (bool, error) { return exists(m.cloneAt(fork)) }

func (m *reflinks) idle(fork string) error { return idle(m.cloneAt(fork)) }

// idle is ErrInUse of a file that somebody has open; of one that is not there it is nothing.
func idle(path string) error {
	s, err := image.Open(path, image.Options{})
	if notThere(err) || errors.Is(err, dmu.ErrChain) { // a damaged one was had, too
		return nil
	} else if err != nil {
		return err
	}
	return s.Close()
}

func (m *reflinks) discard(fork string) error { return m.removeVolume(m.cloneAt(fork)) }

func (m *reflinks) settle(fork string, s *snapshot) error {
	return m.copy(m.cloneAt(fork), m.state(s.Name), 0o400)
}

func (m *reflinks) promote(fork string, head io.Closer) error {
	return errors.Join(m.takePlace(m.cloneAt(fork), m.path()), head.Close())
}

func (m *reflinks) succeed(fork string, all []snapshot, head io.Closer) error {
	for i := range all {
		if err := m.drop(&all[i]); err != nil {
			return errors.Join(err, head.Close())
		}
	}
	return m.promote(fork, head)
}

func (m *reflinks) promoted(s *snapshot) (bool, error) {
	if kept, err := exists(m.state(s.Name)); kept || err != nil {
		return kept, err
	}
	if same, err := m.asReceived(); !same || err != nil {
		return false, err
	}
	return true, m.copy(m.path(), m.state(s.Name), 0o400)
}

func (m *reflinks) drop(s *snapshot) error { return m.remove(m.state(s.Name)) }

func (m *reflinks) tidy(context.Context) error { return nil }

func (m *reflinks) sweep(r *record) error {
	err := errors.Join(m.remove(m.in("new")), m.remove(m.in("probe")))
	known := make(map[string]bool, len(r.Snapshots))
	for _, s := range r.Snapshots {
		known[s.Name] = true
	}
	found, e := os.ReadDir(m.states())
	for _, f := range found {
		if !known[f.Name()] {
			err = errors.Join(err, m.remove(m.state(f.Name())))
		}
	}
	return errors.Join(err, e, m.sweepClones(m.clones(), r))
}
