package zfs

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/lunarsan/lunar/stream"
)

// A volume that is received anew is one beside the volume until it is whole. Then the volume is
// renamed, the new one gets its name, and what was the volume is destroyed.
const (
	newMark = "-lunar-new"
	oldMark = "-lunar-old"
)

// sibling is the dataset beside the volume as one.
func (v *Volume) sibling(mark string) *Volume {
	return &Volume{dataset: v.dataset + mark, run: v.run, folder: v.folder}
}

// receiveAnew receives a full stream beside the volume, where there is one, and has it take its
// place. Nothing at all on in is enough where a snapshot is whole. leave lets go of the volume.
func (v *Volume) receiveAnew(ctx context.Context, leave func(), in io.Reader, how stream.Receive) (stream.Snapshot, error) {
	there, err := v.left(ctx)
	if err != nil {
		return stream.Snapshot{}, err
	}
	fresh, peeked := v.sibling(newMark), bufio.NewReader(in)
	begun, isBegun := there[fresh.dataset]
	if _, err := peeked.Peek(1); errors.Is(err, io.EOF) && isBegun && begun.whole() {
		return v.succeed(ctx, leave)
	}
	r := newRelay(peeked)
	begin, err := r.open()
	if err != nil {
		return stream.Snapshot{}, fmt.Errorf("%s: %w", v.dataset, err)
	}
	was, exists := there[v.dataset]
	if begin.FromGUID() != 0 || !isBegun && !(exists && was.whole()) {
		return v.receive(ctx, r, begin, how)
	}
	if _, err := v.mayGo(ctx); err != nil {
		return stream.Snapshot{}, err
	}
	if isBegun && begun.token == "" { // it would be in the way
		if err := v.discard(ctx, fresh, begun); err != nil {
			return stream.Snapshot{}, err
		}
	}
	if _, err := fresh.receive(ctx, r, begin, stream.Receive{Name: how.Name}); err != nil {
		return stream.Snapshot{}, err
	}
	return v.succeed(ctx, leave)
}

// mayGo says whether all snapshots can be destroyed, and whether there is a volume.
func (v *Volume) mayGo(ctx context.Context) (exists bool, err error) {
	all, err := v.Snapshots(ctx)
	if errors.Is(err, stream.ErrNoVolume) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	return true, v.free(all)
}

// succeed has the volume that was received beside this one, and is whole, take its place. A step
// that was done is not done again.
func (v *Volume) succeed(ctx context.Context, leave func()) (stream.Snapshot, error) {
	exists, err := v.mayGo(ctx)
	if err != nil {
		return stream.Snapshot{}, err
	}
	there, err := v.left(ctx)
	if err != nil {
		return stream.Snapshot{}, err
	}
	fresh, old := v.sibling(newMark), v.sibling(oldMark)
	is, renamed := there[old.dataset]
	leave() // of an open volume the node keeps its name
	node, _ := os.Readlink(v.Path())
	if exists {
		if renamed { // at another time
			if err := v.discard(ctx, old, is); err != nil {
				return stream.Snapshot{}, err
			}
		}
		if err := v.zfs(ctx, "rename", v.dataset, old.dataset); err != nil {
			return stream.Snapshot{}, err
		}
	}
	if err := v.zfs(ctx, "rename", fresh.dataset, v.dataset); err != nil {
		return stream.Snapshot{}, err
	}
	if exists || renamed {
		if err := v.discard(ctx, old, remnant{}); err != nil {
			return stream.Snapshot{}, err
		}
	}
	all, err := v.Snapshots(ctx)
	if err != nil {
		return stream.Snapshot{}, err
	}
	if len(all) == 0 {
		return stream.Snapshot{}, fmt.Errorf("%s: %w: what was received has none", v.dataset, stream.ErrNoSnapshot)
	}
	s := all[len(all)-1]
	if s.Size > 0 {
		waitForNode(ctx, v.Path(), v.folder, node)
	}
	return s, nil
}

// discard destroys a sibling with all that it has, or what has come of it.
func (v *Volume) discard(ctx context.Context, sibling *Volume, is remnant) error {
	if is.token != "" {
		return v.zfs(ctx, "receive", "-A", sibling.dataset)
	}
	if err := sibling.bare(ctx); err != nil && !errors.Is(err, stream.ErrNoVolume) {
		return err
	}
	return v.end(ctx, sibling.dataset)
}

// restore gives up what was received beside the volume, and gives the volume its name back.
func (v *Volume) restore(ctx context.Context, there map[string]remnant) error {
	fresh, old := v.sibling(newMark), v.sibling(oldMark)
	if is, ok := there[fresh.dataset]; ok {
		if err := v.discard(ctx, fresh, is); err != nil {
			return err
		}
	}
	_, exists := there[v.dataset]
	if _, renamed := there[old.dataset]; exists || !renamed {
		return nil
	}
	return v.zfs(ctx, "rename", old.dataset, v.dataset)
}
