package main

import (
	"context"
	"io"
	"runtime/debug"

	"github.com/lunarsan/lunar/stream/dmu"
)

// compare reads a substream again, which was applied just now, and holds the store against it.
func (a *application) compare(ctx context.Context, d dmu.Applied) error {
	if err := a.store.forget(); err != nil {
		return err
	}
	if a.in.wrapped != "" {
		return a.compareBeside(ctx, d)
	}
	// There is memory for one reading: the stream goes on in the second.
	a.in.close()
	debug.FreeOSMemory()
	in, err := a.c.openStreamAt("verifying", a.file, d.Begin)
	if err != nil {
		return err
	}
	a.in = in
	if err := a.against(ctx, in, d); err != nil {
		return err
	}
	a.applier.GoOnIn(in.stream)
	return nil
}

// compareBeside has two readings beside each other: a place in a stream that something is around
// is found by reading all that comes before it, and a package would be read once more for every
// substream.
func (a *application) compareBeside(ctx context.Context, d dmu.Applied) error {
	if a.second == nil {
		var err error
		if a.second, err = a.c.openStream("verifying", a.file); err != nil {
			return err
		}
	}
	return a.against(ctx, a.second, d)
}

// against holds the store against the substream, which in has further on.
func (a *application) against(ctx context.Context, in *streamInput, d dmu.Applied) error {
	if err := in.skip(d.Begin); err != nil {
		return err
	}
	if err := dmu.Compare(ctx, a.store.reader, d.Size, io.LimitReader(in.stream, d.End-d.Begin)); err != nil {
		return err
	}
	in.at = d.End
	return nil
}
