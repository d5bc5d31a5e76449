package control

import (
	"context"
	"fmt"

	"github.com/lunarsan/lunar/stream"
	"github.com/lunarsan/lunar/stream/job"
	"github.com/lunarsan/lunar/stream/zfs"
)

// What the account that a daemon runs as may do with a job's volumes: permissions of ZFS, which the
// machine's administrator gives.

var _, _ job.Checker = here{}, there{}

// A delegated volume is one that accounts have permissions on.
type delegated interface {
	Check(ctx context.Context, role zfs.Role) (*zfs.Delegation, error)
}

// delegation is what the daemon's account has been allowed on a volume; nil: that is no question.
func (d *Daemon) delegation(ctx context.Context, name string, role zfs.Role) (*zfs.Delegation, error) {
	v, err := d.volume(name)
	if err != nil {
		return nil, err
	}
	z, ok := v.(delegated)
	if !ok {
		return nil, nil
	}
	return z.Check(ctx, role)
}

// endRole is what a job does with the volumes of one of its ends.
func endRole(destination bool) zfs.Role {
	if destination {
		return zfs.Destination
	}
	return zfs.Source
}

// lacks is an error where something is missing, with the way out.
func lacks(d *zfs.Delegation, err error) error {
	if err != nil || d == nil {
		return err
	}
	return d.Err()
}

// Check tells what the daemon's account is not allowed to do with a volume.
func (h here) Check(ctx context.Context, volume string, destination bool) error {
	return lacks(h.d.delegation(ctx, volume, endRole(destination)))
}

// Check has the peer look.
func (t there) Check(ctx context.Context, volume string, destination bool) error {
	var d *zfs.Delegation
	err := t.Ask(ctx, askCheck, peerCheck{volume, destination}, &d)
	return lacks(d, err)
}

// answerCheck looks for a peer at a volume that it has to do with.
func (d *Daemon) answerCheck(ctx context.Context, peer peerRecord, q peerCheck) (*zfs.Delegation, error) {
	if !peer.mayRead(q.Volume) && !peer.mayReceive(q.Volume) {
		return nil, fmt.Errorf("%w: peer %s has nothing to do with %s", stream.ErrForbidden, peer.Name, q.Volume)
	}
	return d.delegation(ctx, q.Volume, endRole(q.Destination))
}
