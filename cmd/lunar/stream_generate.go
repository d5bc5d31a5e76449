package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/lunarsan/lunar/internal/control"
	"github.com/lunarsan/lunar/stream/dmu"
	"github.com/lunarsan/lunar/stream/image"
)

// A generation is a store on its way to a stream.
type generation struct {
	from, chain string // stores and files, as they are named on the command line
	since, base string
	unchanged   bool
	token       string
	name        string
	guid        uint64
	created     string
	blockSize   size
	compress    string
	to          streamOutput
	output

	c      *cli
	source *image.Store
	before *image.Store // what the stream goes on from; nil: its bytes are not there
	o      dmu.GenerateOptions
}

// streamGenerate makes streams of stores.
func (c *cli) streamGenerate() *cobra.Command {
	g := generation{c: c}
	cmd := c.verb("generate", "Make a stream of a file, a block device or a unit, for zfs receive or stream apply", func(cmd *cobra.Command, _ []string) error {
		switch {
		case g.from == "":
			return misuse(cmd, "name the store with --from")
		case g.base != "" && g.since == "":
			return misuse(cmd, "--base has the bytes of a snapshot, which --since has to name")
		case g.json && g.to.path == "-":
			return misuse(cmd, "--json prints what was made: name a file for the stream with -o")
		case g.token != "" && (g.guid != 0 || g.created != ""):
			return misuse(cmd, "--token goes on with a snapshot that there is, and --guid and --created are of a new one")
		}
		return g.run(cmd.Context())
	})
	cmd.Long = `Make a stream of a file, a block device or a unit, for zfs receive or lunar stream apply.

The stream is a full one, or with --since that of what changed since a snapshot. The snapshots of
a store are recorded in STORE.lunar. A store that was not written to since its last snapshot is
that snapshot again, with its GUID; otherwise it becomes a new one.

A store that is written to meanwhile makes no stream. Make one of a copy that shares its extents
(xfs, btrfs), which takes no time, and keep the copy: the next stream goes on from it, and reads
only what the two do not share.

    cp --reflink=always disk.img monday.img
    lunar stream generate --from monday.img --name tank/disk@monday -o monday.zs
    cp --reflink=always disk.img tuesday.img
    lunar stream generate --from tuesday.img --since monday.img --name @tuesday -o tuesday.zs

A receiver that was interrupted has a token: zfs get receive_resume_token, and what lunar stream
apply prints. With --token, and otherwise the same flags, the rest of the stream is made.`
	f := cmd.Flags()
	f.StringVar(&g.from, "from", "", "the `STORE`: a file, a block device, or lu:GUID")
	f.StringVar(&g.chain, "chain", "", "keep the record of snapshots in `FILE` instead of STORE.lunar; a block device needs it")
	f.StringVar(&g.since, "since", "", "what the stream goes on from: a `STORE` with its own record, or a SNAPSHOT of --from's, by GUID or name")
	f.StringVar(&g.base, "base", "", "the `STORE` that has the bytes of the SNAPSHOT; without it every block is sent")
	f.BoolVar(&g.unchanged, "unchanged", false, "the bytes of --since, and with --token those of --from, are those of its snapshot, although it was written to since, as a copy is")
	f.StringVar(&g.token, "token", "", "go on where a receiver has stopped, with the `TOKEN` that it gave")
	f.StringVar(&g.name, "name", "", "call the snapshot `DATASET@SNAPSHOT`, or @SNAPSHOT; otherwise by the time")
	f.Uint64Var(&g.guid, "guid", 0, "give the snapshot this `GUID` instead of a random one")
	f.StringVar(&g.created, "created", "", "say that the snapshot was made at `TIME`, as 2026-11-22T16:30:00Z, and not now")
	f.Var(&g.blockSize, "block-size", "the volume's blocks are `SIZE` long, from 512 to 16M; otherwise as in the record, or 16K")
	f.StringVar(&g.compress, "compress", "off", "send blocks compressed with lz4 or zstd, or off; a receiver keeps them so")
	return g.flag(g.to.flags(cmd))
}

func (g *generation) run(ctx context.Context) (err error) {
	defer func() {
		for _, s := range []*image.Store{g.source, g.before} {
			if s != nil {
				err = errors.Join(err, s.Close())
			}
		}
	}()
	plan, err := g.plan(ctx)
	if err != nil {
		return err
	}
	changes, err := g.changes()
	if err != nil {
		return err
	}
	if changes != nil {
		defer changes.Close()
		g.o.Changes = changes
	}
	var made dmu.Generated
	if err := g.c.writeStream(&g.to, func(out io.Writer) (err error) {
		made, err = g.generate(ctx, plan, out)
		return err
	}); err != nil {
		return err
	}
	return g.report(plan, made)
}

// plan opens the stores, and decides which snapshot the stream makes.
func (g *generation) plan(ctx context.Context) (*dmu.Plan, error) {
	r := dmu.Request{Name: g.name, GUID: g.guid, Created: time.Now(), Dataset: datasetFor(g.from)}
	var err error
	if g.created != "" {
		if r.Created, err = time.Parse(time.RFC3339, g.created); err != nil {
			return nil, &usageError{fmt.Sprintf("%q is no time", g.created), "Write it like 2026-11-22T16:30:00Z."}
		}
	}
	if g.o.Compress, err = dmu.ParseCompression(g.compress); err != nil {
		return nil, &usageError{err.Error(), "lz4 is quick, zstd is short, and every receiver takes off."}
	}
	if g.o.Compress == dmu.CompressionOff {
		g.o.Compress = dmu.CompressionNone
	}
	if err := g.readToken(); err != nil {
		return nil, err
	}
	if r.BlockSize = uint32(g.blockSize); g.blockSize > math.MaxUint32 {
		return nil, &usageError{fmt.Sprintf("blocks of %s are too long", &g.blockSize), "Blocks of volumes are a power of two from 512 bytes to 16 MiB long."}
	}
	if g.source, err = g.open(ctx, g.from, image.Options{ReadOnly: true, Chain: g.chain}); err != nil {
		return nil, err
	}
	r.Chain, r.Size = g.source.Chain(), uint64(g.source.Size())
	if head := r.Chain.Head(); g.source.Fixed() && head != nil && head.Size != 0 {
		r.Size = min(r.Size, head.Size) // what is behind on a device belongs to nobody
	}
	if r.Intact, err = g.source.Intact(); err != nil {
		return nil, err
	}
	if err := g.goOn(ctx, &r); err != nil {
		return nil, err
	}
	if err := g.resumeFrom(&r); err != nil {
		return nil, err
	}
	plan, err := dmu.NewPlan(r)
	if err != nil {
		return nil, g.refused(err)
	}
	if err := g.resumes(plan); err != nil {
		return nil, err
	}
	if plan.Base != nil {
		g.o.BaseSize = plan.Base.Size
	}
	if g.before != nil && g.o.BaseSize == 0 { // the record does not say
		g.o.BaseSize = uint64(g.before.Size())
	}
	g.o.Snapshot = plan.Snapshot
	return plan, nil
}

// goOn finds what the stream goes on from.
func (g *generation) goOn(ctx context.Context, r *dmu.Request) error {
	if g.since == "" {
		return nil
	}
	store := g.base
	if r.From = r.Chain.Lookup(g.since); r.From == nil {
		if path, err := g.c.sourcePath(ctx, g.since); err != nil || !image.Exists(path) {
			return errors.Join(err, &control.Problem{
				Title: fmt.Sprintf("%s: there is no such store, and no snapshot in the record of %s", g.since, g.from),
				Hint:  "Name a store that was copied with its record, or a snapshot of " + g.source.ChainPath() + ".",
			})
		}
		if g.base != "" {
			return &usageError{"--base has the bytes of a snapshot, and --since names a store", "Leave out --base."}
		}
		store = g.since
	}
	if store == "" {
		return nil
	}
	var err error
	if g.before, err = g.open(ctx, store, image.Options{ReadOnly: true, Bare: r.From != nil}); err != nil {
		return err
	}
	chain := g.before.Chain()
	if head := chain.Head(); r.From != nil && head != nil && head.GUID != r.From.GUID {
		return &control.Problem{Title: fmt.Sprintf("%s is %s, and not %s", store, head.Name, r.From.Name), Hint: "Name the store that has the bytes of that snapshot."}
	}
	if r.From == nil {
		r.Since = chain
	}
	modified, err := g.before.Modified()
	if err == nil && modified && !g.unchanged {
		err = &control.Problem{
			Title: fmt.Sprintf("%s was written to since %s was recorded", store, chain.Head().Name),
			Hint:  "What changed since the snapshot cannot be told from it. If it is a copy that nobody wrote to, say so with --unchanged.",
		}
	}
	return err
}

// changes tells where to look, or nil.
func (g *generation) changes() (*image.Changes, error) {
	if err := g.source.Settle(); err != nil {
		return nil, err
	}
	if g.before == nil {
		return nil, nil
	}
	g.o.Base = g.before
	if err := g.before.Settle(); err != nil {
		return nil, err
	}
	return image.OpenChanges(g.source, g.before)
}

// generate writes the stream. The record of snapshots is kept before the stream is whole: a
// receiver never has a snapshot that nobody here knows.
func (g *generation) generate(ctx context.Context, plan *dmu.Plan, out io.Writer) (dmu.Generated, error) {
	begun, err := g.source.Written()
	if err != nil {
		return dmu.Generated{}, err
	}
	p := g.c.progress("generating "+plan.Snapshot.Name, int64(plan.Snapshot.Size))
	defer p.done()
	g.o.Progress = p.at.Store
	g.o.Done = func(dmu.Generated) error {
		if ended, err := g.source.Written(); err != nil || !ended.Equal(begun) {
			return errors.Join(err, &control.Problem{
				Title: g.from + " was written to while it was read, so that the stream would be of no one moment",
				Hint:  "Make it of a snapshot: cp --reflink=always where the file system can, or stop what writes.",
			})
		}
		if !plan.New {
			return nil
		}
		return g.source.Save(plan.Chain)
	}
	return dmu.NewGenerator(g.source, g.o).Generate(ctx, out)
}

// report says what was made, on standard error where the stream is on standard output.
func (g *generation) report(plan *dmu.Plan, made dmu.Generated) error {
	if g.json {
		return g.c.print(&g.output, made, nil)
	}
	to := g.c.stdout
	if g.to.path == "-" {
		to = g.c.stderr
	}
	since := ""
	if plan.Base != nil {
		since = " since " + plan.Base.Name
		if g.before == nil {
			since += ", all of it as nothing tells what changed"
		}
	}
	if t := g.o.Resume; t != nil {
		since += fmt.Sprintf(", from byte %d on", t.Offset)
	}
	_, err := fmt.Fprintf(to, "%s (GUID %d)%s: %s in blocks of %s, %s in holes; the stream has %s\n", made.Name, made.GUID, since,
		formatSize(int64(made.Written)), formatSize(int64(made.BlockSize)), formatSize(int64(made.Freed)), formatSize(made.Bytes))
	return err
}

// open opens a store to read it.
func (g *generation) open(ctx context.Context, name string, o image.Options) (*image.Store, error) {
	path, err := g.c.sourcePath(ctx, name)
	if err != nil {
		return nil, err
	}
	s, err := image.Open(path, o)
	switch {
	case errors.Is(err, image.ErrNoChain):
		return nil, &control.Problem{Title: err.Error(), Hint: "Name a file for that of --from with --chain. Of a device that --since should go on from, name the snapshot with --since and the device with --base."}
	case errors.Is(err, image.ErrInUse):
		return nil, &control.Problem{Title: err.Error(), Hint: "Whoever has it may write to it, and the stream would be of no one moment. Make it of a snapshot (cp --reflink=always), or take a unit offline: lunar lu offline GUID."}
	case errors.Is(err, dmu.ErrChain):
		return nil, &control.Problem{Title: err.Error(), Hint: "Restore it, or have another begun with --chain FILE and a full stream."}
	case err != nil:
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return s, nil
}

// refused is err with the way out.
func (g *generation) refused(err error) error {
	var refusal *dmu.Refusal
	if errors.As(err, &refusal) {
		return &control.Problem{Title: fmt.Sprintf("%s: no stream is made: %v", g.from, err), Hint: refusal.Hint}
	}
	return err
}

// datasetFor is what a store's dataset is called where nobody says it.
func datasetFor(store string) string {
	name := filepath.Base(strings.TrimPrefix(store, "lu:"))
	name = strings.TrimSuffix(name, filepath.Ext(name))
	return "lunar/" + regexp.MustCompile(`[^A-Za-z0-9_.:-]`).ReplaceAllString(name, "-")
}
