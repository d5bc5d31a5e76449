package stream

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// What keeps a job's chain: at the source, the newest snapshot that the destination has is held,
// and there is a bookmark of it, which lasts when somebody takes the hold away; at the destination
// it is held. Each job has its own, so none breaks another's.

// tagPrefix begins the tags of jobs; the job's name follows.
const tagPrefix = "lunar:"

// Tag is what a job holds snapshots with.
func Tag(job string) string {
	if job == "" {
		return ""
	}
	return tagPrefix + job
}

// cursorPrefix begins the names of a job's bookmarks; a GUID follows.
func cursorPrefix(job string) string { return Tag(job) + ":" }

// Cursor finds the newest snapshot that the destination of a job has confirmed, in the list of the
// source: the place of the job's bookmark. ok is false when nothing was confirmed yet.
func Cursor(job string, source []Snapshot) (at int, ok bool) {
	for at, s := range slices.Backward(source) {
		if s.Bookmark && strings.HasPrefix(s.Name, cursorPrefix(job)) {
			return at, true
		}
	}
	return none, false
}

// A chain keeps what a job goes on from.
type chain struct {
	source, destination Volume
	job                 string
	notes               *[]string // what is not as it should be, and does no harm yet
}

// secure holds what a stream is made of. What it goes on from is held already, or a bookmark.
func (c *chain) secure(ctx context.Context, s *Step) error {
	if c.job == "" {
		return nil
	}
	if err := c.source.Hold(ctx, s.To.Name, Tag(c.job)); err != nil {
		return fmt.Errorf("holding %s of %s: %w", called(&s.To), c.source.Name(), err)
	}
	return nil
}

// let releases the job's holds on what is given up at the destination.
func (c *chain) let(ctx context.Context, discards []Snapshot) error {
	for _, s := range discards {
		if !slices.Contains(s.Holds, Tag(c.job)) {
			continue
		}
		if err := c.destination.Release(ctx, s.Name, Tag(c.job)); err != nil {
			return fmt.Errorf("releasing %s of %s: %w", called(&s), c.destination.Name(), err)
		}
	}
	return nil
}

// settle has the chain hang on the newest snapshot that both have, which the destination has just
// named, and nothing else. It comes after every run, also after those that had nothing to send:
// the last may have been cut short before it.
func (c *chain) settle(ctx context.Context, source, destination *Side) error {
	if c.job == "" {
		return nil
	}
	snapshots := destination.real()
	at, newer := source.meet(snapshots)
	if at == none {
		return nil
	}
	there := snapshots[len(snapshots)-len(newer)-1]
	here := source.Snapshots[at]
	if err := c.hang(ctx, here, there); err != nil {
		return err
	}
	return c.sweep(ctx, source, destination, here.GUID)
}

// hang adds what keeps a snapshot: first there, then here, so that at no moment nothing is kept.
func (c *chain) hang(ctx context.Context, here, there Snapshot) error {
	tag := Tag(c.job)
	if !slices.Contains(there.Holds, tag) {
		if err := c.forgive(c.destination.Hold(ctx, there.Name, tag)); err != nil {
			return fmt.Errorf("holding %s of %s: %w", called(&there), c.destination.Name(), err)
		}
	}
	if here.Bookmark {
		return nil // the snapshot has gone, and the bookmark is what there is
	}
	if !slices.Contains(here.Holds, tag) {
		if err := c.source.Hold(ctx, here.Name, tag); err != nil {
			return fmt.Errorf("holding %s of %s: %w", called(&here), c.source.Name(), err)
		}
	}
	cursor := fmt.Sprintf("%s%016x", cursorPrefix(c.job), here.GUID)
	if err := c.source.Bookmark(ctx, here.Name, cursor); err != nil {
		return fmt.Errorf("making a bookmark of %s of %s: %w", called(&here), c.source.Name(), err)
	}
	return nil
}

// sweep takes away what kept older snapshots.
func (c *chain) sweep(ctx context.Context, source, destination *Side, but uint64) (err error) {
	tag := Tag(c.job)
	for _, s := range source.Snapshots {
		switch {
		case s.GUID == but:
		case s.Bookmark && strings.HasPrefix(s.Name, cursorPrefix(c.job)):
			err = errors.Join(err, c.source.Unbookmark(ctx, s.Name))
		case slices.Contains(s.Holds, tag):
			err = errors.Join(err, c.source.Release(ctx, s.Name, tag))
		}
	}
	for _, s := range destination.Snapshots {
		if s.GUID != but && slices.Contains(s.Holds, tag) {
			err = errors.Join(err, c.forgive(c.destination.Release(ctx, s.Name, tag)))
		}
	}
	if err != nil {
		return fmt.Errorf("taking away what kept older snapshots for job %s: %w", c.job, err)
	}
	return nil
}

// forgive notes that a destination lets nobody hold snapshots, or release them, and goes on: it
// keeps them by its own rule then.
func (c *chain) forgive(err error) error {
	if errors.Is(err, ErrForbidden) {
		*c.notes = append(*c.notes, err.Error())
		return nil
	}
	return err
}

// Forget takes away all holds and bookmarks of a job that ends, at a source or at a destination.
func Forget(ctx context.Context, v Volume, job string) error {
	all, err := v.Snapshots(ctx)
	if errors.Is(err, ErrNoVolume) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("listing the snapshots of %s: %w", v.Name(), err)
	}
	for _, s := range all {
		if s.Bookmark && strings.HasPrefix(s.Name, cursorPrefix(job)) {
			err = errors.Join(err, v.Unbookmark(ctx, s.Name))
		}
		if slices.Contains(s.Holds, Tag(job)) {
			err = errors.Join(err, v.Release(ctx, s.Name, Tag(job)))
		}
	}
	if err != nil {
		return fmt.Errorf("taking away what job %s kept of %s: %w", job, v.Name(), err)
	}
	return nil
}
