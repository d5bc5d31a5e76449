package main

import (
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/lunarsan/lunar/internal/control"
	"github.com/lunarsan/lunar/stream/dmu"
)

// streamSplit cuts a stream into parts.
func (c *cli) streamSplit() *cobra.Command {
	var most size
	var prefix string
	cmd := c.verb("split FILE", "Cut a stream into parts for media", func(cmd *cobra.Command, args []string) error {
		if most <= 0 || prefix == "" {
			return misuse(cmd, "--size says how long parts may be, --output what their names begin with")
		}
		in, err := c.openStream("splitting", args[0])
		if err != nil {
			return err
		}
		defer in.close()
		var made []string
		n, err := dmu.Split(dmu.NewReader(in.stream, dmu.Options{}), int64(most), func(part int) (io.WriteCloser, error) {
			name := fmt.Sprintf("%s.%03d", prefix, part)
			f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
			if err != nil {
				return nil, &control.Problem{Title: fmt.Sprintf("making part %d: %v", part, err), Hint: "Choose another --output, with room for the parts."}
			}
			made = append(made, name)
			return &durableFile{f}, nil
		})
		if err == nil {
			err = syncFolder(prefix)
		}
		if err != nil {
			for _, name := range made {
				_ = os.Remove(name) // no part of a stream that is not whole
			}
			return ofStream(in.name, err)
		}
		c.printf("%d parts, %s.001 to %s.%03d\n", n, prefix, prefix, n)
		return nil
	})
	cmd.Flags().Var(&most, "size", "make parts of at most `SIZE`, such as 4G")
	cmd.Flags().StringVarP(&prefix, "output", "o", "", "name the parts `PREFIX`.001, PREFIX.002 and so on")
	cmd.Long = `Cut a stream into parts for media that have room for no more. Parts behind one another are the
stream, so cat joins them too; lunar stream join finds their order by itself, checks them and
tells which is missing.`
	return cmd
}
