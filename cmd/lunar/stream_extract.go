package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/lunarsan/lunar/internal/control"
	"github.com/lunarsan/lunar/stream/dmu"
	"github.com/lunarsan/lunar/stream/zpl"
)

// An extraction is files on their way out of streams.
type extraction struct {
	to      string
	partial bool
	o       zpl.Options
	output
}

// streamExtract gets files out of streams.
func (c *cli) streamExtract() *cobra.Command {
	var x extraction
	cmd := c.verb("extract FILE...", "Get the files out of a file system's streams, without ZFS", func(cmd *cobra.Command, args []string) error {
		if x.to == "" {
			return misuse(cmd, "name the directory with --to")
		}
		return c.extract(cmd.Context(), args, x)
	})
	cmd.Long = `Get the files out of a file system's streams, without ZFS: files, directories, links, symbolic
links, modes, times and extended attributes. The streams are a full one, and incremental ones
that go on from it; what is written is the last snapshot.

The directory is made, or must be empty. Nothing outside of it is touched, whatever the stream
says. Devices and sockets are left out, and so are set-user-ID bits without --owners.`
	f := cmd.Flags()
	f.StringVar(&x.to, "to", "", "the `DIR`ectory")
	f.StringVar(&x.o.Dataset, "dataset", "", "take this `DATASET` of a package that has several, instead of the first")
	f.StringVar(&x.o.Snapshot, "snapshot", "", "stop at this `SNAPSHOT`, its name without the dataset")
	f.BoolVar(&x.o.Owners, "owners", false, "keep owners, set-user-ID bits and privileged attributes")
	f.BoolVar(&x.partial, "partial", false, "write out what there is of a stream that is cut short or damaged")
	return x.flag(cmd)
}

func (c *cli) extract(ctx context.Context, files []string, x extraction) (err error) {
	root, err := emptyDirectory(x.to)
	if err != nil {
		return err
	}
	x.o.Problem = func(path string, err error) { c.warn("%s: left out: %v", path, err) }
	e, err := zpl.New(root, x.o)
	if err != nil {
		return errors.Join(err, root.Close())
	}
	defer func() { err = errors.Join(err, e.Close(), root.Close()) }()
	var broken error
	for _, name := range files {
		if broken = c.stage(ctx, e, name); broken != nil {
			break
		}
	}
	if broken != nil && (!x.partial || ctx.Err() != nil) {
		return broken
	}
	sum, err := e.Write(ctx)
	if err != nil {
		return errors.Join(broken, err)
	}
	err = c.print(&x.output, sum, func() {
		c.printf("%s: %d files, %s, in %d directories; %d symbolic links, %d further names, %d extended attributes\n",
			sum.Snapshot, sum.Files, formatSize(int64(sum.Bytes)), sum.Directories, sum.Symlinks, sum.Links, sum.Xattrs)
	})
	if sum.LeftOut > 0 {
		err = errors.Join(err, &control.Problem{Title: fmt.Sprintf("left out: %d; all else is in %s", sum.LeftOut, x.to), Hint: "Each is told above, with the reason."})
	}
	return errors.Join(broken, err)
}

// stage reads a stream.
func (c *cli) stage(ctx context.Context, e *zpl.Extractor, name string) error {
	in, err := c.openStream("reading", name)
	if err != nil {
		return err
	}
	defer in.close()
	err = e.Add(ctx, in.stream)
	var refusal *dmu.Refusal
	switch {
	case errors.As(err, &refusal):
		return &control.Problem{Title: fmt.Sprintf("%s: nothing is extracted of it: %v", in.name, err), Hint: refusal.Hint}
	case err != nil:
		return ofStream(in.name, err)
	}
	return nil
}

// emptyDirectory makes a directory, or takes one that is empty.
func emptyDirectory(path string) (*os.Root, error) {
	if err := os.MkdirAll(path, 0o755); err != nil {
		return nil, err
	}
	there, err := os.ReadDir(path)
	if err != nil {
		return nil, err
	}
	if len(there) > 0 {
		return nil, &control.Problem{Title: fmt.Sprintf("%s is not empty: %s is in it", path, there[0].Name()), Hint: "Name a directory that is empty, or is not there."}
	}
	return os.OpenRoot(path)
}
