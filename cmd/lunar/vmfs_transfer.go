package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"reflect"
	"sync/atomic"
	"time"

	"github.com/lunarsan/lunar/internal/control"
	"github.com/lunarsan/lunar/vmfs"
	"github.com/lunarsan/lunar/vmfs/extract"
)

// A transfer copies one file, or one disk, to one file.
type transfer struct {
	*volumeCopy
	name     string // on the volume
	dest     string
	src      extract.Source
	size     int64 // of what is written
	modified time.Time
	mode     fs.FileMode
	sources  []sourceID

	// A format that is not the bytes themselves has these.
	writer func(io.WriterAt) io.WriterAt
	reader func(io.ReaderAt) io.ReaderAt
	finish func(io.WriterAt) error

	mark atomic.Int64 // all before is copied
}

// A sourceID tells a file, and what it holds, from all others.
type sourceID struct {
	Volume     string    `json:"volume"`
	Address    uint32    `json:"address"`
	Generation uint32    `json:"generation"`
	Size       int64     `json:"size"`
	Modified   time.Time `json:"modified"`
}

func (x *volumeCopy) sourceOf(f *vmfs.File) sourceID {
	d := f.Descriptor()
	return sourceID{x.v.UUID().String(), uint32(d.Address()), d.Generation(), f.Size(), d.Modified()}
}

// A partRecord is kept beside a copy that is not whole.
type partRecord struct {
	Sources []sourceID `json:"sources"`
	Format  string     `json:"format,omitempty"`
	Copied  int64      `json:"copied"` // bytes from the beginning that are in the copy, for sure
}

func (t *transfer) part() string   { return t.dest + ".part" }
func (t *transfer) record() string { return t.dest + ".part.json" }

// saveEvery is how often it is made sure how far a copy has come.
const saveEvery = 3 * time.Second

// run copies, unless that was done before.
func (t *transfer) run(ctx context.Context) error {
	switch info, err := t.root.Stat(t.dest); {
	case errors.Is(err, fs.ErrNotExist) || t.force && err == nil && info.Mode().IsRegular():
	case err != nil:
		return err
	case info.Mode().IsRegular() && info.Size() == t.size && info.ModTime().Equal(t.modified):
		t.bar.at.Add(t.src.Size())
		t.there++
		return nil
	default:
		return &control.Problem{Title: t.dest + " is there already, and is not the same", Hint: "Name another destination, or give --force to copy over it."}
	}
	from := t.resume()
	flags := os.O_RDWR | os.O_CREATE
	if from == 0 {
		flags |= os.O_TRUNC
	}
	f, err := t.root.OpenFile(t.part(), flags, 0o600)
	if err != nil {
		return err
	}
	if err := t.fill(ctx, f, from); err != nil {
		return joined(fmt.Errorf("%s: %w", t.name, err), f.Close())
	}
	if err := joined(f.Chmod(t.mode), f.Close(), t.root.Chtimes(t.part(), t.modified, t.modified)); err != nil {
		return err
	}
	if err := t.root.Rename(t.part(), t.dest); err != nil {
		return err
	}
	if err := t.root.Remove(t.record()); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	t.files++
	t.bytes += t.src.Size()
	return nil
}

// resume is how much of the same copy is there for sure.
func (t *transfer) resume() int64 {
	var r partRecord
	b, err := t.root.ReadFile(t.record())
	if err != nil || json.Unmarshal(b, &r) != nil || r.Format != t.to || !reflect.DeepEqual(r.Sources, t.sources) || r.Copied < 0 || r.Copied > t.src.Size() {
		return 0
	}
	if info, err := t.root.Stat(t.part()); err != nil || info.Size() != t.size {
		return 0
	}
	return r.Copied
}

// fill copies from an offset on, and compares all if that was asked for.
func (t *transfer) fill(ctx context.Context, f *os.File, from int64) error {
	if err := f.Truncate(t.size); err != nil {
		return err
	}
	t.mark.Store(from)
	t.bar.at.Add(from)
	stop, saved := make(chan struct{}), make(chan error, 1)
	go func() { saved <- t.keep(f, stop) }()
	var w io.WriterAt = f
	if t.writer != nil {
		w = t.writer(f)
	}
	err := extract.Copy(ctx, w, t.src, extract.Options{
		Workers: t.workers, From: from,
		Marked: func(at int64) { t.mark.Store(at) },
		Copied: func(n int64) { t.bar.at.Add(n) },
	})
	close(stop)
	err = joined(err, <-saved)
	if err != nil {
		return joined(err, t.save(f))
	}
	if t.finish != nil {
		if err := t.finish(f); err != nil {
			return err
		}
	}
	if err := f.Sync(); err != nil {
		return err
	}
	if !t.verify {
		return nil
	}
	var r io.ReaderAt = sparseFile{f}
	if t.reader != nil {
		r = t.reader(f)
	}
	return extract.Compare(ctx, r, t.src, extract.Options{Workers: t.workers})
}

// keep saves how far the copy is, now and then.
func (t *transfer) keep(f *os.File, stop <-chan struct{}) error {
	tick := time.NewTicker(saveEvery)
	defer tick.Stop()
	for {
		select {
		case <-stop:
			return nil
		case <-tick.C:
			if err := t.save(f); err != nil {
				return err
			}
		}
	}
}

// save makes sure that what was copied is on disk, and then says so.
func (t *transfer) save(f *os.File) error {
	r := partRecord{Sources: t.sources, Format: t.to, Copied: t.mark.Load()}
	if err := f.Sync(); err != nil {
		return err
	}
	b, err := json.Marshal(r)
	if err != nil {
		return err
	}
	if err := t.root.WriteFile(t.record()+".new", b, 0o600); err != nil {
		return err
	}
	return t.root.Rename(t.record()+".new", t.record())
}
