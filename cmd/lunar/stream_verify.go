package main

import (
	"errors"

	"github.com/spf13/cobra"
)

// streamVerify checks streams.
func (c *cli) streamVerify() *cobra.Command {
	var o output
	var deep bool
	cmd := c.verb("verify FILE...", "Check that a stream is whole, and that receivers can take it", func(_ *cobra.Command, args []string) error {
		all := []*surveyed{}
		err := each(args, func(name string) error {
			s, err := c.survey("verifying", name, deep)
			all = append(all, s)
			if err == nil && !o.json {
				c.printf("%s: whole, %d records, %s\n", s.File, s.Records, formatSize(s.Bytes))
			}
			return err
		})
		return errors.Join(err, c.print(&o, all, func() {}))
	})
	cmd.Flags().BoolVar(&deep, "deep", false, "decompress every payload too: a checksum does not tell that it was right when it was sent")
	cmd.Long = `Check that a stream is whole, and that receivers can take it: the checksum of every record
and of the stream, the order of records, what receivers insist on, and nothing behind the end.
A stream that is truncated, corrupt, or has bytes behind its end is told by place.

The exit status is 0 only if every stream is whole.`
	return o.flag(cmd)
}
