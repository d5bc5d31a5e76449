package wire

import (
	"context"
	"encoding/json"
	"fmt"
	"io"

	"github.com/lunarsan/lunar/stream"
)

// A Host has the volumes that a client may ask for. What it may do with them is the host's to
// say, with stream.ErrForbidden: see Policy.
type Host interface {
	// Volumes lists the names of those that are there.
	Volumes(ctx context.Context) ([]string, error)
	// Volume finds one by its name; it need not be there yet. It is called once for each
	// call of a client: what has to be one thing for several the host keeps.
	Volume(ctx context.Context, name string) (stream.Volume, error)
}

// done is the answer that has nothing in it.
var done = struct{}{}

// methods are what clients may call, but for those that have a stream: send and receive.
var methods = map[string]func(context.Context, stream.Volume, *request) (any, error){
	"snapshots": func(ctx context.Context, v stream.Volume, _ *request) (any, error) { return v.Snapshots(ctx) },
	"take":      func(ctx context.Context, v stream.Volume, r *request) (any, error) { return v.Take(ctx, r.Snapshot) },
	"destroy": func(ctx context.Context, v stream.Volume, r *request) (any, error) {
		return done, v.Destroy(ctx, r.Snapshot)
	},
	"hold": func(ctx context.Context, v stream.Volume, r *request) (any, error) {
		return done, v.Hold(ctx, r.Snapshot, r.Name)
	},
	"release": func(ctx context.Context, v stream.Volume, r *request) (any, error) {
		return done, v.Release(ctx, r.Snapshot, r.Name)
	},
	"bookmark": func(ctx context.Context, v stream.Volume, r *request) (any, error) {
		return done, v.Bookmark(ctx, r.Snapshot, r.Name)
	},
	"unbookmark": func(ctx context.Context, v stream.Volume, r *request) (any, error) {
		return done, v.Unbookmark(ctx, r.Name)
	},
	"rollback": func(ctx context.Context, v stream.Volume, r *request) (any, error) {
		return done, v.Rollback(ctx, r.Snapshot)
	},
	"clone": func(ctx context.Context, v stream.Volume, r *request) (any, error) {
		return v.Clone(ctx, r.Snapshot, r.Name)
	},
	"unclone": func(ctx context.Context, v stream.Volume, r *request) (any, error) {
		return done, v.Unclone(ctx, r.Name)
	},
	"estimate": func(ctx context.Context, v stream.Volume, r *request) (any, error) {
		if r.Send == nil {
			return nil, fmt.Errorf("%w: an estimate of nothing", errFrame)
		}
		return v.Estimate(ctx, *r.Send)
	},
	"digest": func(ctx context.Context, v stream.Volume, r *request) (any, error) {
		return stream.DigestOf(ctx, v, r.Snapshot, nil)
	},
	"partial": func(ctx context.Context, v stream.Volume, _ *request) (any, error) { return v.Partial(ctx) },
	"abandon": func(ctx context.Context, v stream.Volume, _ *request) (any, error) { return done, v.Abandon(ctx) },
}

// settled are those of the methods that are about what was received. A receive of the same client,
// which was killed, has to end before: until then it is not known how far it came.
var settled = map[string]bool{"partial": true, "abandon": true}

// serve answers a call of a client.
func (x *exchange) serve(host Host) error {
	p, err := x.parts(x.ctx, frameCall, maxMessage)
	if err != nil {
		return err
	}
	var r request
	if err := json.Unmarshal(p, &r); err != nil {
		return x.reply(nil, fmt.Errorf("%w: a request: %w", errFrame, err), flagLast)
	}
	if r.Method == "volumes" {
		names, err := host.Volumes(x.ctx)
		return x.reply(names, err, flagLast)
	}
	if r.Method == "ask" {
		a, err := answerAsk(x.ctx, host, &r)
		return x.reply(a, err, flagLast)
	}
	v, err := host.Volume(x.ctx, r.Volume)
	if err != nil {
		return x.reply(nil, err, flagLast)
	}
	do := methods[r.Method]
	switch {
	case r.Method == "send" && r.Send != nil:
		return x.serveSend(v, *r.Send)
	case r.Method == "receive" && r.Receive != nil:
		return x.serveReceive(v, &r)
	case do == nil:
		return x.reply(nil, fmt.Errorf("%w: the call %q", errUnknown, r.Method), flagLast)
	}
	end := func() {}
	if settled[r.Method] {
		if end, err = x.s.receives(x.ctx, r.Volume); err != nil {
			return x.reply(nil, err, flagLast)
		}
	}
	result, err := do(x.ctx, v, &r)
	end() // before the client hears of it, and receives
	return x.reply(result, err, flagLast)
}

func (x *exchange) serveSend(v stream.Volume, s stream.Send) (err error) {
	in, err := v.Send(x.ctx, s)
	if err != nil {
		return x.reply(nil, err, flagLast)
	}
	defer func() { _ = in.Close() }() // the trailer says whether all went
	if err := x.reply(done, nil, 0); err != nil {
		return err
	}
	if err = x.pump(x.ctx, in); err == nil {
		return nil
	}
	return x.sendEnd(trailer{Failed: failureOf(err)})
}

func (x *exchange) serveReceive(v stream.Volume, r *request) error {
	end, err := x.s.receives(x.ctx, r.Volume)
	if err != nil {
		return x.reply(nil, err, flagLast)
	}
	d := x.drain(x.ctx)
	snapshot, err := v.Receive(x.ctx, d, *r.Receive)
	if err == nil {
		// What takes a stream may stop where its records end; ours ends where all of it came.
		if _, end := io.Copy(io.Discard, d); end != nil {
			err = end
		}
	}
	_ = d.Close() // it was only read
	end()         // before the client hears of it, and sends the next
	return x.reply(snapshot, err, flagLast)
}
