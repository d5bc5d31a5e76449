package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/lunarsan/lunar/stream/dmu"
)

// streamFilter leaves parts of a volume out of its stream.
func (c *cli) streamFilter() *cobra.Command {
	var o streamOutput
	var drop []string
	cmd := c.verb("filter FILE", "Leave parts of a volume out of its stream", func(cmd *cobra.Command, args []string) error {
		if len(drop) == 0 {
			return misuse(cmd, "--drop says what to leave out")
		}
		ranges := make([]dmu.Range, len(drop))
		for i, text := range drop {
			var err error
			if ranges[i], err = parseRange(text); err != nil {
				return misuse(cmd, "--drop %s: %v", text, err)
			}
		}
		in, err := c.openStream("filtering", args[0])
		if err != nil {
			return err
		}
		defer in.close()
		return c.writeStream(&o, func(out io.Writer) error {
			done, err := dmu.Filter(dmu.NewReader(in.stream, dmu.Options{}), out, ranges)
			if err != nil {
				return ofStream(in.name, err)
			}
			c.warn("%s: left out %s", in.name, formatSize(int64(done.Dropped)))
			if done.Partial > 0 {
				c.warn("%s of blocks of which only a part is in a range are still there", formatSize(int64(done.Partial)))
			}
			return nil
		})
	})
	cmd.Flags().StringArrayVar(&drop, "drop", nil, "leave out `OFFSET:LENGTH` of the volume, such as 512M:2G; again for more")
	cmd.Long = `Leave parts of a volume out of its stream, such as a swap partition: they read as zeros where the
stream is received. Blocks that lie in a range as a whole are left out.

What comes out is another snapshot, with a GUID that comes of the old one and the ranges. So
streams of a chain that are all filtered with the same ranges still follow one another.`
	return o.flags(cmd)
}

// parseRange reads OFFSET:LENGTH.
func parseRange(text string) (dmu.Range, error) {
	from, length, ok := strings.Cut(text, ":")
	if !ok {
		return dmu.Range{}, fmt.Errorf("write it like 512M:2G")
	}
	var at, n size
	if err := at.Set(from); err != nil {
		return dmu.Range{}, err
	}
	if err := n.Set(length); err != nil {
		return dmu.Range{}, err
	}
	if n == 0 {
		return dmu.Range{}, fmt.Errorf("nothing has no length")
	}
	return dmu.Range{Offset: uint64(at), Length: uint64(n)}, nil
}
