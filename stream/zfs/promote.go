package zfs

import (
	"context"
	"fmt"
	"strings"
)

// Promote gives a clone the snapshots of the volume up to the one that it was made of: streams of it go
// on from them then, and what receives those takes it for the volume. The volume has its newer snapshots
// alone until Demote. Either may be repeated.
func (v *Volume) Promote(ctx context.Context, clone string) error {
	c, err := v.beside(clone)
	if err != nil {
		return err
	}
	return c.promoteOver(ctx, v)
}

// Demote gives the volume back what Promote has given to a clone.
func (v *Volume) Demote(ctx context.Context, clone string) error {
	c, err := v.beside(clone)
	if err != nil {
		return err
	}
	return v.promoteOver(ctx, c)
}

// promoteOver promotes v where it is a clone of the other.
func (v *Volume) promoteOver(ctx context.Context, other *Volume) error {
	origin, err := v.properties(ctx, v.dataset, "origin")
	if err != nil || !strings.HasPrefix(origin[0], other.dataset+"@") {
		return err
	}
	return v.zfs(ctx, "promote", v.dataset)
}

// bare ends the snapshots of a volume that is to go, and what holds them.
func (v *Volume) bare(ctx context.Context) error {
	own, err := v.Snapshots(ctx)
	if err != nil {
		return err
	}
	for _, s := range own {
		if s.Bookmark {
			continue // it goes with the dataset
		}
		for _, tag := range s.Holds {
			if err := v.Release(ctx, s.Name, tag); err != nil {
				return err
			}
		}
		if err := v.Destroy(ctx, s.Name); err != nil {
			return fmt.Errorf("%s, which is to go: %w", v.dataset, err)
		}
	}
	return nil
}
