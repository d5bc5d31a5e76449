package control

import (
	"context"
	"errors"
	"fmt"

	"github.com/lunarsan/lunar/stream"
)

// A failover to a snapshot that was chosen, because the newer ones are no good: hosts work on clones of it,
// and the replicas stay as they are, with what is newer.

// A promoter is a volume that streams of a clone can be made of only while that is in the volume's place.
type promoter interface {
	Promote(ctx context.Context, clone string) error
	Demote(ctx context.Context, clone string) error
}

// fork makes the clone of a replica that hosts are to work on. It may be repeated: a clone whose volume is
// not in the record was seen by nobody.
func (d *Daemon) fork(ctx context.Context, r *drRecord, u *drUnit, replica stream.Volume) error {
	if u.Volume == "" {
		if err := unclone(ctx, replica, u.Clone); err != nil {
			return err
		}
		path, err := replica.Clone(ctx, r.Snapshot, u.Clone)
		if err != nil {
			return fmt.Errorf("cloning %s@%s: %w", u.Replica, r.Snapshot, err)
		}
		u.Volume = path
		r.note("cloned %s@%s", u.Replica, r.Snapshot)
		if err := d.saveDR(r, r.Phase); err != nil {
			return err
		}
	}
	if p, ok := replica.(promoter); ok {
		if err := p.Promote(ctx, u.Clone); err != nil {
			return err
		}
	}
	clone, err := d.volume(u.Volume)
	if err != nil {
		return err
	}
	_, err = clone.Snapshots(ctx) // a file finds out which snapshot it is, before anybody writes to it
	return err
}

// unfork throws the clone of a replica away. It may be repeated.
func (d *Daemon) unfork(ctx context.Context, u *drUnit) error {
	replica, err := d.volume(u.Replica)
	if err != nil {
		return err
	}
	if p, ok := replica.(promoter); ok {
		if err := p.Demote(ctx, u.Clone); err != nil && !errors.Is(err, stream.ErrNoVolume) {
			return err
		}
	}
	if err := unclone(ctx, replica, u.Clone); err != nil {
		return fmt.Errorf("throwing the clone of %s away: %w", u.Replica, err)
	}
	return nil
}
