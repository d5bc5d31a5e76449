package main

import (
	"path"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/lunarsan/lunar/vmfs"
)

// A usage is what a directory and all below it take.
type usage struct {
	Path  string `json:"path"`
	Files int64  `json:"files"`
	Size  int64  `json:"size"`  // the lengths of the files
	Taken int64  `json:"taken"` // the bytes of blocks that they have

	parent string
}

func (c *cli) vmfsDu() *cobra.Command {
	var (
		o       output
		choice  imageChoice
		summary bool
	)
	cmd := c.vmfsVerb("du IMAGE [PATH]", "Show what directories of a volume take", func(cmd *cobra.Command, args []string) error {
		v, err := c.openVolume(cmd.Context(), args[0], choice)
		if err != nil {
			return err
		}
		list, err := usageBelow(v, pathArgument(args))
		if summary && len(list) > 0 {
			list = list[:1]
		}
		return joined(err, c.print(&o, list, func() {
			rows := [][]string{{"TAKEN", "LENGTH", "FILES", "PATH"}}
			for _, u := range list {
				rows = append(rows, []string{formatSize(u.Taken), formatSize(u.Size), strconv.FormatInt(u.Files, 10), printable(u.Path)})
			}
			c.table(rows)
		}), v.Close())
	})
	cmd.Long = `Show what directories of a volume take, with all that is below them: TAKEN is the bytes of the blocks
that the files have, LENGTH what they are long, which is more for thin disks.`
	cmd.Flags().BoolVarP(&summary, "summarize", "s", false, "only the sum")
	return choice.flags(o.flag(cmd))
}

// usageBelow adds up what is at a path: the first of the list is the sum.
func usageBelow(v *openImage, at string) ([]usage, error) {
	f, err := v.lookup(at)
	if err != nil {
		return nil, err
	}
	name := or(f.Name(), "/")
	list := []usage{{Path: name}}
	index := map[string]int{name: 0}
	add := func(to string, d vmfs.Descriptor) {
		for i, ok := index[to]; ok; i, ok = index[list[i].parent] {
			list[i].Taken += taken(d)
			if !d.IsDir() {
				list[i].Files++
				if d.Type() != vmfs.RDM {
					list[i].Size += d.Length()
				}
			}
		}
	}
	add(name, f.Descriptor())
	if !f.Descriptor().IsDir() {
		return list, nil
	}
	var (
		failed failures
		buf    = make([]byte, len(f.Descriptor()))
	)
	for n, err := range f.Walk() {
		var d vmfs.Descriptor
		if err == nil {
			d, err = v.Descriptor(n.Entry.Address(), buf)
		}
		if err != nil {
			failed = append(failed, err)
			continue
		}
		to := path.Dir(n.Path)
		if d.IsDir() {
			index[n.Path] = len(list)
			list = append(list, usage{Path: n.Path, parent: to})
			to = n.Path
		}
		add(to, d)
	}
	if len(failed) > 0 {
		return list, failed
	}
	return list, nil
}
