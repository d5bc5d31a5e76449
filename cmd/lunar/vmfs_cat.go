package main

import (
	"github.com/spf13/cobra"

	"github.com/lunarsan/lunar/internal/control"
	"github.com/lunarsan/lunar/vmfs"
)

func (c *cli) vmfsCat() *cobra.Command {
	var choice imageChoice
	cmd := c.vmfsVerb("cat IMAGE PATH", "Write what is in a file of a volume to standard output", func(cmd *cobra.Command, args []string) error {
		v, err := c.openVolume(cmd.Context(), args[0], choice)
		if err != nil {
			return err
		}
		return joined(c.cat(v, args[1]), v.Close())
	})
	cmd.Long = `Write what is in a file of a volume to standard output; of a symlink, what it points to. Holes are
written as zeros: lunar vmfs extract keeps them holes.`
	return choice.flags(cmd)
}

func (c *cli) cat(v *openImage, path string) error {
	f, err := v.lookup(path)
	if err != nil {
		return err
	}
	if f.Mode().IsDir() {
		return &control.Problem{Title: path + " is a directory", Hint: "lunar vmfs ls lists what is in it."}
	}
	if f.Type() == vmfs.Symlink {
		to, err := f.ReadLink()
		if err != nil {
			return err
		}
		c.printf("%s\n", to)
		return nil
	}
	buf := make([]byte, 1<<20)
	for e, err := range f.Extents() {
		for done := int64(0); done < e.Length && err == nil; {
			p := buf[:min(int64(len(buf)), e.Length-done)]
			part := e
			part.Physical += done
			if err = v.ReadExtent(p, part); err == nil {
				_, err = c.stdout.Write(p)
			}
			done += int64(len(p))
		}
		if err != nil {
			return err
		}
	}
	return nil
}
