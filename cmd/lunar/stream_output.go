package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/lunarsan/lunar/internal/control"
)

// A streamOutput is where a verb writes a stream: a file, or standard output. A file gets its
// name when the stream in it is whole; until then it ends in .partial.
type streamOutput struct {
	path  string
	force bool
}

func (o *streamOutput) flags(cmd *cobra.Command) *cobra.Command {
	cmd.Flags().StringVarP(&o.path, "output", "o", "-", "write the stream to `FILE`, - being standard output")
	cmd.Flags().BoolVar(&o.force, "force", false, "write over FILE where it is there already")
	return cmd
}

// partial is what the name of a file ends in that is not whole.
const partial = ".partial"

// writeStream has write make a stream.
func (c *cli) writeStream(o *streamOutput, write func(io.Writer) error) error {
	if o.path == "-" {
		if isTerminal(c.stdout) {
			return &usageError{"a stream is nothing for a terminal", "Name a file with --output, or a command behind a |."}
		}
		out := bufio.NewWriterSize(c.stdout, 1<<16)
		return errors.Join(write(out), out.Flush())
	}
	if _, err := os.Stat(o.path); err == nil && !o.force {
		return &control.Problem{Title: o.path + " is there already", Hint: "Choose another name, or write over it with --force."}
	}
	f, err := os.Create(o.path + partial)
	if err != nil {
		return fmt.Errorf("making the file of the stream: %w", err)
	}
	if err := write(f); err != nil {
		_ = f.Close() // it goes away
		_ = os.Remove(f.Name())
		return err
	}
	if err := settle(f, o.path); err != nil {
		return fmt.Errorf("writing the stream: %w", err)
	}
	return nil
}

// settle closes f, which is durable then, and gives it its name. A file that cannot be known to
// be whole gets none, and goes away.
func settle(f *os.File, name string) error {
	err := (&durableFile{f}).Close()
	if err == nil {
		err = os.Rename(f.Name(), name)
	}
	if err != nil {
		_ = os.Remove(f.Name()) // which may not be there any more either
		return err
	}
	return syncFolder(name)
}

// A durableFile is durable when Close returns nil.
type durableFile struct{ *os.File }

func (f *durableFile) Close() error { return errors.Join(f.Sync(), f.File.Close()) }

// syncFolder makes the names in the folder of name survive a loss of power.
func syncFolder(name string) error {
	folder, err := os.Open(filepath.Dir(name))
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}
