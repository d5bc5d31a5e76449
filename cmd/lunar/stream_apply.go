package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/lunarsan/lunar/internal/control"
	"github.com/lunarsan/lunar/stream/dmu"
	"github.com/lunarsan/lunar/stream/image"
)

// An application is streams on their way to a store.
type application struct {
	to, chain string
	verify    bool
	dryRun    bool
	o         dmu.ApplyOptions
	output

	c       *cli
	store   *streamStore
	applier *dmu.Applier
	file    string // the stream under way
	in      *streamInput
	second  *streamInput // it once more, for --verify
	done    []applied
}

// applied is a substream and what became of it.
type applied struct {
	File string `json:"file"`
	dmu.Link
	Passed  bool   `json:"passed"`
	GoneOn  bool   `json:"gone_on"`
	Written uint64 `json:"written"`
	Freed   uint64 `json:"freed"`
}

// streamApply makes volumes of streams.
func (c *cli) streamApply() *cobra.Command {
	a := application{c: c}
	cmd := c.verb("apply FILE...", "Make the volume that streams describe, in a file, a block device or a unit", func(cmd *cobra.Command, args []string) error {
		if a.to == "" {
			return misuse(cmd, "name the store with --to")
		}
		err := a.run(cmd.Context(), args)
		if a.json && a.done != nil {
			err = errors.Join(err, c.print(&a.output, a.done, nil))
		}
		return err
	})
	cmd.Long = `Make the volume that streams describe, in a file, a block device or a unit.

The streams are applied in turn, and those of a package too: a full one first, and incremental
ones that go on from it. Which snapshot the store is at is kept in STORE.lunar; an incremental
stream that does not go on from there is refused before a byte is written, and one that the store
has been at is passed over. The store must not be in use: a unit must be offline.

Whatever interrupts it, the same command goes on where it was. Until then the store is neither
what it was nor what it will be, and STORE.lunar says so.`
	f := cmd.Flags()
	f.StringVar(&a.to, "to", "", "the `STORE`: a file, which is made if there is none, a block device, or lu:GUID")
	f.StringVar(&a.chain, "chain", "", "keep the record of snapshots in `FILE` instead of STORE.lunar; a block device needs it")
	f.StringVar(&a.o.Dataset, "dataset", "", "apply this `DATASET` of a package that has several")
	f.BoolVar(&a.o.Overwrite, "overwrite", false, "let a full stream replace what is in the store")
	f.BoolVar(&a.o.Force, "force", false, "although the store was written to since its last snapshot")
	f.BoolVar(&a.verify, "verify", false, "read the store back, and hold it against the stream once more")
	f.DurationVar(&a.o.Every, "sync-every", 2*time.Second, "make what was written durable, and note how far that is, every `TIME`")
	dryRun(cmd, &a.dryRun)
	return a.flag(cmd)
}

func (a *application) run(ctx context.Context, files []string) error {
	for _, name := range files {
		if a.verify && name == "-" {
			return &usageError{"--verify reads the stream twice, and standard input can be read once", "Save the stream to a file first."}
		}
	}
	var err error
	if a.store, err = a.c.openStore(ctx, a.to, a.chain, a.dryRun); err != nil {
		return err
	}
	a.o.Blank, a.o.Modified = a.store.blank, a.store.modified
	a.o.Done = func(d dmu.Applied) error { return a.applied(ctx, d) }
	a.applier = dmu.NewApplier(a.store.volume, a.store.chain, a.store.save, a.o)
	for _, name := range files {
		if err = a.apply(ctx, name); err != nil {
			break
		}
	}
	return errors.Join(err, a.store.close())
}

func (a *application) apply(ctx context.Context, name string) error {
	var err error
	if a.in, err = a.c.openStream("applying", name); err != nil {
		return err
	}
	defer func() {
		if a.second != nil {
			a.second.close()
			a.second = nil
		}
		a.in.close()
	}()
	a.file = name
	return a.explain(a.in.name, a.applier.Apply(ctx, a.in.stream))
}

// explain is err with the way out.
func (a *application) explain(stream string, err error) error {
	var broken *dmu.BrokenOffError
	var refusal *dmu.Refusal
	switch {
	case errors.As(err, &broken) && !a.dryRun:
		hint := "The store is of no use until it is whole: apply the stream again, and it goes on from there."
		if token, err := broken.Receiving.Token().Encode(); err == nil {
			hint += " A sender can do so too, with zfs send -t or lunar stream generate --token: " + token
		}
		return &control.Problem{Title: fmt.Sprintf("%s: %v", stream, err), Hint: hint}
	case errors.As(err, &refusal):
		return &control.Problem{Title: fmt.Sprintf("%s: not applied to %s: %v", stream, a.to, err), Hint: refusal.Hint}
	case errors.Is(err, dmu.ErrDiffers):
		return &control.Problem{Title: fmt.Sprintf("%s: %s was written, and reads otherwise: %v", stream, a.to, err), Hint: "The medium, or something that writes to it, is to blame. Look at it, and apply a full stream to another store."}
	case err == nil:
		return nil
	}
	return ofStream(stream, err)
}

// applied reports a substream, and verifies it if it should.
func (a *application) applied(ctx context.Context, d dmu.Applied) error {
	if a.verify && !d.Passed && !a.dryRun {
		if err := a.compare(ctx, d); err != nil {
			return err
		}
	}
	a.done = append(a.done, applied{a.file, d.Link, d.Passed, d.GoneOn, d.Written, d.Freed})
	if a.json {
		return nil
	}
	verb := "applied"
	switch {
	case d.Passed && a.o.Dataset != "":
		a.c.printf("%s: passed over\n", d.Name)
		return nil
	case d.Passed:
		a.c.printf("%s: %s has it already\n", d.Name, a.to)
		return nil
	case a.dryRun:
		verb = "would be applied"
	case d.GoneOn:
		verb = "applied from where it was interrupted"
	case a.verify:
		verb = "applied and verified"
	}
	a.c.printf("%s: %s, %s written, %s freed; the volume has %s\n", d.Name, verb, formatSize(int64(d.Written)), formatSize(int64(d.Freed)), formatSize(int64(d.Size)))
	return nil
}

// A streamStore is a store that streams are applied to, or what stands for it in a dry run.
type streamStore struct {
	volume          dmu.Volume
	reader          io.ReaderAt
	chain           *dmu.Chain
	save            func(*dmu.Chain) error
	blank, modified bool
	forget          func() error // what the system has in memory of it
	close           func() error
}

// openStore opens what --to names.
func (c *cli) openStore(ctx context.Context, to, chain string, dryRun bool) (*streamStore, error) {
	path, err := c.storePath(ctx, to)
	if err != nil {
		return nil, err
	}
	if dryRun && !image.Exists(path) {
		return &streamStore{
			volume: new(nowhere), chain: new(dmu.Chain), blank: true,
			save:  func(*dmu.Chain) error { return nil },
			close: func() error { return nil },
		}, nil
	}
	store, err := image.Open(path, image.Options{Create: true, ReadOnly: dryRun, Chain: chain})
	switch {
	case errors.Is(err, image.ErrNoChain):
		return nil, &control.Problem{Title: err.Error(), Hint: "Name a file for it with --chain."}
	case errors.Is(err, image.ErrInUse):
		return nil, &control.Problem{Title: err.Error(), Hint: "A unit, a mount or another lunar stream apply has it. Take a unit offline: lunar lu offline GUID."}
	case errors.Is(err, dmu.ErrChain):
		return nil, &control.Problem{Title: err.Error(), Hint: "Without it nobody knows what is in the store. Restore it, or remove it and apply a full stream with --overwrite."}
	case err != nil:
		return nil, fmt.Errorf("%s: %w", to, err)
	}
	modified, err := store.Modified()
	if err != nil {
		return nil, errors.Join(err, store.Close())
	}
	s := &streamStore{
		volume: store, reader: store, chain: store.Chain(), save: store.Save, forget: store.Forget, close: store.Close,
		blank: store.Blank(), modified: modified,
	}
	if dryRun {
		s.volume = &nowhere{size: store.Size(), fixed: store.Fixed()}
		s.save = func(*dmu.Chain) error { return nil }
	}
	return s, nil
}
