package churn

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/lunarsan/lunar/stream"
)

// ErrOrder says that a range of snapshots ends before it begins.
var ErrOrder = errors.New("is not older")

// Between lists the snapshots of a volume that intervals begin and end with: from, which may be
// "#" and a bookmark, the snapshots behind it, and to. Without from it is the oldest snapshot,
// without to the newest. Where only is not nil, those are left out that it does not want and that
// are not named.
func Between(ctx context.Context, v stream.Volume, from, to string, only func(name string) bool) ([]stream.Snapshot, error) {
	all, err := v.Snapshots(ctx)
	if err != nil {
		return nil, err
	}
	list := slices.DeleteFunc(slices.Clone(all), func(s stream.Snapshot) bool {
		if s.Bookmark {
			return "#"+s.Name != from
		}
		return only != nil && s.Name != from && s.Name != to && !only(s.Name)
	})
	find := func(name string) int {
		return slices.IndexFunc(list, func(s stream.Snapshot) bool {
			return name == s.Name && !s.Bookmark || name == "#"+s.Name && s.Bookmark
		})
	}
	first, last := 0, len(list)-1
	if from != "" {
		first = find(from)
	}
	if to != "" {
		last = find(to)
	}
	switch {
	case first < 0:
		return nil, fmt.Errorf("%s@%s: %w", v.Name(), from, stream.ErrNoSnapshot)
	case to != "" && last < 0:
		return nil, fmt.Errorf("%s@%s: %w", v.Name(), to, stream.ErrNoSnapshot)
	case last < 1 && from == "" && to == "":
		return nil, fmt.Errorf("%s has %d snapshots, and an interval needs two: %w", v.Name(), len(list), stream.ErrNoSnapshot)
	case first >= last:
		return nil, fmt.Errorf("%s: %s %w than %s", v.Name(), list[first].Name, ErrOrder, list[last].Name)
	}
	return list[first : last+1], nil
}

// Add adds up what changed of a volume between snapshots that Between has listed. The first may
// be a bookmark.
func (t *Tally) Add(ctx context.Context, v stream.Volume, list []stream.Snapshot, u Unit) error {
	if len(list) < 2 {
		return fmt.Errorf("%s: an interval needs two snapshots: %w", v.Name(), stream.ErrNoSnapshot)
	}
	t.Know(list[0].GUID, list[0].Name, list[0].Created)
	from := list[0].Name
	if list[0].Bookmark {
		from = "#" + from
	}
	for _, s := range list[1:] {
		if err := t.send(ctx, v, stream.Send{Snapshot: s.Name, From: from, Compressed: true, Large: true, Embedded: true}, s, u); err != nil {
			return fmt.Errorf("what changed of %s between %s and %s: %w", v.Name(), from, s.Name, err)
		}
		from = s.Name
	}
	return nil
}

// send adds up a stream.
func (t *Tally) send(ctx context.Context, v stream.Volume, how stream.Send, s stream.Snapshot, u Unit) error {
	t.Know(s.GUID, s.Name, s.Created)
	u.Size = s.Size
	in, err := v.Send(ctx, how)
	if err != nil {
		return err
	}
	_, err = t.Read(ctx, in, func(string) (Unit, error) { return u, nil })
	return errors.Join(err, in.Close())
}
