package shelf

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/lunarsan/lunar/stream"
	"github.com/lunarsan/lunar/stream/dmu"
	"github.com/lunarsan/lunar/stream/image"
)

// An edit is a look at a shelf, or a change of it, that has the shelf to itself.
type edit struct {
	*Shelf
	held   *os.File // the lock; nil where there is no folder yet
	record *record
	chain  *dmu.Chain
	medium medium // nil where there is no folder yet
}

// edit begins one, and mends what an earlier one left that did not come to its end. Where there is
// no folder, and make is not said, it is of an empty shelf that cannot be changed.
func (s *Shelf) edit(ctx context.Context, make bool) (_ *edit, err error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	e := &edit{Shelf: s, record: &record{Format: recordFormat}}
	defer func() {
		if err != nil {
			e.done()
			err = explain(err)
		}
	}()
	if e.chain, err = image.ReadChain(s.folder.chain()); err != nil {
		return nil, err
	}
	known, err := exists(s.root())
	if err != nil {
		return nil, err
	}
	if !known && !make && e.chain.Head() == nil {
		return e, nil
	}
	if err := e.make(); err != nil {
		return nil, err
	}
	if e.held, err = s.lock(ctx); err != nil {
		return nil, err
	}
	if e.chain, err = image.ReadChain(s.folder.chain()); err != nil { // afresh: it is locked now
		return nil, err
	}
	return e, e.load(ctx)
}

// done ends the edit.
func (e *edit) done() {
	if e.held != nil {
		_ = e.held.Close() // nothing was written to it
		e.held = nil
	}
}

// look runs f on the shelf as it is.
func (s *Shelf) look(ctx context.Context, f func(*edit) error) error {
	e, err := s.edit(ctx, false)
	if err != nil {
		return err
	}
	defer e.done()
	return f(e)
}

// change runs f, which changes the record, and keeps the record.
func (s *Shelf) change(ctx context.Context, f func(*edit) error) error {
	e, err := s.edit(ctx, s.there() == nil)
	if err != nil {
		return err
	}
	defer e.done()
	if err := f(e); err != nil {
		return explain(err)
	}
	if e.medium == nil {
		return nil // there is nothing, and so f has changed nothing
	}
	return explain(e.save())
}

// make makes the folder.
func (e *edit) make() error {
	for _, path := range []string{e.root(), e.states(), e.clones(), e.sinces()} {
		if known, err := exists(path); err != nil || known {
			if err != nil {
				return err
			}
			continue
		}
		if err := e.mkdir(path); err != nil {
			return err
		}
	}
	return nil
}

// load reads the record, and mends the shelf.
func (e *edit) load(ctx context.Context) error {
	r, err := readRecord(e.folder.record())
	if err != nil {
		return err
	}
	if r != nil {
		e.record = r
	} else {
		if e.record.Keeps, err = e.choose(); err != nil {
			return err
		}
		if err := e.save(); err != nil {
			return err
		}
	}
	e.medium = e.mediumOf(e.record.Keeps)
	if err := e.mend(); err != nil {
		return err
	}
	return e.adopt(ctx)
}

// readRecord reads the record at path; nil where there is none.
func readRecord(path string) (*record, error) {
	p, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	} else if err != nil {
		return nil, err
	}
	r, err := parseRecord(p)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return r, nil
}

// save keeps the record.
func (e *edit) save() error { return e.saveAs(e.folder.record(), e.record) }

func (e *edit) saveAs(path string, r *record) error {
	if err := r.check(); err != nil {
		return fmt.Errorf("%s: the record would not be one: %w", e.path(), err)
	}
	p, err := r.encode()
	if err != nil {
		return err
	}
	return e.replace(path, p)
}

// snapshot is the snapshot of a name.
func (e *edit) snapshot(name string) (*snapshot, error) {
	if s := e.record.find(name); s != nil {
		return s, nil
	}
	if err := e.there(); err != nil {
		return nil, err
	}
	return nil, e.named(name, stream.ErrNoSnapshot)
}

// free says whether snapshots can be done without.
func (e *edit) free(list []snapshot) error {
	for _, s := range list {
		if len(s.Holds) > 0 {
			return fmt.Errorf("%s@%s: %w by %s", e.path(), s.Name, stream.ErrHeld, strings.Join(s.Holds, ", "))
		}
		if c := e.record.clonesOf(s.Name); len(c) > 0 {
			return fmt.Errorf("%s@%s: %w: %s", e.path(), s.Name, stream.ErrCloned, strings.Join(c, ", "))
		}
	}
	return nil
}

// head opens the volume as it is now, and has it locked.
func (e *edit) head() (*image.Store, error) {
	if err := e.there(); err != nil {
		return nil, err
	}
	s, err := image.Open(e.path(), image.Options{})
	if err != nil {
		return nil, explain(err)
	}
	return s, nil
}

// newer keeps that the volume is what a snapshot has, and whether it is still: untouched since the
// file counted as written then. Where it is not known to be, a time is kept that it never was
// written at.
func (e *edit) newer(l dmu.Link, written time.Time, untouched bool) error {
	if !untouched {
		written = written.Add(-time.Nanosecond)
	}
	c := follow(e.chain, l)
	c.Modified = written
	if err := e.step("write", e.folder.chain()); err != nil {
		return err
	}
	if err := image.WriteChain(e.folder.chain(), c); err != nil {
		return err
	}
	e.chain = c
	return nil
}

// follow is c from when its volume became l: up to it where it had been that, or behind what l
// goes on from.
func follow(c *dmu.Chain, l dmu.Link) *dmu.Chain {
	at := func(guid uint64) int {
		return slices.IndexFunc(c.Snapshots, func(s dmu.Link) bool { return s.GUID == guid })
	}
	if i := at(l.GUID); i >= 0 {
		return &dmu.Chain{Snapshots: c.Snapshots[:i+1]}
	}
	if i := at(l.From); i >= 0 {
		return &dmu.Chain{Snapshots: append(slices.Clone(c.Snapshots[:i+1]), l)}
	}
	return &dmu.Chain{Snapshots: []dmu.Link{l}}
}
