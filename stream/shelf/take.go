package shelf

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"math/bits"
	"os"
	"time"

	"github.com/lunarsan/lunar/sbd"
	"github.com/lunarsan/lunar/sbd/layer"
	"github.com/lunarsan/lunar/stream"
	"github.com/lunarsan/lunar/stream/dmu"
)

// Take makes a snapshot of a file that nobody has open for writing. Of one that is in use, who has
// it open does: see Begin.
func (s *Shelf) Take(ctx context.Context, name string) (_ stream.Snapshot, err error) {
	t, err := s.Begin(ctx, name)
	if err != nil {
		return stream.Snapshot{}, err
	}
	defer t.End()
	if err := t.unshared(); err != nil {
		return stream.Snapshot{}, s.named(name, err)
	}
	head, err := t.head()
	if err != nil {
		return stream.Snapshot{}, s.named(name, err)
	}
	defer func() { err = errors.Join(err, head.Close()) }()
	if head.Store, err = t.Freeze(head.Store, sbd.OpenOptions{}); err != nil {
		return stream.Snapshot{}, err
	}
	t.untouched = true
	return t.Keep()
}

// A Taking is a snapshot on its way: Begin, Freeze, Keep, and in any case End. Several of them are
// of one instant if nobody writes to any of the volumes from before the first Freeze until after
// the last.
type Taking struct {
	*edit
	made      snapshot
	frozen    bool
	written   time.Time // the file counted as, when it was frozen
	untouched bool      // nobody can have written to it since
}

// Begin begins to make a snapshot of the volume, which somebody may be writing to. Until End nobody
// else changes the shelf.
func (s *Shelf) Begin(ctx context.Context, name string) (*Taking, error) {
	if err := checkName(name); err != nil {
		return nil, err
	}
	if err := errors.Join(s.there(), s.whole()); err != nil {
		return nil, err
	}
	e, err := s.edit(ctx, true)
	if err != nil {
		return nil, err
	}
	t := &Taking{edit: e, made: snapshot{Name: name}}
	switch r := e.chain.Receiving; {
	case e.record.find(name) != nil:
		err = e.named(name, stream.ErrExists)
	case r != nil:
		err = e.named(name, fmt.Errorf("it has a part of %s: apply that to its end first: %w", r.Name, stream.ErrInUse))
	default:
		err = explain(flush(e.path())) // so that there is less to do when nobody may write
	}
	if err != nil {
		t.End()
		return nil, err
	}
	return t, nil
}

// sector is what a volume has a whole number of (bytes): streams have no shorter blocks.
const sector = 512

// whole refuses a file that no stream could be made of.
func (s *Shelf) whole() error {
	info, err := os.Stat(s.path())
	if err != nil || info.Size()%sector == 0 {
		return nil // what is not there, there has told
	}
	return fmt.Errorf("%s has %d bytes, which are not whole sectors of %d: make it longer first, with truncate -s %%%d %s",
		s.path(), info.Size(), sector, sector, s.path())
}

// unshared is ErrLayers of a shared file that would be the first layer. One that has layers knows
// nobody else any more.
func (e *edit) unshared() error {
	if _, ok := e.medium.(*layers); !ok || !e.shared {
		return nil
	}
	if there, err := layer.Layered(e.path()); there || err != nil {
		return err
	}
	return ErrLayers
}

// flush makes durable what was written to a file.
func flush(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// Freeze makes the volume's bytes those of the snapshot. store is the volume, open for writing with
// o, and nobody writes to it until Freeze returns what its owner is to use from then on: store, or
// one that has taken it over, and closes it. After an error it is store.
func (t *Taking) Freeze(store sbd.Store, o sbd.OpenOptions) (sbd.Store, error) {
	t.made.Link = t.link(store.Size())
	after, err := t.medium.freeze(&t.made, store, o)
	if err != nil {
		return store, t.named(t.made.Name, err)
	}
	t.frozen = true
	if t.written, err = layer.Written(t.path()); err != nil {
		t.frozen = false
	}
	return after, t.named(t.made.Name, err)
}

// ErrNotFrozen is what Keep says of a snapshot that has no bytes.
var ErrNotFrozen = errors.New("the snapshot was not frozen")

// Keep makes the snapshot, which was frozen, durable.
func (t *Taking) Keep() (stream.Snapshot, error) {
	own := &t.made
	if !t.frozen {
		return stream.Snapshot{}, t.named(own.Name, ErrNotFrozen)
	}
	if err := t.medium.keep(own); err != nil {
		return stream.Snapshot{}, t.named(own.Name, err)
	}
	t.record.Snapshots = append(t.record.Snapshots, *own)
	err := t.save()
	if err == nil {
		err = t.newer(own.Link, t.written, t.untouched)
	}
	return t.entry(own), t.named(own.Name, err)
}

// End gives up what was not kept, and lets others change the shelf.
func (t *Taking) End() { t.done() }

// usualBlockSize is the length of a volume's blocks where nobody says one (bytes): that of
// OpenZFS.
const usualBlockSize = 16 << 10

// link is the new snapshot's.
func (t *Taking) link(size int64) dmu.Link {
	l := dmu.Link{
		GUID: t.unknownGUID(), Name: t.dataset() + "@" + t.made.Name,
		Created: t.now().UTC().Truncate(time.Second), Size: uint64(size),
	}
	before := t.chain.Head()
	if newest := t.record.newest(); before == nil && newest != nil {
		before = &newest.Link
	}
	if before != nil {
		l.From, l.BlockSize = before.GUID, before.BlockSize
	}
	if l.BlockSize == 0 {
		l.BlockSize = uint32(min(usualBlockSize, uint64(1)<<bits.TrailingZeros64(l.Size|1<<62)))
	}
	return l
}

// unknownGUID is a GUID that nobody has.
func (e *edit) unknownGUID() uint64 {
	for {
		var p [8]byte
		_, _ = rand.Read(p[:]) // which does not fail
		guid := binary.LittleEndian.Uint64(p[:])
		if guid != 0 && e.chain.Find(guid) == nil && e.record.findGUID(guid) < 0 {
			return guid
		}
	}
}

// notThere says whether err is that of a file that is not there.
func notThere(err error) bool { return errors.Is(err, fs.ErrNotExist) }
