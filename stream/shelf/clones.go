package shelf

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/lunarsan/lunar/sbd/layer"
	"github.com/lunarsan/lunar/stream"
	"github.com/lunarsan/lunar/stream/dmu"
	"github.com/lunarsan/lunar/stream/image"
)

// Clone makes a file that has what a snapshot has, and shares the space. It knows what it was, so
// that streams can be made of it that go on from there.
func (s *Shelf) Clone(ctx context.Context, name, as string) (path string, err error) {
	if err := checkName(as); err != nil {
		return "", err
	}
	for _, suffix := range beside[1:] {
		if strings.HasSuffix(as, suffix) {
			return "", fmt.Errorf("%s: a clone cannot be called %q: %s is what the record of a file is called", s.path(), as, suffix)
		}
	}
	err = s.change(ctx, func(e *edit) error {
		own, err := e.snapshot(name)
		if err != nil {
			return err
		}
		if slices.ContainsFunc(e.record.Clones, func(c clone) bool { return c.Name == as }) {
			return e.named(name, fmt.Errorf("clone %s: %w", as, stream.ErrExists))
		}
		if path, err = e.medium.fork(own, as); err == nil {
			err = writeChain(path, *follow(e.chain, own.Link))
		}
		e.record.Clones = append(e.record.Clones, clone{Name: as, Snapshot: name})
		return e.named(name, err)
	})
	if err != nil {
		return "", err
	}
	return path, nil
}

// writeChain keeps the chain of a file that nobody has open.
func writeChain(path string, c dmu.Chain) error {
	written, err := layer.Written(path)
	if err != nil {
		return err
	}
	c.Modified = written
	return image.WriteChain(image.ChainBeside(path), &c)
}

// Unclone throws a clone away, with its own snapshots. One that is not there is none.
func (s *Shelf) Unclone(ctx context.Context, name string) error {
	return s.change(ctx, func(e *edit) error {
		i := slices.IndexFunc(e.record.Clones, func(c clone) bool { return c.Name == name })
		if i < 0 {
			return nil
		}
		if err := e.medium.idle(name); err != nil {
			return fmt.Errorf("%s: clone %s: %w", e.path(), name, explain(err))
		}
		e.record.Clones = slices.Delete(e.record.Clones, i, i+1)
		if err := e.save(); err != nil {
			return err
		}
		return explain(e.medium.discard(name))
	})
}

// Rollback makes the volume what it was at a snapshot.
func (s *Shelf) Rollback(ctx context.Context, name string) error {
	return s.change(ctx, func(e *edit) error {
		own, err := e.snapshot(name)
		if err != nil {
			return err
		}
		i := e.record.findGUID(own.Link.GUID)
		if err := e.free(e.record.Snapshots[i+1:]); err != nil {
			return err
		}
		head, err := e.head()
		if err != nil {
			return e.named(name, err)
		}
		if _, err := e.medium.fork(own, forkRollback); err != nil {
			return e.named(name, errors.Join(err, head.Close()))
		}
		return e.named(name, e.become(forkRollback, e.record.Snapshots[:i+1], head))
	})
}

// become has a fork take the volume's place, which has the given snapshots from then on and is the
// last of them. head is the volume, locked, or nil where there is none yet; it is closed.
func (e *edit) become(fork string, snapshots []snapshot, head io.Closer) error {
	next := *e.record
	next.Snapshots, next.Becomes, next.Newest = snapshots, fork, snapshots[len(snapshots)-1].Link.GUID
	next.Gone = 0
	if err := e.saveAs(e.next(), &next); err != nil {
		return errors.Join(err, head.Close())
	}
	if err := e.medium.promote(fork, head); err != nil {
		return err
	}
	e.record = &next
	return e.replaced(e.untouched)
}

// untouched has the chain end in s, which the volume has just become.
func (e *edit) untouched(s *snapshot) error {
	written, err := layer.Written(e.path())
	if err != nil {
		return err
	}
	return e.newer(s.Link, written, true)
}

// anew has a fork take the place of the volume and of all its snapshots. head is as for become.
func (e *edit) anew(fork string, own snapshot, head io.Closer) error {
	next := record{Format: recordFormat, Keeps: e.record.Keeps, Snapshots: []snapshot{own}, Becomes: fork, Newest: own.Link.GUID, Anew: true}
	if err := e.saveAs(e.next(), &next); err != nil {
		return errors.Join(err, head.Close())
	}
	return e.forward(&next, head, e.untouched)
}

// forward is what is left to do behind that, from wherever it was left.
func (e *edit) forward(next *record, head io.Closer, note func(*snapshot) error) error {
	waits, err := e.medium.forked(next.Becomes)
	if waits && err == nil {
		err = e.medium.succeed(next.Becomes, e.record.Snapshots, head)
	} else {
		err = errors.Join(err, head.Close())
	}
	if err != nil {
		return err
	}
	e.record, e.chain = next, new(dmu.Chain)
	return e.replaced(note)
}
