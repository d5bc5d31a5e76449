package zfs

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"

	"github.com/lunarsan/lunar/stream"
	"github.com/lunarsan/lunar/stream/dmu"
)

// Receive runs zfs receive. Where ctx ends it returns when in does.
func (v *Volume) Receive(ctx context.Context, in io.Reader, how stream.Receive) (stream.Snapshot, error) {
	leave, err := claim(ctx, v.Path())
	if err != nil {
		return stream.Snapshot{}, fmt.Errorf("%s: %w", v.dataset, err)
	}
	leave = sync.OnceFunc(leave)
	defer leave()
	if how.Anew {
		return v.receiveAnew(ctx, leave, in, how)
	}
	r := newRelay(in)
	begin, err := r.open()
	if err != nil {
		return stream.Snapshot{}, fmt.Errorf("%s: %w", v.dataset, err)
	}
	return v.receive(ctx, r, begin, how)
}

// receive receives the stream that begins with begin.
func (v *Volume) receive(ctx context.Context, r *relay, begin *dmu.Begin, how stream.Receive) (stream.Snapshot, error) {
	here, err := v.look(ctx)
	if err != nil {
		return stream.Snapshot{}, err
	}
	a := arrival{to: begin.ToGUID(), from: begin.FromGUID(), name: how.Name, resume: r.resume, rollback: how.Rollback}
	if a.name == "" {
		_, a.name, _ = strings.Cut(begin.ToName(), "@")
	}
	target, err := v.whole('@', a.name)
	if err != nil {
		return stream.Snapshot{}, err
	}
	if err := v.admit(here, &a); err != nil {
		return stream.Snapshot{}, err
	}
	if here.partial != nil && a.resume == nil {
		if err := v.zfs(ctx, "receive", "-A", v.dataset); err != nil { // it would be in the way
			return stream.Snapshot{}, err
		}
	}
	if here.old && here.exists {
		if err := v.discard(ctx, v.sibling(oldMark), remnant{}); err != nil {
			return stream.Snapshot{}, err
		}
	}
	// -u: nothing is mounted. What is there of the stream stays when it is cut (-s).
	args := []string{"receive", "-s", "-u"}
	if how.Rollback {
		args = append(args, "-F")
	}
	if err := v.pass(ctx, r, append(args, target)); err != nil {
		return stream.Snapshot{}, err
	}
	s, err := v.snapshot(ctx, a.name)
	if err == nil && s.GUID != a.to {
		err = fmt.Errorf("%s: zfs has received snapshot %#x, the stream was of %#x", target, s.GUID, a.to)
	}
	if err == nil && !here.exists && s.Size > 0 {
		waitForNode(ctx, v.Path(), v.folder, "")
	}
	return s, err
}

// pass runs zfs receive on what the relay lets through.
func (v *Volume) pass(ctx context.Context, r *relay, args []string) error {
	from, to, err := os.Pipe()
	if err != nil {
		return err
	}
	ended := make(chan error, 1)
	go func() {
		err := v.run(ctx, from, nil, args...)
		from.Close() // writing to the pipe fails from now on
		ended <- err
	}()
	_, err = r.WriteTo(to)
	to.Close()
	zfsErr := <-ended
	var gone *writeError
	if errors.As(err, &gone) { // zfs ended before the stream did, and says why
		err = nil
		if zfsErr == nil {
			zfsErr = gone
		}
	}
	switch {
	case err == nil && zfsErr == nil:
		return nil
	case ctx.Err() != nil:
		return fmt.Errorf("%s: %w", v.dataset, context.Cause(ctx))
	case err == nil:
		return v.explain(ctx, zfsErr)
	}
	// zfs was told less than a stream, and what it says of that is no news.
	return fmt.Errorf("%s: %w", v.dataset, err)
}
