package shelf

import (
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/lunarsan/lunar/sbd"
	"github.com/lunarsan/lunar/stream"
	"github.com/lunarsan/lunar/stream/dmu"
	"github.com/lunarsan/lunar/stream/image"
)

// mend brings to its end, or takes back, what did not come to its end: the steps are in the package
// comment.
func (e *edit) mend() error {
	if err := e.mendNext(); err != nil {
		return err
	}
	if err := errors.Join(e.medium.sweep(e.record), e.sweepSince()); err != nil {
		return err
	}
	return e.mendChain()
}

// mendNext finds whether the volume was replaced.
func (e *edit) mendNext() error {
	next, err := readRecord(e.next())
	if next == nil || err != nil {
		return err
	}
	if next.Anew {
		return e.mendAnew(next)
	}
	waits, err := e.medium.forked(next.Becomes)
	if err != nil {
		return err
	}
	if waits {
		return e.remove(e.next())
	}
	e.record = next
	return e.replaced(e.lookAfresh)
}

// mendAnew has a volume be replaced by what came whole.
func (e *edit) mendAnew(next *record) error {
	head := io.Closer(nothing{})
	switch was, err := e.head(); {
	case err == nil:
		head = was
	case !errors.Is(err, stream.ErrNoVolume):
		return err
	}
	return e.forward(next, head, e.lookAfresh)
}

// replaced makes the record that waited for it the one that holds: the volume was replaced. note has
// the chain say so.
func (e *edit) replaced(note func(*snapshot) error) error {
	i := e.record.findGUID(e.record.Newest)
	if i < 0 {
		return errors.New("the record that waits says of no snapshot that the volume is it")
	}
	s := &e.record.Snapshots[i]
	kept, err := e.medium.promoted(s)
	if err != nil {
		return err
	}
	if !kept {
		l := s.Link
		e.record.Snapshots = slices.Delete(e.record.Snapshots, i, i+1)
		e.record.Gone = l.GUID
		err = e.newer(l, e.now(), false)
	} else {
		err = note(s)
	}
	if err != nil {
		return err
	}
	e.record.Becomes, e.record.Newest, e.record.Anew = "", 0, false
	if err := e.save(); err != nil {
		return err
	}
	if err := e.remove(e.next()); err != nil {
		return err
	}
	return e.medium.sweep(e.record)
}

// mendChain has the chain end in the newest snapshot where a snapshot was kept and the chain not.
func (e *edit) mendChain() error {
	s := e.record.newest()
	if s == nil || e.chain.Find(s.Link.GUID) != nil || e.chain.Receiving != nil {
		return nil
	}
	if head := e.chain.Head(); head != nil && head.GUID != s.Link.From {
		return nil // another program has gone on
	}
	return e.lookAfresh(s)
}

// lookAfresh has the chain end in s, and finds out whether the volume still is s.
func (e *edit) lookAfresh(s *snapshot) error {
	head, err := e.head()
	switch {
	case errors.Is(err, stream.ErrNoVolume):
		return nil
	case errors.Is(err, stream.ErrInUse):
		return e.newer(s.Link, e.now(), false)
	case err != nil:
		return err
	}
	touched, err := e.medium.touched(head, s)
	var written time.Time
	if err == nil {
		written, err = head.Written()
	}
	if err = errors.Join(err, head.Close()); err != nil {
		return err
	}
	return e.newer(s.Link, written, !touched)
}

// adopt makes a snapshot of what the chain says that the volume is, and that is not among the
// snapshots: a stream was applied to it, or one made of it, by its path.
func (e *edit) adopt(ctx context.Context) (err error) {
	l := e.chain.Head()
	if l == nil || e.chain.Receiving != nil || l.Size == 0 || l.BlockSize == 0 || e.record.findGUID(l.GUID) >= 0 || e.record.Gone == l.GUID {
		return nil
	}
	_, name, _ := strings.Cut(l.Name, "@")
	if checkName(name) != nil || e.record.find(name) != nil || ctx.Err() != nil {
		return nil
	}
	head, err := e.head()
	if errors.Is(err, stream.ErrInUse) || errors.Is(err, stream.ErrNoVolume) {
		return nil
	} else if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, head.Close()) }()
	if intact, err := head.Intact(); err != nil || !intact || uint64(head.Size()) != l.Size {
		return err
	}
	if err := e.freeze(head, *l, name); err != nil {
		return err
	}
	return e.save()
}

// freeze makes what the volume is now a snapshot.
func (e *edit) freeze(head *image.Store, l dmu.Link, name string) error {
	s := snapshot{Name: name, Link: l}
	after, err := e.medium.freeze(&s, head.Store, sbd.OpenOptions{})
	if err != nil {
		return err
	}
	head.Store = after
	if err := e.medium.keep(&s); err != nil {
		return err
	}
	e.record.Snapshots = append(e.record.Snapshots, s)
	return nil
}
