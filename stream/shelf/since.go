package shelf

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"

	"github.com/lunarsan/lunar/stream/dmu"
)

// spans are where a volume has changed: ranges in order, apart from one another.
type spans []span

// A span goes from a byte up to another, that is not in it.
type span [2]int64

// mostSpans is how many are kept of a bookmark. Where there are more, those close to one another
// become one: a stream has more than it needs to then, and never less.
const mostSpans = 1 << 16

// Next is what dmu.Changes asks for.
func (s spans) Next(off int64) (from, n int64, err error) {
	i, _ := slices.BinarySearchFunc(s, off, func(x span, off int64) int { return cmp.Compare(x[1], off+1) })
	if i == len(s) {
		return 0, 0, nil
	}
	return s[i][0], s[i][1] - s[i][0], nil
}

// Close does nothing.
func (s spans) Close() error { return nil }

// allOf asks c for everything.
func allOf(c dmu.Changes) (all spans, err error) {
	for at := int64(0); ; {
		from, n, err := c.Next(at)
		if err != nil || n <= 0 {
			return all, err
		}
		from = max(at, from)
		at = from + min(n, math.MaxInt64-from)
		all = append(all, span{from, at})
		if at == math.MaxInt64 {
			return all, nil
		}
	}
}

// and is where one of both has changed.
func (s spans) and(t spans) spans {
	both := append(slices.Clone(s), t...)
	slices.SortFunc(both, func(a, b span) int { return cmp.Compare(a[0], b[0]) })
	return both.joined(0)
}

// joined makes one of spans that are no more than gap bytes apart.
func (s spans) joined(gap int64) (out spans) {
	for _, x := range s {
		if last := len(out) - 1; last >= 0 && x[0]-out[last][1] <= gap {
			out[last][1] = max(out[last][1], x[1])
			continue
		}
		out = append(out, x)
	}
	return out
}

// few has no more than most spans.
func (s spans) few(most int) spans {
	for gap := int64(usualBlockSize); len(s) > most; gap *= 2 {
		s = s.joined(gap)
	}
	return s
}

// check holds s to what it is.
func (s spans) check() error {
	at := int64(-1)
	for _, x := range s {
		if x[0] <= at || x[1] <= x[0] {
			return fmt.Errorf("%w: a change from byte %d to %d, behind %d", ErrRecord, x[0], x[1], at)
		}
		at = x[1]
	}
	return nil
}

// remember keeps for the bookmarks that need it where the volume changed between the snapshot at
// index i, which is about to be destroyed, and the next.
func (e *edit) remember(i int) (err error) {
	was := &e.record.Snapshots[i]
	waits := func(b *bookmark) bool { return b.Link.GUID == was.Link.GUID || b.Until == was.Link.GUID }
	if !slices.ContainsFunc(e.record.Bookmarks, func(b bookmark) bool { return waits(&b) }) {
		return nil
	}
	var more spans
	known := false
	if i+1 < len(e.record.Snapshots) {
		if more, known, err = e.between(was, &e.record.Snapshots[i+1]); err != nil {
			return err
		}
	}
	for n := range e.record.Bookmarks {
		b := &e.record.Bookmarks[n]
		if !waits(b) {
			continue
		}
		if !known {
			b.Until = 0
			continue
		}
		all := more
		if b.Link.GUID != was.Link.GUID {
			before, err := e.readSince(b)
			if err != nil {
				return err
			}
			all = more.and(before)
		}
		b.Until = e.record.Snapshots[i+1].Link.GUID
		p, err := json.Marshal(all.few(mostSpans))
		if err != nil {
			return err
		}
		if err := e.replace(e.sinceAt(b.Link.GUID, b.Until), p); err != nil {
			return err
		}
	}
	return nil
}

// between is where two snapshots differ, if that is known.
func (e *edit) between(was, now *snapshot) (all spans, known bool, err error) {
	a, err := e.openState(was)
	if err != nil {
		return nil, false, err
	}
	defer func() { err = errors.Join(err, a.Close()) }()
	b, err := e.openState(now)
	if err != nil {
		return nil, false, err
	}
	defer func() { err = errors.Join(err, b.Close()) }()
	c, err := e.medium.changes(now, was, b, a)
	if c == nil || err != nil {
		return nil, false, err
	}
	defer func() { err = errors.Join(err, c.Close()) }()
	all, err = allOf(c)
	return all, err == nil, err
}

func (e *edit) readSince(b *bookmark) (s spans, err error) {
	path := e.sinceAt(b.Link.GUID, b.Until)
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if info.Size() > maxRecord {
		return nil, fmt.Errorf("%s: %w: it has %d bytes", path, ErrRecord, info.Size())
	}
	p, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	if s, err = parseSpans(p); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return s, nil
}

func parseSpans(p []byte) (s spans, err error) {
	if err := json.Unmarshal(p, &s); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrRecord, err)
	}
	return s, s.check()
}

// since is where the volume may have changed between a bookmark and a snapshot; nil where that is
// not known, and everything has to be sent.
func (e *edit) since(b *bookmark, to *snapshot) (changes, error) {
	i, last := e.record.findGUID(b.Until), e.record.findGUID(to.Link.GUID)
	if b.Until == 0 || i < 0 || i > last {
		return nil, nil
	}
	all, err := e.readSince(b)
	if err != nil || i == last {
		return all, err
	}
	more, known, err := e.between(&e.record.Snapshots[i], to)
	if !known || err != nil {
		return nil, err
	}
	return all.and(more), nil
}

// sweepSince removes the changes that no bookmark needs.
func (e *edit) sweepSince() error {
	known := make(map[string]bool, len(e.record.Bookmarks))
	for i := range e.record.Bookmarks {
		b := &e.record.Bookmarks[i]
		known[e.sinceAt(b.Link.GUID, b.Until)] = true
	}
	found, err := os.ReadDir(e.sinces())
	for _, f := range found {
		if path := filepath.Join(e.sinces(), f.Name()); !known[path] {
			err = errors.Join(err, e.disk.remove(path))
		}
	}
	return err
}
