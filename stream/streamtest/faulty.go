package streamtest

import (
	"context"
	"io"

	"github.com/lunarsan/lunar/stream"
)

// Faulty is a volume that is cut off when it is told to be.
type Faulty struct {
	stream.Volume
	// Fail is asked before a call is done, and after it, before its answer is heard. Where it
	// returns an error, the caller gets that. Reading a stream that Send made is such a call,
	// too ("read"), for each piece.
	Fail func(call string, done bool) error
}

// try does a call.
func try[T any](f *Faulty, call string, do func() (T, error)) (T, error) {
	var none T
	if err := f.Fail(call, false); err != nil {
		return none, err
	}
	out, err := do()
	if failed := f.Fail(call, true); failed != nil {
		return none, failed
	}
	return out, err
}

// just does a call that answers nothing.
func just(f *Faulty, call string, do func() error) error {
	_, err := try(f, call, func() (struct{}, error) { return struct{}{}, do() })
	return err
}

// Snapshots implements stream.Volume, as all below do.
func (f *Faulty) Snapshots(ctx context.Context) ([]stream.Snapshot, error) {
	return try(f, "snapshots", func() ([]stream.Snapshot, error) { return f.Volume.Snapshots(ctx) })
}

func (f *Faulty) Take(ctx context.Context, name string) (stream.Snapshot, error) {
	return try(f, "take", func() (stream.Snapshot, error) { return f.Volume.Take(ctx, name) })
}

func (f *Faulty) Destroy(ctx context.Context, name string) error {
	return just(f, "destroy", func() error { return f.Volume.Destroy(ctx, name) })
}

func (f *Faulty) Hold(ctx context.Context, name, tag string) error {
	return just(f, "hold", func() error { return f.Volume.Hold(ctx, name, tag) })
}

func (f *Faulty) Release(ctx context.Context, name, tag string) error {
	return just(f, "release", func() error { return f.Volume.Release(ctx, name, tag) })
}

func (f *Faulty) Bookmark(ctx context.Context, snapshot, bookmark string) error {
	return just(f, "bookmark", func() error { return f.Volume.Bookmark(ctx, snapshot, bookmark) })
}

func (f *Faulty) Unbookmark(ctx context.Context, bookmark string) error {
	return just(f, "unbookmark", func() error { return f.Volume.Unbookmark(ctx, bookmark) })
}

func (f *Faulty) Rollback(ctx context.Context, name string) error {
	return just(f, "rollback", func() error { return f.Volume.Rollback(ctx, name) })
}

func (f *Faulty) Clone(ctx context.Context, snapshot, clone string) (string, error) {
	return try(f, "clone", func() (string, error) { return f.Volume.Clone(ctx, snapshot, clone) })
}

func (f *Faulty) Unclone(ctx context.Context, clone string) error {
	return just(f, "unclone", func() error { return f.Volume.Unclone(ctx, clone) })
}

func (f *Faulty) Estimate(ctx context.Context, s stream.Send) (int64, error) {
	return try(f, "estimate", func() (int64, error) { return f.Volume.Estimate(ctx, s) })
}

func (f *Faulty) Send(ctx context.Context, s stream.Send) (io.ReadCloser, error) {
	return try(f, "send", func() (io.ReadCloser, error) {
		r, err := f.Volume.Send(ctx, s)
		return &faultyStream{r, f}, err
	})
}

type faultyStream struct {
	io.ReadCloser
	f *Faulty
}

func (r *faultyStream) Read(p []byte) (int, error) {
	if err := r.f.Fail("read", false); err != nil {
		return 0, err
	}
	return r.ReadCloser.Read(p)
}

func (f *Faulty) Receive(ctx context.Context, in io.Reader, r stream.Receive) (stream.Snapshot, error) {
	return try(f, "receive", func() (stream.Snapshot, error) { return f.Volume.Receive(ctx, in, r) })
}

func (f *Faulty) Partial(ctx context.Context) (*stream.Partial, error) {
	return try(f, "partial", func() (*stream.Partial, error) { return f.Volume.Partial(ctx) })
}

func (f *Faulty) Abandon(ctx context.Context) error {
	return just(f, "abandon", func() error { return f.Volume.Abandon(ctx) })
}
