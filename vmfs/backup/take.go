package backup

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/lunarsan/lunar/vmfs"
)

// Options say where a backup goes. The zero value of each but Dest, Host and Alias is a
// sensible one.
type Options struct {
	Dest, Host, Alias string
	Keep              int              // backups; 0 is 10
	Classic           bool             // write the files of the old script too
	Passes            int              // most that the volume is read; 0 is 5
	Now               func() time.Time // nil is time.Now

	fault func(op, name string) error // of tests
}

// pause is how long hosts get to finish what they are at before a volume is read again.
const pause = time.Second

// A taking is a backup that is being made.
type taking struct {
	shelf *shelf
	last  *Backup         // the one before; nil for none
	parts map[string]Part // that are stored
	order []string        // names of parts, as in the last pass
	sums  map[string]Digest
	plan  *plan
	moved []string // parts that the last pass found changed
}

// Take makes a backup of a volume and removes those beyond the ones to keep. It reads the
// volume, and does nothing else to it. What could not be read is among the Problems of the
// backup; it is an error when there is no backup.
//
// Hosts may write while the volume is read. So it is read again until a pass finds everything
// as it is stored: everything was so at the moment when that pass began. A volume that does
// not come to rest is backed up as the last pass found it, and is not Stable.
func Take(ctx context.Context, v *vmfs.Volume, o Options) (b *Backup, err error) {
	o.defaults()
	name, err := shelfOf(o.Dest, o.Host, o.Alias, v.UUID().String())
	if err != nil {
		return nil, err
	}
	s, err := openShelf(name, o.fault)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	t := &taking{shelf: s, last: newest(name), parts: map[string]Part{}, sums: map[string]Digest{}}
	b, err = t.run(ctx, v, &o)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("backing up to %s: %w", name, err), s.remove(unfinished))
	}
	if _, err := s.prune(o.Keep); err != nil {
		return b, fmt.Errorf("the backup %s is made, but older ones could not be removed: %w", b.Path, err)
	}
	return b, nil
}

func (o *Options) defaults() {
	if o.Keep <= 0 {
		o.Keep = 10
	}
	if o.Passes <= 0 {
		o.Passes = 5
	}
	if o.Now == nil {
		o.Now = time.Now
	}
}

// run makes a backup, complete under its name.
func (t *taking) run(ctx context.Context, v *vmfs.Volume, o *Options) (*Backup, error) {
	m := Manifest{Format: format, Made: o.Now().UTC().Truncate(time.Second), Host: o.Host, Alias: o.Alias}
	for m.Passes = 1; ; m.Passes++ {
		if err := t.pass(ctx, v); err != nil {
			return nil, err
		}
		m.Stable = m.Passes > 1 && len(t.moved) == 0
		if m.Stable || m.Passes == max(2, o.Passes) {
			break
		}
		if m.Passes > 1 {
			select {
			case <-ctx.Done():
				return nil, ctx.Err()
			case <-time.After(pause):
			}
		}
		again, err := reopen(v)
		if err != nil { // it was caught in the middle of a change
			continue
		}
		v = again
	}
	if !m.Stable {
		m.Moved = t.moved
	}
	if err := m.describe(v); err != nil {
		return nil, err
	}
	m.Problems, m.Count = t.plan.problems, t.plan.files
	for _, name := range t.order {
		if part, ok := t.parts[name]; ok {
			m.Parts = append(m.Parts, part)
		}
	}
	if o.Classic {
		if err := t.classic(ctx, v); err != nil {
			return nil, err
		}
	}
	if err := t.finish(&m); err != nil {
		return nil, err
	}
	name, err := t.shelf.publish("", m.Made)
	if err != nil {
		return nil, err
	}
	return Open(filepath.Join(t.shelf.path, name))
}

// pass reads the volume once, and stores what is not stored as it is now.
func (t *taking) pass(ctx context.Context, v *vmfs.Volume) error {
	p, err := planOf(ctx, v)
	if err != nil {
		return err
	}
	t.plan, t.order, t.moved = p, nil, nil
	planned := map[string]bool{}
	for _, s := range p.sources {
		t.order = append(t.order, s.Name)
		planned[s.Name] = true
		if err := t.source(ctx, s); err != nil {
			return err
		}
	}
	for _, name := range slices.Sorted(maps.Keys(t.parts)) {
		if !planned[name] {
			if err := t.drop(name); err != nil {
				return err
			}
			t.moved = append(t.moved, name)
		}
	}
	return nil
}

// source stores a source, unless it is stored already as it is now.
func (t *taking) source(ctx context.Context, s *source) error {
	old, again := t.parts[s.Name]
	if again {
		same := old.File == s.File && slices.Equal(old.Ranges, s.Ranges)
		if same && s.volatile {
			return nil
		}
		if same {
			d, n, err := s.read(ctx)
			if err == nil && d == old.SHA256 && n == old.Size {
				return nil
			}
		}
		if err := t.drop(s.Name); err != nil {
			return err
		}
		t.moved = append(t.moved, s.Name)
	}
	part, err := t.store(ctx, s)
	var unread *readError
	switch {
	case err == nil:
		t.parts[s.Name] = part
		return nil
	case ctx.Err() != nil:
		return ctx.Err()
	case s.Group == Files && unstorable(err), errors.As(err, &unread):
		t.plan.problem("%s was left out: %v", s.Name, err)
		delete(t.sums, s.File)
		if err := t.shelf.remove(path.Join(unfinished, s.File)); !unstorable(err) {
			return err
		}
		return nil
	}
	return fmt.Errorf("storing %s: %w", s.Name, err)
}

// drop removes a part that is stored.
func (t *taking) drop(name string) error {
	part := t.parts[name]
	delete(t.parts, name)
	delete(t.sums, part.File)
	return t.shelf.remove(path.Join(unfinished, part.File))
}

// finish writes the manifest, and the digests of all files.
func (t *taking) finish(m *Manifest) error {
	b, err := json.MarshalIndent(m, "", " ")
	if err != nil {
		return err
	}
	if err := t.text(manifestName, string(b)+"\n"); err != nil {
		return err
	}
	var lines strings.Builder
	for _, name := range slices.Sorted(maps.Keys(t.sums)) {
		fmt.Fprintf(&lines, "%s  %s\n", t.sums[name], name)
	}
	return t.text(sumsName, lines.String())
}

// text writes a file of the backup.
func (t *taking) text(name, text string) error {
	sum := newTally()
	_, _ = sum.Write([]byte(text)) // which cannot fail
	t.sums[name] = sum.sum()
	return t.shelf.write(path.Join(unfinished, name), func(f *os.File) error {
		_, err := f.WriteString(text)
		return err
	})
}

// reopen reads the headers of a volume anew.
func reopen(v *vmfs.Volume) (*vmfs.Volume, error) {
	var parts []vmfs.Partition
	for _, m := range v.Members {
		parts = append(parts, m.Partition)
	}
	found, err := vmfs.OpenPartitions(parts...)
	if err != nil {
		return nil, err
	}
	for _, f := range found {
		if f.UUID() == v.UUID() && f.LV.UUID() == v.LV.UUID() && len(f.Members) == len(v.Members) {
			return f, nil
		}
	}
	return nil, fmt.Errorf("volume %s is not there any more: %w", v.UUID(), vmfs.ErrNotFound)
}
