package main

import (
	"io"
	"sync"

	"github.com/spf13/cobra"

	"github.com/lunarsan/lunar/stream/dmu"
)

// streamRebase makes one stream of several that follow one another.
func (c *cli) streamRebase() *cobra.Command {
	var o streamOutput
	cmd := c.verb("rebase OLDER NEWER...", "Make one stream of several of a volume that follow one another", func(_ *cobra.Command, args []string) error {
		var readers []*dmu.Reader
		for _, name := range args {
			in, err := c.openStream("reading", name)
			if err != nil {
				return err
			}
			defer in.close()
			readers = append(readers, dmu.NewReader(in.stream, dmu.Options{}))
		}
		return c.writeStream(&o, func(out io.Writer) error {
			if err := rebaseAll(readers, out); err != nil {
				return ofStream("rebasing", err)
			}
			return nil
		})
	})
	cmd.Long = `Make one stream of several of a volume that follow one another: of a to b, b to c and c to d
becomes a to d; where the first is a full stream, so is what comes out. Blocks that a later
stream writes again or frees are left out.`
	return o.flags(cmd)
}

// rebaseAll merges the first two streams, what comes of that with the third, and so on, all at
// the same time.
func rebaseAll(streams []*dmu.Reader, out io.Writer) error {
	var merging sync.WaitGroup
	older := streams[0]
	for _, newer := range streams[1 : len(streams)-1] {
		from, to := io.Pipe()
		reading := older
		merging.Go(func() { to.CloseWithError(dmu.Rebase(reading, newer, to)) })
		defer merging.Wait()
		defer func() { _ = from.Close() }() // what still writes to it then ends
		older = dmu.NewReader(from, dmu.Options{})
	}
	return dmu.Rebase(older, streams[len(streams)-1], out)
}
