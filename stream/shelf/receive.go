package shelf

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/lunarsan/lunar/sbd"
	"github.com/lunarsan/lunar/stream"
	"github.com/lunarsan/lunar/stream/dmu"
	"github.com/lunarsan/lunar/stream/image"
)

// An arrival is a snapshot on its way in.
type arrival struct {
	*Shelf
	link     dmu.Link // of the stream: its size and the length of its blocks are not known yet
	name     string   // of the snapshot here
	rollback bool
	anew     bool // of a full stream

	head *image.Store // the volume, locked; nil: there is none yet
	work *image.Store // the fork that the stream is applied to
	made stream.Snapshot
}

// Receive applies a stream to a fork of the snapshot that it goes on from, which has the volume's
// place when the stream was whole. Of the volume itself no byte is written.
func (s *Shelf) Receive(ctx context.Context, in io.Reader, r stream.Receive) (_ stream.Snapshot, err error) {
	if err := ctx.Err(); err != nil {
		return stream.Snapshot{}, err
	}
	a := &arrival{Shelf: s, rollback: r.Rollback}
	in, err = a.announce(in, r.Name)
	if err != nil {
		return stream.Snapshot{}, fmt.Errorf("%s: %w", s.path(), err)
	}
	a.anew = r.Anew && a.link.From == 0
	defer func() { err = errors.Join(err, a.close()) }()
	if err := a.alone(ctx, (*arrival).prepare); err != nil {
		return stream.Snapshot{}, err
	}
	o := dmu.ApplyOptions{Blank: a.work.Blank(), Every: noteEvery, Reached: a.work.Reached}
	if err := dmu.NewApplier(a.work, a.work.Chain(), a.work.Save, o).Apply(ctx, in); err != nil {
		return stream.Snapshot{}, a.named(a.name, asStream(err))
	}
	err = a.alone(ctx, (*arrival).arrive)
	return a.made, err
}

// noteEvery is how much work is done again at the most when a machine ends. When a process does, it
// is what was not written yet: see image.Store.Reached.
const noteEvery = 500 * time.Millisecond

// alone runs f with the shelf to itself.
func (a *arrival) alone(ctx context.Context, f func(*arrival, *edit) error) error {
	e, err := a.edit(ctx, true)
	if err != nil {
		return err
	}
	defer e.done()
	return a.named(a.name, f(a, e))
}

func (a *arrival) close() (err error) {
	if a.work != nil {
		err = a.work.Close()
	}
	if a.head != nil {
		err = errors.Join(err, a.head.Close())
	}
	return err
}

// announce reads what the stream is, and returns it as if that had not been read.
func (a *arrival) announce(in io.Reader, name string) (io.Reader, error) {
	var read bytes.Buffer
	rec, err := dmu.NewReader(io.TeeReader(in, &read), dmu.Options{}).Next()
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		return nil, asStream(err)
	}
	b := rec.Begin()
	if b.Kind() != dmu.Substream {
		return nil, stream.ErrPackage
	}
	a.link = dmu.Link{GUID: b.ToGUID(), From: b.FromGUID(), Name: b.ToName()}
	if a.name = name; name == "" {
		_, a.name, _ = strings.Cut(a.link.Name, "@")
	}
	return io.MultiReader(&read, in), checkName(a.name)
}

// asStream is err, which reading or applying a stream met, as one of package stream.
func asStream(err error) error {
	var damage *dmu.Error
	switch {
	case errors.As(err, &damage), errors.Is(err, io.ErrUnexpectedEOF):
		return fmt.Errorf("%w: %w", stream.ErrStream, err)
	case errors.Is(err, dmu.ErrBase), errors.Is(err, dmu.ErrReceiving), errors.Is(err, dmu.ErrNotEmpty):
		return fmt.Errorf("%w: %w", stream.ErrBase, err)
	}
	return err
}

// stays are the snapshots that the volume keeps when the stream has come, the last of which it goes
// on from; or why the stream does not do.
func (a *arrival) stays(e *edit) (list []snapshot, err error) {
	all := e.record.Snapshots
	if a.anew {
		return nil, e.free(all)
	}
	if i := e.record.findGUID(a.link.GUID); i >= 0 {
		return nil, fmt.Errorf("%w: GUID %d is %s", stream.ErrExists, a.link.GUID, all[i].Name)
	}
	switch i := e.record.findGUID(a.link.From); {
	case a.link.From == 0 && len(all) > 0:
		return nil, fmt.Errorf("%w: the stream is a full one, and %s (GUID %d) is here", stream.ErrBase, e.record.newest().Name, e.record.newest().Link.GUID)
	case a.link.From == 0:
	case i < 0 && len(all) == 0:
		return nil, fmt.Errorf("%w: the stream goes on from GUID %d, and no snapshot is here", stream.ErrBase, a.link.From)
	case i < 0:
		return nil, fmt.Errorf("%w: the stream goes on from GUID %d, and %s (GUID %d) is here", stream.ErrBase, a.link.From, e.record.newest().Name, e.record.newest().Link.GUID)
	case i < len(all)-1 && !a.rollback:
		return nil, fmt.Errorf("%w: the stream goes on from %s, and %s (GUID %d) is newer", stream.ErrBase, all[i].Name, e.record.newest().Name, e.record.newest().Link.GUID)
	default:
		list = all[:i+1]
		if err := e.free(all[i+1:]); err != nil {
			return nil, err
		}
	}
	for _, s := range list {
		if s.Name == a.name {
			return nil, fmt.Errorf("%w: its GUID is %d, and that of the stream %d", stream.ErrExists, s.Link.GUID, a.link.GUID)
		}
	}
	return list, nil
}

// prepare holds the stream against what is here, locks the volume, and opens the fork.
func (a *arrival) prepare(e *edit) error {
	list, err := a.stays(e)
	if err != nil {
		return err
	}
	if r := e.chain.Receiving; r != nil {
		return fmt.Errorf("%w: it has a part of %s, which was applied to it by its path", stream.ErrInUse, r.Name)
	}
	if a.head, err = e.head(); errors.Is(err, stream.ErrNoVolume) {
		a.head = nil
	} else if err != nil {
		return err
	}
	if a.head != nil && !a.rollback && !a.anew {
		if err := a.untouched(e, list); err != nil {
			return err
		}
	}
	return a.openFork(e, list)
}

// untouched says whether the volume still is the newest snapshot.
func (a *arrival) untouched(e *edit, list []snapshot) error {
	if len(list) == 0 {
		if a.head.Blank() {
			return nil
		}
		return fmt.Errorf("%w: there is a volume, of which no snapshot was made", stream.ErrBase)
	}
	newest := &list[len(list)-1]
	touched, err := e.medium.touched(a.head, newest)
	if err == nil && touched {
		err = fmt.Errorf("%w, %s (GUID %d)", stream.ErrChanged, newest.Name, newest.Link.GUID)
	}
	return err
}

// openFork opens the fork that has a part of the stream, or makes one.
func (a *arrival) openFork(e *edit, list []snapshot) error {
	p, err := e.part()
	if err != nil {
		return err
	}
	if p != nil && (p.GUID != a.link.GUID || p.From != a.link.From) {
		return fmt.Errorf("%w: a part of %s (GUID %d) is here, which can be gone on with, or abandoned", stream.ErrBase, p.Name, p.GUID)
	}
	path := e.medium.forkPath(forkReceiving)
	if p == nil {
		if err := e.medium.idle(forkReceiving); err != nil {
			return err
		}
		if err := e.medium.discard(forkReceiving); err != nil {
			return err
		}
		var base *snapshot
		if len(list) > 0 {
			base = &list[len(list)-1]
		}
		if path, err = e.medium.fork(base, forkReceiving); err != nil {
			return err
		}
		if base != nil {
			err = writeChain(path, dmu.Chain{Snapshots: []dmu.Link{base.Link}})
		}
		if err != nil {
			return err
		}
	}
	a.work, err = image.Open(path, image.Options{Create: true})
	if errors.Is(err, sbd.ErrInUse) {
		err = fmt.Errorf("%w: something is being received: %w", stream.ErrInUse, err)
	}
	return err
}

// arrive has the fork, which has all of the stream, take the volume's place.
func (a *arrival) arrive(e *edit) error {
	list, err := a.stays(e)
	if err != nil {
		return err
	}
	l := a.work.Chain().Head()
	if l == nil || l.GUID != a.link.GUID {
		return fmt.Errorf("%w: it ended before %s", stream.ErrStream, a.link.Name)
	}
	own := snapshot{Name: a.name, Link: *l}
	err = a.work.Close()
	a.work = nil
	if err != nil {
		return err
	}
	if !a.anew { // whose name may be that of another
		if err := e.medium.settle(forkReceiving, &own); err != nil {
			return err
		}
	}
	head := io.Closer(nothing{})
	if a.head != nil {
		head = a.head
	}
	a.head = nil
	a.made = e.entry(&own)
	if a.anew {
		return e.anew(forkReceiving, own, head)
	}
	return e.become(forkReceiving, append(list[:len(list):len(list)], own), head)
}

// nothing is a volume that is not there, to be closed.
type nothing struct{}

func (nothing) Close() error { return nil }

// part is what was received of a snapshot; nil: nothing. What has all of one, and has not taken the
// volume's place, is a part too.
func (e *edit) part() (*dmu.Receiving, error) {
	if e.medium == nil {
		return nil, nil
	}
	if forked, err := e.medium.forked(forkReceiving); !forked || err != nil {
		return nil, err
	}
	path := e.medium.forkPath(forkReceiving)
	if err := image.Recall(path); err != nil {
		return nil, err
	}
	c, err := image.ReadChain(image.ChainBeside(path))
	if err != nil {
		return nil, err
	}
	if c.Receiving != nil {
		return c.Receiving, nil
	}
	l := c.Head()
	if l == nil || l.GUID == 0 || e.record.findGUID(l.GUID) >= 0 {
		return nil, nil
	}
	r := &dmu.Receiving{Link: *l, Cursor: dmu.Cursor{Offset: l.Size, Bytes: l.Size}}
	if l.BlockSize > oldMaxBlock {
		r.Features = dmu.FeatureLargeBlocks
	}
	return r, nil
}

// oldMaxBlock is the longest block that needs no feature (bytes).
const oldMaxBlock = 128 << 10

// Partial is what was received of a snapshot that has not come whole.
func (s *Shelf) Partial(ctx context.Context) (p *stream.Partial, err error) {
	err = s.look(ctx, func(e *edit) error {
		r, err := e.part()
		if r == nil || err != nil {
			return err
		}
		token, err := r.Token().Encode()
		p = &stream.Partial{GUID: r.GUID, From: r.From, Name: r.Name, Bytes: int64(r.Bytes), Token: token}
		return err
	})
	return p, explain(err)
}

// Abandon throws that away.
func (s *Shelf) Abandon(ctx context.Context) error {
	return explain(s.look(ctx, func(e *edit) error {
		if e.medium == nil {
			return nil
		}
		if err := e.medium.idle(forkReceiving); err != nil {
			return err
		}
		return e.medium.discard(forkReceiving)
	}))
}
