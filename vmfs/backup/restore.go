package backup

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/lunarsan/lunar/vmfs"
)

// A Restore is a plan: what a restore would write where, and what speaks against it. Nothing is
// written until Apply.
type Restore struct {
	Parts      []RestorePart
	Objections []Objection

	backup *Backup
	placed []*placed // by member
	runs   []run
}

// A RestorePart is what a restore makes of a part.
type RestorePart struct {
	*Part
	Chosen  bool  // it is restored
	Differs int64 // bytes, in whole sectors
}

// A run is a piece of a part that differs from what is on the targets.
type run struct {
	part    int   // index in Restore.Parts
	content int64 // offset in the part
	member  int
	at      int64 // offset on the target
	length  int64
}

// sector is the least that is written.
const sector = 512

// ParseGroups reads names of groups, with "all" for all that can be restored. None is the
// metadata.
func ParseGroups(list []string) ([]Group, error) {
	if len(list) == 0 {
		return groups[:metadata], nil
	}
	var chosen []Group
	for _, name := range list {
		switch {
		case name == "all":
			return groups[:], nil
		case !slices.Contains(groups[:], Group(name)):
			return nil, fmt.Errorf("there are no parts %q, but %v", name, groups)
		}
		chosen = append(chosen, Group(name))
	}
	return chosen, nil
}

// PlanRestore finds what restoring groups of parts would write to the targets, which are the
// extents of the volume. It reads all of the chosen parts and checks them. wait is how long
// hosts get to write a heartbeat; 0 is twice what the volume says.
func (b *Backup) PlanRestore(ctx context.Context, targets []Target, chosen []Group, wait time.Duration) (*Restore, error) {
	r := &Restore{backup: b}
	if err := r.place(targets); err != nil {
		return nil, err
	}
	if err := r.hosts(ctx, wait); err != nil {
		return nil, err
	}
	order := groups[:]
	if b.Undo != "" {
		order, chosen = []Group{Before}, []Group{Before}
	} else if err := r.changes(); err != nil {
		return nil, err
	}
	for _, g := range order {
		for i := range b.Parts {
			if p := &b.Parts[i]; p.Group == g && p.Ranges != nil {
				r.Parts = append(r.Parts, RestorePart{Part: p, Chosen: slices.Contains(chosen, g)})
			}
		}
	}
	changed := 0
	for i := range r.Parts {
		n, err := r.compare(ctx, i)
		if err != nil {
			return nil, err
		}
		changed += n
	}
	switch {
	case changed > 0 && b.Undo != "":
		r.object(Changed, "%d sectors are neither as the restore found them nor as it left them", changed)
	case changed > 0:
		r.object(Changed, "%d file descriptors and clusters of blocks were changed after the backup", changed)
	}
	r.separate()
	return r, nil
}

// Differs is how many bytes a restore would write.
func (r *Restore) Differs() (n int64) {
	for _, u := range r.runs {
		n += u.length
	}
	return n
}

// Refused are the objections that remain when some concerns are overridden.
func (r *Restore) Refused(overridden ...Concern) (left []Objection) {
	for _, o := range r.Objections {
		if !slices.Contains(overridden, o.Concern) {
			left = append(left, o)
		}
	}
	return left
}

// compare finds where a part differs from the targets, and counts what was changed there since.
func (r *Restore) compare(ctx context.Context, i int) (changed int, err error) {
	p := &r.Parts[i]
	var after io.Reader
	if p.Group == Before {
		part := r.backup.part(string(After))
		if part == nil || part.Size != p.Size {
			return 0, fmt.Errorf("%s does not say what the restore wrote: %w", r.backup.Path, ErrDamaged)
		}
		in, err := r.backup.Open(part)
		if err != nil {
			return 0, err
		}
		defer func() { _ = in.Close() }() // it was only read
		after = in
	}
	buf, wrote := make([]byte, piece), make([]byte, piece)
	err = r.each(ctx, i, func(content int64, g Range, was []byte) error {
		now := buf[:len(was)]
		target := r.placed[g.Member]
		at := target.at(g.Offset, p.OnDevice)
		if p.Group == Tables && (at < 0 || at+int64(len(was)) > target.Size) {
			return nil // the target is the partition, without the tables
		}
		if err := target.read(now, at); err != nil {
			return err
		}
		switch p.Group {
		case System:
			changed += newer(was, now, r.backup.Volume.HeartbeatStep)
		case Before:
			if _, err := io.ReadFull(after, wrote[:len(was)]); err != nil {
				return fmt.Errorf("reading %s: %w", r.backup.Path, err)
			}
			for s := 0; s < len(was); s += sector {
				e := min(s+sector, len(was))
				if !bytes.Equal(now[s:e], was[s:e]) && !bytes.Equal(now[s:e], wrote[s:e]) {
					changed++
				}
			}
		}
		for s := 0; s < len(was); s += sector {
			e := min(s+sector, len(was))
			if bytes.Equal(now[s:e], was[s:e]) || p.Group == Heartbeats && r.keeps(was, now, s) {
				continue
			}
			p.Differs += int64(e - s)
			if p.Chosen {
				r.add(run{i, content + int64(s), g.Member, at + int64(s), int64(e - s)})
			}
		}
		return nil
	})
	return changed, err
}

// keeps reports a sector of a heartbeat that is one: it is newer than the backup's.
func (r *Restore) keeps(was, now []byte, s int) bool {
	at := s - s%r.backup.Volume.HeartbeatStep
	return at+sector <= len(was) && beating((*vmfs.Heartbeat)(was[at:]), (*vmfs.Heartbeat)(now[at:]))
}

// add adds a run, or makes the last one longer.
func (r *Restore) add(u run) {
	if n := len(r.runs); n > 0 {
		l := &r.runs[n-1]
		if l.part == u.part && l.member == u.member && l.content+l.length == u.content && l.at+l.length == u.at {
			l.length += u.length
			return
		}
	}
	r.runs = append(r.runs, u)
}

// separate takes from runs what an earlier part writes already: on a damaged volume a block may
// be claimed by two.
func (r *Restore) separate() {
	slices.SortFunc(r.runs, func(a, b run) int {
		return cmp.Or(cmp.Compare(a.member, b.member), cmp.Compare(a.at, b.at), cmp.Compare(a.part, b.part))
	})
	var left []run
	for _, u := range r.runs {
		if n := len(left); n > 0 && left[n-1].member == u.member {
			if over := left[n-1].at + left[n-1].length - u.at; over > 0 {
				over = min(over, u.length)
				u.at, u.content, u.length = u.at+over, u.content+over, u.length-over
			}
		}
		if u.length > 0 {
			left = append(left, u)
		}
	}
	slices.SortFunc(left, func(a, b run) int { return cmp.Or(cmp.Compare(a.part, b.part), cmp.Compare(a.content, b.content)) })
	r.runs = left
}

// each calls do with the bytes of a part, in pieces that are each in one range, and checks that
// they are those of the part.
func (r *Restore) each(ctx context.Context, i int, do func(content int64, g Range, b []byte) error) error {
	p := &r.Parts[i]
	in, err := r.backup.Open(p.Part)
	if err != nil {
		return err
	}
	defer func() { _ = in.Close() }() // it was only read
	t := newTally()
	content := io.TeeReader(cancelled{ctx, in}, t)
	buf := make([]byte, piece)
	for _, g := range p.Ranges {
		for g.Length > 0 {
			b := buf[:min(piece, g.Length)]
			at := t.n
			if _, err := io.ReadFull(content, b); err != nil {
				if ctx.Err() != nil {
					return ctx.Err()
				}
				return fmt.Errorf("reading %s of %s: %w: %w", p.Name, r.backup.Path, ErrDamaged, err)
			}
			if g.Member >= 0 {
				if err := do(at, g, b); err != nil {
					return err
				}
			}
			g.Offset, g.Length = g.Offset+int64(len(b)), g.Length-int64(len(b))
		}
	}
	if n, err := content.Read(buf[:1]); n > 0 || !errors.Is(err, io.EOF) {
		return fmt.Errorf("%s of %s is longer than it was: %w", p.Name, r.backup.Path, ErrDamaged)
	}
	if t.sum() != p.SHA256 {
		return fmt.Errorf("%s of %s is not as it was written: %w", p.Name, r.backup.Path, ErrDamaged)
	}
	return nil
}
