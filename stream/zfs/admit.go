package zfs

import (
	"context"
	"errors"
	"fmt"

	"github.com/lunarsan/lunar/stream"
	"github.com/lunarsan/lunar/stream/dmu/nvlist"
)

// standing is what a volume has when a stream arrives.
type standing struct {
	exists    bool // the dataset
	snapshots []stream.Snapshot
	partial   *stream.Partial // of the volume itself
	old       bool            // what it has taken the place of is there still
}

// arrival is what is asked to be received.
type arrival struct {
	to, from uint64 // GUIDs; from 0: a full stream
	name     string
	resume   []byte // where it resumes another: the payload of BEGIN
	rollback bool
}

// look finds out what there is.
func (v *Volume) look(ctx context.Context) (here standing, err error) {
	there, err := v.left(ctx)
	if err != nil {
		return here, err
	}
	if here.partial, err = there[v.dataset].partial(v.dataset); err != nil {
		return here, err
	}
	_, here.old = there[v.dataset+oldMark]
	here.snapshots, err = v.Snapshots(ctx)
	here.exists = err == nil
	if errors.Is(err, stream.ErrNoVolume) {
		err = nil
	}
	return here, err
}

// admit says whether the volume takes the stream. zfs would say most of that itself, some of it
// only at the end, and takes a stream behind snapshots that do not change the volume.
func (v *Volume) admit(here standing, a *arrival) error {
	if a.resume != nil {
		if err := v.admitRest(here.partial, a); err != nil {
			return err
		}
	}
	newest, goes := -1, false // goes: with a rollback, what is newer than the base
	for i := range here.snapshots {
		s := &here.snapshots[i]
		switch {
		case s.Bookmark:
			continue
		case s.GUID == a.to:
			return fmt.Errorf("%s: %w: %#x is @%s", v.dataset, stream.ErrExists, a.to, s.Name)
		case s.Name == a.name && !goes:
			return fmt.Errorf("%s@%s: %w: %#x, the stream is of %#x", v.dataset, s.Name, stream.ErrExists, s.GUID, a.to)
		}
		newest, goes = i, goes || a.rollback && s.GUID == a.from
	}
	switch {
	case a.from == 0 && !here.exists:
		return nil
	case a.from == 0 && newest < 0 && a.rollback:
		return nil // over a volume without snapshots
	case a.from == 0:
		return fmt.Errorf("%s: %w: the stream is a full one, and the volume is there already", v.dataset, stream.ErrBase)
	case !here.exists:
		return fmt.Errorf("%s: %w: %w; it goes on from %#x: send a full one first", v.dataset, stream.ErrBase, stream.ErrNoVolume, a.from)
	case newest < 0:
		return fmt.Errorf("%s: %w: it goes on from %#x, and the volume has no snapshot", v.dataset, stream.ErrBase, a.from)
	case here.snapshots[newest].GUID == a.from:
		return nil
	}
	s := &here.snapshots[newest]
	behind := fmt.Errorf("%s: %w: it goes on from %#x, and the newest is @%s, %#x", v.dataset, stream.ErrBase, a.from, s.Name, s.GUID)
	if !a.rollback {
		return behind
	}
	err := v.newerMayGo(here.snapshots, func(s *stream.Snapshot) bool { return s.GUID == a.from })
	if errors.Is(err, stream.ErrNoSnapshot) {
		return behind
	}
	return err
}

// admitRest says whether the rest of a stream goes on where the volume has stopped.
func (v *Volume) admitRest(p *stream.Partial, a *arrival) error {
	if p == nil || p.GUID != a.to || p.From != a.from {
		return fmt.Errorf("%s: %w: nothing is here of snapshot %#x from %#x that the stream could be the rest of", v.dataset, stream.ErrToken, a.to, a.from)
	}
	token, err := p.Parsed()
	if err != nil {
		return fmt.Errorf("%s: what zfs says where it goes on: %w", v.dataset, err)
	}
	list, err := nvlist.Decode(a.resume)
	if err != nil {
		return fmt.Errorf("%s: %w: %w", v.dataset, stream.ErrStream, err)
	}
	object, _ := list.Uint64("resume_object")
	offset, _ := list.Uint64("resume_offset")
	if object != token.Object || offset != token.Offset {
		return fmt.Errorf("%s: %w: the stream goes on with object %d at byte %d, here with object %d at byte %d: ask where again (Partial)",
			v.dataset, stream.ErrToken, object, offset, token.Object, token.Offset)
	}
	return nil
}
