package main

import (
	"io"

	"github.com/spf13/cobra"

	"github.com/lunarsan/lunar/stream/dmu"
)

// streamRecompress compresses the blocks of a stream anew.
func (c *cli) streamRecompress() *cobra.Command {
	var o streamOutput
	how, level := "zstd", 0
	cmd := c.verb("recompress FILE", "Compress the blocks of a stream anew, or leave them plain", func(cmd *cobra.Command, args []string) error {
		with, err := dmu.ParseCompression(how)
		if err != nil {
			return misuse(cmd, "--compress: %v", err)
		}
		if level < 0 || level > 19 {
			return misuse(cmd, "--level: %d is not from 1 to 19", level)
		}
		in, err := c.openStream("recompressing", args[0])
		if err != nil {
			return err
		}
		defer in.close()
		return c.writeStream(&o, func(out io.Writer) error {
			if err := dmu.Recompress(dmu.NewReader(in.stream, dmu.Options{}), out, with, level); err != nil {
				return ofStream(in.name, err)
			}
			return nil
		})
	})
	cmd.Flags().StringVar(&how, "compress", how, "`HOW`: lz4, zstd, gzip-1 to gzip-9, or off for plain blocks")
	cmd.Flags().IntVar(&level, "level", level, "how hard zstd tries, `N` from 1 to 19; 0 is the usual")
	cmd.Long = `Compress the blocks of files and volumes in a stream anew, as zfs send -c of a dataset with that
compression would have them, or leave them plain. Blocks that do not get shorter stay plain.
The snapshot and its GUID are the same. Encrypted streams cannot be looked into.`
	return o.flags(cmd)
}
