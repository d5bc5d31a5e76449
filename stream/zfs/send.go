package zfs

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"github.com/lunarsan/lunar/stream"
	"github.com/lunarsan/lunar/stream/dmu"
)

// Estimate is what zfs send -n says: close for full streams and increments, worse from bookmarks
// and of compressed ones.
func (v *Volume) Estimate(ctx context.Context, s stream.Send) (size int64, err error) {
	args, _, err := v.sendArgs(ctx, s)
	if err != nil {
		return 0, err
	}
	known := false
	err = lines(ctx, v.run, func(fields []string) error {
		if fields[0] != "size" || len(fields) != 2 {
			return nil
		}
		n, err := strconv.ParseUint(fields[1], 10, 64)
		if err != nil {
			return fmt.Errorf("%s: zfs send -n says that the size is %q", v.dataset, fields[1])
		}
		size, known = int64(min(n, absurd)%absurd), true
		return nil
	}, append([]string{"send", "-n", "-P"}, args[1:]...)...)
	if err == nil && !known {
		err = fmt.Errorf("%s: zfs send -n says no size", v.dataset)
	}
	return size, v.explain(ctx, err)
}

// absurd is the least of the lengths that zfs comes to when it calculates below zero (bytes);
// nothing is known then, and 0 is said.
const absurd = 1 << 60

// Send runs zfs send.
func (v *Volume) Send(ctx context.Context, s stream.Send) (io.ReadCloser, error) {
	args, guid, err := v.sendArgs(ctx, s)
	if err != nil {
		return nil, err
	}
	from, to, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	out := &outgoing{from: from, cancel: cancel, ended: make(chan struct{})}
	go func() {
		defer close(out.ended)
		out.err = v.explain(ctx, v.run(ctx, nil, to, args...))
		to.Close()
	}()
	out.relay = newRelay(out.pipe())
	begin, err := out.relay.open()
	if err == nil && begin.ToGUID() != guid {
		err = fmt.Errorf("%s: zfs sends snapshot %#x, not %#x: another one has the name now", v.dataset, begin.ToGUID(), guid)
	}
	if err != nil {
		out.Close()
		return nil, err
	}
	return out, nil
}

// sendArgs is the command that sends s, and the GUID of the snapshot that it sends.
func (v *Volume) sendArgs(ctx context.Context, s stream.Send) (args []string, guid uint64, err error) {
	if s.Token != "" {
		return v.resumeArgs(ctx, s.Token)
	}
	target, err := v.whole('@', s.Snapshot)
	if err != nil {
		return nil, 0, err
	}
	args = []string{"send"}
	for _, f := range []struct {
		on   bool
		flag string
	}{{s.Large, "-L"}, {s.Embedded, "-e"}, {s.Compressed, "-c"}, {s.Raw, "-w"}} {
		if f.on {
			args = append(args, f.flag)
		}
	}
	names := []string{target}
	if s.From != "" {
		kind, name := byte('@'), s.From
		if mark, ok := strings.CutPrefix(name, "#"); ok {
			kind, name = '#', mark
		}
		from, err := v.whole(kind, name)
		if err != nil {
			return nil, 0, err
		}
		args = append(args, "-i", from)
		names = append(names, from)
	}
	guids, err := v.guids(ctx, names...)
	if err != nil {
		return nil, 0, err
	}
	return append(args, target), guids[target], nil
}

// guids are those of snapshots and bookmarks, by their whole names. All of them have to be there.
func (v *Volume) guids(ctx context.Context, names ...string) (map[string]uint64, error) {
	guids := make(map[string]uint64, len(names))
	err := lines(ctx, v.run, func(fields []string) error {
		if len(fields) != 2 {
			return fmt.Errorf("%s: zfs list says %q, not a name and a GUID", v.dataset, fields)
		}
		guid, err := strconv.ParseUint(fields[1], 10, 64)
		guids[fields[0]] = guid
		return err
	}, append([]string{"list", "-Hp", "-t", "snapshot,bookmark", "-o", "name,guid"}, names...)...)
	return guids, v.explain(ctx, err)
}

// resumeArgs goes on with a stream that was cut. zfs looks for the snapshot where the token says,
// whatever dataset that is: so the token is made anew, with this one's name for what it has.
func (v *Volume) resumeArgs(ctx context.Context, text string) (args []string, guid uint64, err error) {
	token, err := dmu.ParseToken(text)
	if err != nil {
		return nil, 0, fmt.Errorf("%s: %w: %w", v.dataset, stream.ErrToken, err)
	}
	if token.Other != nil {
		return nil, 0, fmt.Errorf("%s: %w: it is one of a redacted stream", v.dataset, stream.ErrToken)
	}
	all, _, err := v.list(ctx, "-s", "createtxg", "-d", "1", v.dataset)
	if err != nil {
		return nil, 0, err
	}
	based := token.FromGUID == 0
	token.ToName = ""
	for _, s := range all {
		if s.GUID == token.ToGUID && !s.Bookmark {
			token.ToName = v.dataset + "@" + s.Name
		}
		based = based || s.GUID == token.FromGUID
	}
	if token.ToName == "" {
		return nil, 0, fmt.Errorf("%s: %w: snapshot %#x is not here", v.dataset, stream.ErrToken, token.ToGUID)
	}
	if !based {
		return nil, 0, fmt.Errorf("%s: %w: snapshot %#x, which it goes on from, is not here", v.dataset, stream.ErrToken, token.FromGUID)
	}
	if text, err = token.Encode(); err != nil {
		return nil, 0, fmt.Errorf("%s: %w: %w", v.dataset, stream.ErrToken, err)
	}
	return []string{"send", "-t", text}, token.ToGUID, nil
}

// outgoing is a stream that zfs send makes.
type outgoing struct {
	*relay
	from   *os.File
	cancel context.CancelFunc
	ended  chan struct{}
	err    error // of zfs, when it has ended
}

// pipe is what zfs prints. Its end is an error where zfs failed, which tells more than how the
// stream broke off.
func (o *outgoing) pipe() io.Reader {
	return readFunc(func(p []byte) (int, error) {
		n, err := o.from.Read(p)
		if errors.Is(err, io.EOF) {
			if <-o.ended; o.err != nil {
				return n, o.err
			}
		}
		return n, err
	})
}

// Close ends zfs where it has not ended yet.
func (o *outgoing) Close() error {
	o.cancel()
	err := o.from.Close()
	<-o.ended
	return err
}

type readFunc func([]byte) (int, error)

func (f readFunc) Read(p []byte) (int, error) { return f(p) }
