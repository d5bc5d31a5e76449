package shelf

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/lunarsan/lunar/stream"
	"github.com/lunarsan/lunar/stream/dmu"
)

// A passage is a stream to be made: the states that it leads from and to.
type passage struct {
	options  dmu.GenerateOptions
	now, was state   // was nil: its bytes are not there
	changes  changes // nil: not known
}

func (p *passage) close() error {
	var err error
	if p.changes != nil {
		err = p.changes.Close()
	}
	for _, s := range []state{p.was, p.now} {
		if s != nil {
			err = errors.Join(err, s.Close())
		}
	}
	return err
}

// Send makes a stream. Its snapshots may be destroyed meanwhile.
func (s *Shelf) Send(ctx context.Context, q stream.Send) (io.ReadCloser, error) {
	p, err := s.passage(ctx, q)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	r, w := io.Pipe()
	out := &sending{PipeReader: r, cancel: cancel, done: make(chan struct{})}
	go func() {
		defer close(out.done)
		// A pipe that waits for its reader does not look at ctx.
		stop := context.AfterFunc(ctx, func() { w.CloseWithError(ctx.Err()) })
		defer stop()
		buffered := bufio.NewWriterSize(w, pipeBuffer)
		_, err := dmu.NewGenerator(p.now, p.options).Generate(ctx, buffered)
		if err == nil {
			err = buffered.Flush()
		}
		if err = errors.Join(err, p.close()); err != nil {
			err = fmt.Errorf("%s: send %s: %w", s.path(), p.options.Snapshot.Name, explain(err))
		}
		w.CloseWithError(err) // nil: io.EOF
	}()
	return out, nil
}

// pipeBuffer is how much of a stream is handed over at a time (bytes).
const pipeBuffer = 256 << 10

// A sending is a stream that is being made.
type sending struct {
	*io.PipeReader
	cancel context.CancelFunc
	done   chan struct{} // closed when nothing is open any more
}

// Close ends the work.
func (s *sending) Close() error {
	s.cancel()
	err := s.PipeReader.Close()
	<-s.done
	return err
}

// passage finds what q asks for, and opens it.
func (s *Shelf) passage(ctx context.Context, q stream.Send) (p *passage, err error) {
	err = s.look(ctx, func(e *edit) error {
		if q.Raw {
			return e.named(q.Snapshot, errors.New("nothing is encrypted here, and cannot be sent raw"))
		}
		p = new(passage)
		to, from, err := e.ends(&q, p)
		if err != nil {
			return err
		}
		if q.Compressed {
			p.options.Compress = dmu.CompressionLZ4
		}
		if err = e.open(p, to, from); err != nil {
			err = errors.Join(err, p.close())
		}
		return err
	})
	if err != nil {
		return nil, explain(err)
	}
	return p, nil
}

// ends finds the snapshot that a stream leads to, and the one or the bookmark that it goes on from;
// from is nil in a full stream.
func (e *edit) ends(q *stream.Send, p *passage) (to *snapshot, from *origin, err error) {
	if q.Token != "" {
		return e.endsOf(q, p)
	}
	if to, err = e.snapshot(q.Snapshot); err != nil || q.From == "" {
		return to, nil, err
	}
	if mark, ok := strings.CutPrefix(q.From, "#"); ok {
		b := e.record.findBookmark(mark)
		if b == nil {
			return nil, nil, fmt.Errorf("%s#%s: %w", e.path(), mark, stream.ErrNoSnapshot)
		}
		return to, e.origin(b.Link.GUID), nil
	}
	base, err := e.snapshot(q.From)
	if err != nil {
		return nil, nil, err
	}
	return to, e.origin(base.Link.GUID), nil
}

// endsOf finds them by a token.
func (e *edit) endsOf(q *stream.Send, p *passage) (*snapshot, *origin, error) {
	token, err := dmu.ParseToken(q.Token)
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w: %w", e.path(), stream.ErrToken, err)
	}
	i := e.record.findGUID(token.ToGUID)
	if i < 0 {
		return nil, nil, fmt.Errorf("%s: %w: %s (GUID %d) is not here", e.path(), stream.ErrToken, token.ToName, token.ToGUID)
	}
	p.options.Resume = token
	q.Compressed = q.Compressed || token.Compressed
	if token.FromGUID == 0 {
		return &e.record.Snapshots[i], nil, nil
	}
	from := e.origin(token.FromGUID)
	if from == nil {
		return nil, nil, fmt.Errorf("%s: %w: what it goes on from (GUID %d) is not here", e.path(), stream.ErrToken, token.FromGUID)
	}
	return &e.record.Snapshots[i], from, nil
}

// An origin is what an increment goes on from.
type origin struct {
	guid uint64
	at   *snapshot // that has its bytes; nil: there are none
	mark *bookmark // without bytes
}

// origin finds a GUID among the snapshots and the bookmarks, or is nil.
func (e *edit) origin(guid uint64) *origin {
	if i := e.record.findGUID(guid); i >= 0 {
		return &origin{guid: guid, at: &e.record.Snapshots[i]}
	}
	for i := range e.record.Bookmarks {
		if b := &e.record.Bookmarks[i]; b.Link.GUID == guid {
			return &origin{guid: guid, mark: b}
		}
	}
	return nil
}

// open opens the states of a passage.
func (e *edit) open(p *passage, to *snapshot, from *origin) (err error) {
	p.options.Snapshot = to.Link
	p.options.Snapshot.From = 0
	if p.now, err = e.openState(to); err != nil || from == nil {
		return err
	}
	p.options.Snapshot.From = from.guid
	if e.record.findGUID(from.guid) >= e.record.findGUID(to.Link.GUID) {
		return e.named(to.Name, fmt.Errorf("%w: what it should go on from is not older", stream.ErrBase))
	}
	if from.at == nil {
		p.options.BaseSize = from.mark.Link.Size
		p.changes, err = e.since(from.mark, to)
	} else {
		if p.was, err = e.openState(from.at); err != nil {
			return err
		}
		p.options.Base, p.options.BaseSize = p.was, from.at.Link.Size
		p.changes, err = e.medium.changes(to, from.at, p.now, p.was)
	}
	if p.changes != nil {
		p.options.Changes = p.changes // an interface that is nil is not one of nothing
	}
	return e.named(to.Name, err)
}

// Estimate tells about how long a stream will be, if nothing gets shorter by compression (bytes).
func (s *Shelf) Estimate(ctx context.Context, q stream.Send) (n int64, err error) {
	p, err := s.passage(ctx, q)
	if err != nil {
		return 0, err
	}
	n, err = p.estimate(ctx)
	return n, errors.Join(err, p.close())
}

// frame is what a stream has beside its blocks (bytes).
const frame = 10 * dmu.RecordSize

func (p *passage) estimate(ctx context.Context) (int64, error) {
	size, block := int64(p.options.Snapshot.Size), int64(p.options.Snapshot.BlockSize)
	var at, blocks int64
	if t := p.options.Resume; t != nil {
		at = int64(t.Offset)
	}
	for at < size && ctx.Err() == nil {
		until := size
		if p.changes != nil {
			from, n, err := p.changes.Next(at)
			if err != nil {
				return 0, err
			}
			if n <= 0 || from >= size {
				break
			}
			at, until = max(at, from), min(size, from+n)
		}
		for at < until {
			mapped, n, err := p.now.Mapped(at)
			if err != nil {
				return 0, err
			}
			n = min(n, until-at)
			if mapped {
				blocks += (at+n-1)/block - at/block + 1
			}
			at += n
		}
	}
	return frame + blocks*(block+dmu.RecordSize), ctx.Err()
}
