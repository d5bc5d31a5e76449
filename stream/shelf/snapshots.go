package shelf

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/lunarsan/lunar/stream"
)

// patience is how long a list of snapshots may take for finding what each takes; behind that it is
// not known.
const patience = time.Second

// Snapshots lists the snapshots in the order in which the volume was them, and each bookmark where
// its snapshot was.
func (s *Shelf) Snapshots(ctx context.Context) (list []stream.Snapshot, err error) {
	err = s.look(ctx, func(e *edit) error {
		if err := e.there(); err != nil {
			return err
		}
		late := time.Now().Add(patience)
		for i := range e.record.Snapshots {
			own := &e.record.Snapshots[i]
			entry := e.entry(own)
			if time.Now().Before(late) {
				if entry.Used, err = e.medium.used(own); err != nil {
					return e.named(own.Name, err)
				}
			}
			list = append(list, entry)
		}
		for _, b := range e.record.Bookmarks {
			list = append(list, stream.Snapshot{Name: b.Name, GUID: b.Link.GUID, Created: b.Link.Created, Bookmark: true})
		}
		place := make(map[uint64]int, len(e.chain.Snapshots))
		for i, l := range e.chain.Snapshots {
			place[l.GUID] = i
		}
		slices.SortStableFunc(list, func(a, b stream.Snapshot) int {
			i, known := place[a.GUID]
			j, also := place[b.GUID]
			if known && also {
				return i - j
			}
			return a.Created.Compare(b.Created)
		})
		return nil
	})
	return list, explain(err)
}

// entry is s as others see it.
func (e *edit) entry(s *snapshot) stream.Snapshot {
	return stream.Snapshot{
		Name: s.Name, GUID: s.Link.GUID, Created: s.Link.Created, Size: int64(s.Link.Size), Used: -1,
		Holds: slices.Clone(s.Holds), Clones: e.record.clonesOf(s.Name),
	}
}

// Destroy ends a snapshot. Streams of it that are being sent come to their end.
func (s *Shelf) Destroy(ctx context.Context, name string) error {
	var m medium
	err := s.change(ctx, func(e *edit) error {
		own, err := e.snapshot(name)
		if err != nil {
			return err
		}
		i := e.record.findGUID(own.Link.GUID)
		if err := e.free(e.record.Snapshots[i : i+1]); err != nil {
			return err
		}
		if head := e.chain.Head(); head != nil && head.GUID == own.Link.GUID {
			e.record.Gone = head.GUID
		}
		if err := e.remember(i); err != nil {
			return e.named(name, err)
		}
		gone := *own
		e.record.Snapshots = slices.Delete(e.record.Snapshots, i, i+1)
		if err := e.save(); err != nil {
			return e.named(name, err)
		}
		m = e.medium
		return e.named(name, m.drop(&gone))
	})
	if err != nil {
		return err
	}
	return s.named(name, m.tidy(ctx))
}

// Hold keeps a snapshot from being destroyed.
func (s *Shelf) Hold(ctx context.Context, name, tag string) error {
	return s.change(ctx, func(e *edit) error {
		own, err := e.snapshot(name)
		if err != nil {
			return err
		}
		if tag == "" || len(tag) > maxName {
			return e.named(name, fmt.Errorf("%q is no tag: it has 1 to %d bytes", tag, maxName))
		}
		if !slices.Contains(own.Holds, tag) {
			own.Holds = append(own.Holds, tag)
			slices.Sort(own.Holds)
		}
		return nil
	})
}

// Release ends a hold.
func (s *Shelf) Release(ctx context.Context, name, tag string) error {
	return s.change(ctx, func(e *edit) error {
		own, err := e.snapshot(name)
		if err != nil {
			return err
		}
		own.Holds = slices.DeleteFunc(own.Holds, func(h string) bool { return h == tag })
		return nil
	})
}

// Bookmark keeps the GUID of a snapshot, and from when the snapshot is destroyed where the volume
// has changed since.
func (s *Shelf) Bookmark(ctx context.Context, name, mark string) error {
	if err := checkName(mark); err != nil {
		return err
	}
	return s.change(ctx, func(e *edit) error {
		own, err := e.snapshot(name)
		if err != nil {
			return err
		}
		l := own.Link
		if b := e.record.findBookmark(mark); b != nil {
			if b.Link.GUID != l.GUID {
				return fmt.Errorf("%s#%s: %w: a bookmark of another", e.path(), mark, stream.ErrExists)
			}
			return nil
		}
		e.record.Bookmarks = append(e.record.Bookmarks, bookmark{Name: mark, Link: l})
		return nil
	})
}

// Unbookmark ends a bookmark.
func (s *Shelf) Unbookmark(ctx context.Context, mark string) error {
	return s.change(ctx, func(e *edit) error {
		e.record.Bookmarks = slices.DeleteFunc(e.record.Bookmarks, func(b bookmark) bool { return b.Name == mark })
		return nil
	})
}
