package control

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/lunarsan/lunar/stream"
	"github.com/lunarsan/lunar/stream/wire"
)

// What a peer may do with volumes here, beside what wire.Policy says of it.

// inside reports whether a name is one of roots or below one, or that of a unit there.
func inside(roots []string, name string) bool {
	if guid, ok := strings.CutPrefix(name, unitNames); ok {
		return guid != "" && (slices.Contains(roots, unitNames) || slices.Contains(roots, name))
	}
	return wire.Below(roots, name)
}

// mayReceive reports whether the peer may make and change the volume called name.
func (r *peerRecord) mayReceive(name string) bool { return inside(r.Roots, name) }

// mayRead reports whether the peer may take snapshots of it and read them.
func (r *peerRecord) mayRead(name string) bool { return inside(r.Sources, name) }

// restricted is a volume that the peer may do something with, with that and nothing else.
func (r *peerRecord) restricted(ctx context.Context, name string, v stream.Volume) (stream.Volume, error) {
	least, err := parseAge(r.MinAge)
	if err != nil {
		return nil, err
	}
	policy := wire.Policy{Roots: []string{name}, AppendOnly: r.AppendOnly, MinAge: least}
	return policy.Restrict(one{v}, time.Now).Volume(ctx, name)
}

// one is a host of one volume.
type one struct{ volume stream.Volume }

func (o one) Volumes(context.Context) ([]string, error)                    { return nil, nil }
func (o one) Volume(_ context.Context, name string) (stream.Volume, error) { return o.volume, nil }

// forbidden refuses what a peer may not do.
func forbidden(v stream.Volume, peer, what string) error {
	return fmt.Errorf("%w: %s: peer %s may not %s", stream.ErrForbidden, v.Name(), peer, what)
}

// A fenced volume is one that a peer receives into until it is promoted. Clones of it are for those
// who are here: a peer could fill the place with them.
type fenced struct {
	stream.Volume
	d          *Daemon
	name, peer string
}

func (v *fenced) Receive(ctx context.Context, in io.Reader, r stream.Receive) (stream.Snapshot, error) {
	if err := v.d.promoted(v.name); err != nil {
		return stream.Snapshot{}, err
	}
	return v.Volume.Receive(ctx, in, r)
}

func (v *fenced) Rollback(ctx context.Context, name string) error {
	if err := v.d.promoted(v.name); err != nil {
		return err
	}
	return v.Volume.Rollback(ctx, name)
}

func (v *fenced) Clone(context.Context, string, string) (string, error) {
	return "", forbidden(v, v.peer, "make clones here")
}

func (v *fenced) Unclone(context.Context, string) error {
	return forbidden(v, v.peer, "throw clones away here")
}

// A sourced volume is one that a peer may read, and take snapshots of.
type sourced struct {
	stream.Volume
	peer string
}

func (v *sourced) Receive(context.Context, io.Reader, stream.Receive) (stream.Snapshot, error) {
	return stream.Snapshot{}, forbidden(v, v.peer, "change it")
}

func (v *sourced) Rollback(context.Context, string) error { return forbidden(v, v.peer, "change it") }

func (v *sourced) Abandon(context.Context) error { return forbidden(v, v.peer, "change it") }

func (v *sourced) Clone(context.Context, string, string) (string, error) {
	return "", forbidden(v, v.peer, "make clones here")
}

func (v *sourced) Unclone(context.Context, string) error {
	return forbidden(v, v.peer, "throw clones away here")
}
