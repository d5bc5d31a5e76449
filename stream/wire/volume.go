package wire

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/lunarsan/lunar/stream"
)

// A Volume is one of the other side's. Its calls do there what they do on any stream.Volume;
// their errors are a RemoteError where that side has failed, and ErrLink where the link has: what
// a call has done until then nobody knows.
type Volume struct {
	l    *Link
	name string
}

var _ stream.Digester = (*Volume)(nil)

// Volume is the volume that the other side knows by that name.
func (l *Link) Volume(name string) *Volume { return &Volume{l, name} }

// Volumes lists the volumes that the other side lets us see.
func (l *Link) Volumes(ctx context.Context) (names []string, err error) {
	s, err := l.session(ctx)
	if err == nil {
		err = s.ask(ctx, request{Method: "volumes"}, &names)
	}
	return names, err
}

// Name is the other side's name, and the volume's there.
func (v *Volume) Name() string { return v.l.o.Name + ":" + v.name }

// Path is "": nothing here opens a volume of the other side.
func (v *Volume) Path() string { return "" }

// do calls a method.
func (v *Volume) do(ctx context.Context, result any, r request) error {
	s, err := v.l.session(ctx)
	if err != nil {
		return err
	}
	r.Volume = v.name
	return s.ask(ctx, r, result)
}

// begins begins a call that has a stream.
func (v *Volume) begins(ctx context.Context, r request, flags uint8) (*exchange, error) {
	s, err := v.l.session(ctx)
	if err != nil {
		return nil, err
	}
	r.Volume = v.name
	return s.begins(ctx, r, flags)
}

// Snapshots lists the snapshots there.
func (v *Volume) Snapshots(ctx context.Context) (list []stream.Snapshot, err error) {
	err = v.do(ctx, &list, request{Method: "snapshots"})
	return list, err
}

// Take makes a snapshot there.
func (v *Volume) Take(ctx context.Context, name string) (s stream.Snapshot, err error) {
	err = v.do(ctx, &s, request{Method: "take", Snapshot: name})
	return s, err
}

// Destroy ends a snapshot there.
func (v *Volume) Destroy(ctx context.Context, name string) error {
	return v.do(ctx, nil, request{Method: "destroy", Snapshot: name})
}

// Hold keeps a snapshot there.
func (v *Volume) Hold(ctx context.Context, name, tag string) error {
	return v.do(ctx, nil, request{Method: "hold", Snapshot: name, Name: tag})
}

// Release is the reverse of Hold.
func (v *Volume) Release(ctx context.Context, name, tag string) error {
	return v.do(ctx, nil, request{Method: "release", Snapshot: name, Name: tag})
}

// Bookmark keeps of a snapshot there what an increment needs.
func (v *Volume) Bookmark(ctx context.Context, snapshot, bookmark string) error {
	return v.do(ctx, nil, request{Method: "bookmark", Snapshot: snapshot, Name: bookmark})
}

// Unbookmark is the reverse of Bookmark.
func (v *Volume) Unbookmark(ctx context.Context, bookmark string) error {
	return v.do(ctx, nil, request{Method: "unbookmark", Name: bookmark})
}

// Rollback makes the volume there what it was.
func (v *Volume) Rollback(ctx context.Context, name string) error {
	return v.do(ctx, nil, request{Method: "rollback", Snapshot: name})
}

// Clone makes a clone there; the path is one there.
func (v *Volume) Clone(ctx context.Context, snapshot, clone string) (path string, err error) {
	err = v.do(ctx, &path, request{Method: "clone", Snapshot: snapshot, Name: clone})
	return path, err
}

// Unclone throws a clone away there.
func (v *Volume) Unclone(ctx context.Context, clone string) error {
	return v.do(ctx, nil, request{Method: "unclone", Name: clone})
}

// Estimate tells how long a stream from there will be.
func (v *Volume) Estimate(ctx context.Context, s stream.Send) (n int64, err error) {
	err = v.do(ctx, &n, request{Method: "estimate", Send: &s})
	return n, err
}

// Partial is what a Receive has left there.
func (v *Volume) Partial(ctx context.Context) (p *stream.Partial, err error) {
	err = v.do(ctx, &p, request{Method: "partial"})
	return p, err
}

// Abandon throws it away.
func (v *Volume) Abandon(ctx context.Context) error {
	return v.do(ctx, nil, request{Method: "abandon"})
}

// Digest calculates what a snapshot there has.
func (v *Volume) Digest(ctx context.Context, snapshot string) (d *stream.Digest, err error) {
	err = v.do(ctx, &d, request{Method: "digest", Snapshot: snapshot})
	if err == nil && d == nil {
		err = fmt.Errorf("%w: no digest", errFrame)
	}
	return d, err
}

// Send makes a stream there, which is read here. Cuts of the link are not seen in it, as long as
// the link's patience lasts.
func (v *Volume) Send(ctx context.Context, send stream.Send) (io.ReadCloser, error) {
	x, err := v.begins(ctx, request{Method: "send", Send: &send}, flagLast)
	if err != nil {
		return nil, err
	}
	if err := x.answer(ctx, nil); err != nil {
		return nil, err
	}
	d := x.drain(ctx)
	d.ended = x.settle
	return d, nil
}

// Receive sends a stream there, and waits until it was taken. in is read once, whatever becomes
// of the link meanwhile. After an error a Read of in may still be under way.
func (v *Volume) Receive(ctx context.Context, in io.Reader, r stream.Receive) (s stream.Snapshot, err error) {
	x, err := v.begins(ctx, request{Method: "receive", Receive: &r}, 0)
	if err != nil {
		return s, err
	}
	pumping, stop := context.WithCancel(ctx)
	defer stop()
	pumped := make(chan error, 1)
	go func() {
		err := x.pump(pumping, in)
		if errors.Is(err, errSource) {
			// The other side gives up what it has, in the order of things: a resumable
			// receiver keeps what came before.
			_ = x.sendEnd(trailer{Failed: failureOf(fmt.Errorf("the sender could not go on: %w", err))})
		}
		pumped <- err
	}()
	err = x.answer(ctx, &s)
	stop()
	if broken := <-pumped; errors.Is(broken, errSource) {
		return s, broken // and that is why the other side complains
	}
	return s, err
}
