package backup

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"time"
)

// undoPrefix begins the names of undos: they lie beside the backups, and are not counted among
// them.
const undoPrefix = "undo-"

// Apply keeps what it will write over in an undo, below the folder of that name, then writes,
// syncs, and reads back. An undo is a backup: restoring it takes the restore back, one that was
// cut off too. There is none when nothing differs.
func (r *Restore) Apply(ctx context.Context, folder string, now time.Time) (undo *Backup, err error) {
	if len(r.runs) == 0 {
		return nil, nil
	}
	if undo, err = r.keep(ctx, folder, now); err != nil {
		return nil, fmt.Errorf("nothing was restored, since what would be written over cannot be kept in %s: %w", folder, err)
	}
	if err := r.writeAll(ctx); err != nil {
		return undo, fmt.Errorf("restoring %s: %w", r.backup.Path, err)
	}
	wrong := 0
	buf := make([]byte, piece)
	err = r.pieces(ctx, func(u run, b []byte) error {
		got := buf[:len(b)]
		if err := r.placed[u.member].read(got, u.at); err != nil {
			return err
		}
		if !bytes.Equal(got, b) {
			wrong++
		}
		return nil
	})
	if err == nil && wrong > 0 {
		err = fmt.Errorf("%d pieces read back otherwise than they were written: another host writes there, or the disk fails", wrong)
	}
	return undo, err
}

// writeAll writes the runs, in the order of the groups, each on disk before the next.
func (r *Restore) writeAll(ctx context.Context) error {
	group := r.Parts[r.runs[0].part].Group
	err := r.pieces(ctx, func(u run, b []byte) error {
		if g := r.Parts[u.part].Group; g != group {
			if err := r.sync(); err != nil {
				return err
			}
			group = g
		}
		p := r.placed[u.member]
		if _, err := p.WriteAt(b, u.at); err != nil {
			return fmt.Errorf("writing %d bytes at %#x of %s: %w", len(b), u.at, p.Name, err)
		}
		return nil
	})
	return errors.Join(err, r.sync())
}

func (r *Restore) sync() (err error) {
	for _, p := range r.placed {
		if e := p.Sync(); e != nil {
			err = errors.Join(err, fmt.Errorf("syncing %s: %w", p.Name, e))
		}
	}
	return err
}

// pieces calls do with the bytes of all runs, in pieces.
func (r *Restore) pieces(ctx context.Context, do func(u run, b []byte) error) error {
	runs := r.runs
	for i := range r.Parts {
		if len(runs) == 0 || runs[0].part != i {
			continue
		}
		err := r.each(ctx, i, func(content int64, _ Range, b []byte) error {
			end := content + int64(len(b))
			for len(runs) > 0 && runs[0].part == i && runs[0].content < end {
				u := runs[0]
				skip := max(0, content-u.content) // which a piece before this had
				u.content, u.at, u.length = u.content+skip, u.at+skip, u.length-skip
				u.length = min(u.length, end-u.content)
				if err := do(u, b[u.content-content:][:u.length]); err != nil {
					return err
				}
				if runs[0].content+runs[0].length > end {
					break
				}
				runs = runs[1:]
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// keep makes the undo: what is where the runs are, and what will be.
func (r *Restore) keep(ctx context.Context, folder string, now time.Time) (undo *Backup, err error) {
	s, err := openShelf(folder, nil)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	t := &taking{shelf: s, parts: map[string]Part{}, sums: map[string]Digest{}}
	m := r.backup.Manifest
	m.Made, m.Undo, m.Parts, m.Count, m.Problems = now.UTC().Truncate(time.Second), filepath.Base(r.backup.Path), nil, 0, nil
	var ranges []Range
	for _, u := range r.runs {
		p := r.placed[u.member]
		ranges = append(ranges, Range{u.member, u.at - p.start + p.member.Start, u.length})
	}
	before := &source{Part: Part{Name: string(Before), Group: Before, File: "before.zst", OnDevice: true, Ranges: ranges}}
	before.write = func(ctx context.Context, w io.Writer) error {
		buf := make([]byte, piece)
		return r.pieces(ctx, func(u run, b []byte) error {
			old := buf[:len(b)]
			if err := r.placed[u.member].read(old, u.at); err != nil {
				return err
			}
			_, err := w.Write(old)
			return err
		})
	}
	after := &source{Part: Part{Name: string(After), Group: After, File: "after.zst"}}
	after.write = func(ctx context.Context, w io.Writer) error {
		return r.pieces(ctx, func(_ run, b []byte) error {
			_, err := w.Write(b)
			return err
		})
	}
	for _, source := range []*source{before, after} {
		part, err := t.store(ctx, source)
		if err != nil {
			return nil, errors.Join(err, s.remove(unfinished))
		}
		m.Parts = append(m.Parts, part)
	}
	if err := t.finish(&m); err != nil {
		return nil, errors.Join(err, s.remove(unfinished))
	}
	name, err := s.publish(undoPrefix, m.Made)
	if err != nil {
		return nil, errors.Join(err, s.remove(unfinished))
	}
	return Open(filepath.Join(s.path, name))
}
