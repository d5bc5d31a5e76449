package main

import (
	"errors"
	"io"

	"github.com/spf13/cobra"

	"github.com/lunarsan/lunar/internal/control"
	"github.com/lunarsan/lunar/stream/dmu"
)

// streamJoin puts a stream together from its parts.
func (c *cli) streamJoin() *cobra.Command {
	var o streamOutput
	cmd := c.verb("join PART...", "Put a stream together from its parts, in any order", func(_ *cobra.Command, args []string) error {
		parts := make([]dmu.Part, len(args))
		for i, name := range args {
			parts[i] = dmu.Part{Name: name, Open: func() (io.ReadCloser, error) {
				in, err := c.openStream("joining", name)
				if err != nil {
					return nil, err
				}
				return inputCloser{in}, nil
			}}
		}
		return c.writeStream(&o, func(out io.Writer) error {
			if _, err := dmu.Join(parts, out); err != nil {
				if errors.Is(err, dmu.ErrTruncated) {
					return &control.Problem{Title: err.Error(), Hint: "Each part begins where another ends: find the one that is missing."}
				}
				return ofStream("joining", err)
			}
			return nil
		})
	})
	cmd.Long = `Put a stream together from the parts that lunar stream split has made. They may come in any order:
what they begin with tells where they belong. A part that is missing, damaged, or of another
stream is told.`
	return o.flags(cmd)
}

// inputCloser is a streamInput for those who read and close.
type inputCloser struct{ *streamInput }

func (i inputCloser) Read(p []byte) (int, error) { return i.stream.Read(p) }

func (i inputCloser) Close() error {
	i.close()
	return nil
}
