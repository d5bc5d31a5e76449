package main

import (
	"errors"
	"fmt"

	"github.com/klauspost/compress/zstd"
	"github.com/spf13/cobra"

	"github.com/lunarsan/lunar/internal/control"
	"github.com/lunarsan/lunar/stream/dmu"
)

// stream is the noun of ZFS send streams. Its verbs need no daemon.
func (c *cli) stream() *cobra.Command {
	cmd := c.noun("stream", "Look into, check, apply, make and rewrite ZFS send streams, without ZFS",
		c.streamInfo(), c.streamVerify(), c.streamDump(),
		c.streamApply(), c.streamExtract(), c.streamGenerate(),
		c.streamToken(),
		c.streamRecompress(), c.streamSplit(), c.streamJoin(), c.streamRebase(), c.streamFilter())
	cmd.Long = `Look into, check, apply, make and rewrite ZFS send streams, without ZFS.

FILE is a stream as zfs send writes it, or - for standard input. It may be compressed with zstd,
gzip or lz4; that is noticed.`
	return cmd
}

// hints are the ways out of what can be wrong with a stream.
var hints = []struct {
	kind error
	hint string
}{
	{zstd.ErrWindowSizeExceeded, "zstd --long or --ultra has made it, and it takes more memory than there is for it here. Let zstd unpack it: zstd -dc --long=31 FILE >STREAM."},
	{dmu.ErrPackage, "Send its snapshots one by one (zfs send -i @a @b), and merge those streams; or apply the package to a store."},
	{dmu.ErrPayload, "The block was damaged before it was sent: scrub the pool it is from, and send the snapshot again."},
	{dmu.ErrNotStream, "A stream is what zfs send writes; zstd, gzip and lz4 around it are noticed, other wrappings are not."},
	{dmu.ErrTruncated, "Copy it again; or let the sender go on behind what is there: zfs send -t $(lunar stream token --after FILE)."},
	{dmu.ErrCorrupt, "What is in front of that place is as it was sent. Copy the stream again, or send it again."},
	{dmu.ErrTrailing, "zfs receive would take the first stream and say nothing of the rest: cut the file there, or make a package with zfs send -R or -I."},
	{dmu.ErrUnsupported, "A newer lunar may know it."},
	{dmu.ErrInvalid, "Receivers refuse such a stream, or come to harm by it."},
}

// ofStream is err, with the name of the stream and the way out.
func ofStream(name string, err error) error {
	for _, h := range hints {
		if errors.Is(err, h.kind) {
			return &control.Problem{Title: fmt.Sprintf("%s: %v", name, err), Hint: h.hint}
		}
	}
	return fmt.Errorf("%s: %w", name, err)
}
