package streamtest

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"slices"
	"sync"

	"github.com/lunarsan/lunar/stream"
)

// A tripwire calls trip when n bytes have been read through it.
type tripwire struct {
	in   io.Reader
	n    int
	trip func()
}

func (r *tripwire) Read(p []byte) (int, error) {
	n, err := r.in.Read(p[:min(len(p), max(r.n, 4096))])
	if r.n > 0 && r.n <= n {
		r.trip()
	}
	r.n -= n
	return n, err
}

func givenUp(w *work) {
	source, replica := w.pair()
	more := w.send(source, stream.Send{Snapshot: "b", From: "a"})

	r, err := source.Send(w.Context(), stream.Send{Snapshot: "b"})
	w.do("send", err)
	_, err = io.ReadFull(r, make([]byte, 5000))
	w.do("read", err)
	_ = r.Close() // the reader does not want the rest: whatever is said of it
	r, err = source.Send(w.Context(), stream.Send{Snapshot: "b"})
	w.do("send", err)
	_ = r.Close()

	ctx, cancel := context.WithCancel(w.Context())
	r, err = source.Send(ctx, stream.Send{Snapshot: "b"})
	w.do("send", err)
	_, err = io.ReadFull(r, make([]byte, 500))
	w.do("read", err)
	cancel()
	if _, err := io.Copy(io.Discard, &tripwire{in: r}); err == nil {
		w.Log("all of it was on its way already") // a short stream may be
	}
	_ = r.Close()

	w.unmoved(replica, func() {
		ctx, cancel := context.WithCancel(w.Context())
		defer cancel()
		in := &tripwire{bytes.NewReader(more), len(more) / 2, cancel}
		if _, err := replica.Receive(ctx, in, stream.Receive{}); err == nil {
			w.Error("a receive that was given up has an end")
		}
	})
	w.do("abandon", replica.Abandon(w.Context()))
	w.receive(replica, more, stream.Receive{})

	over, cancel := context.WithCancel(w.Context())
	cancel()
	w.unmoved(replica, func() {
		if _, err := replica.Take(over, "x"); err == nil {
			w.Error("taken although it was given up")
		}
		if err := replica.Destroy(over, "a"); err == nil {
			w.Error("destroyed although it was given up")
		}
		if _, err := replica.Snapshots(over); err == nil {
			w.Error("listed although it was given up")
		}
	})
}

// servesMany makes all kinds of calls at a time.
func servesMany(w *work) {
	source, replica := w.pair()
	ctx := w.Context()
	more := w.send(source, stream.Send{Snapshot: "b", From: "a"})
	var calls sync.WaitGroup
	fails := make(chan error, 100)
	try := func(what string, err error) {
		if err != nil {
			fails <- fmt.Errorf("%s: %w", what, err)
		}
	}
	var want []string
	for i := range 4 {
		name := fmt.Sprintf("s%d", i)
		want = append(want, name)
		calls.Go(func() {
			_, err := source.Take(ctx, name)
			try("take", err)
			try("hold", source.Hold(ctx, "a", name))
			try("bookmark", source.Bookmark(ctx, "a", "m"+name))
			_, err = source.Snapshots(ctx)
			try("list", err)
			_, err = source.Clone(ctx, "b", name)
			try("clone", err)
			try("release", source.Release(ctx, "a", name))
			try("unclone", source.Unclone(ctx, name))
			try("unbookmark", source.Unbookmark(ctx, "m"+name))
		})
		calls.Go(func() {
			got, err := w.stream(ctx, source, stream.Send{Snapshot: "b", From: "a"})
			try("send", err)
			if err == nil && len(got) != len(more) {
				fails <- fmt.Errorf("a stream has %d bytes, and had %d", len(got), len(more))
			}
		})
	}
	calls.Go(func() {
		_, err := w.tryReceive(replica, more, stream.Receive{})
		try("receive", err)
	})
	calls.Go(func() {
		_, err := replica.Clone(ctx, "a", "during")
		try("clone during a receive", err)
		try("unclone during a receive", replica.Unclone(ctx, "during"))
	})
	calls.Wait()
	close(fails)
	for err := range fails {
		w.Error(err)
	}
	got := w.names(source)
	slices.Sort(got)
	if want = append([]string{"a", "b"}, want...); !slices.Equal(got, want) {
		w.Errorf("%q, want %q", got, want)
	}
	w.has(replica, "a", "b")
	w.do("destroy a", source.Destroy(ctx, "a"))
	w.do("destroy b", source.Destroy(ctx, "b"))
}
