package zfs

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/lunarsan/lunar/stream"
)

const (
	// cloneMark is between the volume's name and the clone's in that of the clone's dataset, which
	// is beside the volume's: volumes have none below them.
	cloneMark = "-clone-"
	// cloneProperty says, of a clone, that it was made here, and its name.
	cloneProperty = "lunar:clone"
	// endPatience is how long udev may look at a volume that is to go.
	endPatience = 5 * time.Second
)

// cloneName is the clone's name where a dataset is one of this volume, and otherwise the dataset.
func (v *Volume) cloneName(dataset string) string {
	if name, ok := strings.CutPrefix(dataset, v.dataset+cloneMark); ok && checkShort(name) == nil {
		return name
	}
	return dataset
}

// beside is the clone's dataset as a Volume.
func (v *Volume) beside(clone string) (*Volume, error) {
	if err := checkShort(clone); err != nil {
		return nil, fmt.Errorf("%s: %w", v.dataset, err)
	}
	return Open(v.dataset+cloneMark+clone, v.run)
}

// Clone makes a dataset of a snapshot.
func (v *Volume) Clone(ctx context.Context, snapshot, clone string) (path string, err error) {
	from, err := v.whole('@', snapshot)
	if err != nil {
		return "", err
	}
	c, err := v.beside(clone)
	if err != nil {
		return "", err
	}
	c.folder = v.folder
	if err := v.zfs(ctx, "clone", "-o", cloneProperty+"="+clone, from, c.dataset); err != nil {
		return "", err
	}
	waitForNode(ctx, c.Path(), c.folder, "")
	return c.Path(), nil
}

// Unclone destroys a clone's dataset, with its own snapshots.
func (v *Volume) Unclone(ctx context.Context, clone string) error {
	c, err := v.beside(clone)
	if err != nil {
		return err
	}
	c.folder = v.folder
	v.changing.Lock()
	defer v.changing.Unlock()
	made, err := c.properties(ctx, c.dataset, cloneProperty, "origin")
	if err != nil {
		return err
	}
	if made[0] != clone || !strings.HasPrefix(made[1], v.dataset+"@") {
		return fmt.Errorf("%s: it was not made of %s here (property %s is %s, origin %s): zfs destroy it by hand", c.dataset, v.dataset, cloneProperty, made[0], made[1])
	}
	leave, err := claim(ctx, c.Path())
	if err != nil {
		return fmt.Errorf("%s: %w", c.dataset, err)
	}
	leave()
	if err := c.bare(ctx); err != nil {
		return err
	}
	return v.end(ctx, c.dataset)
}

// end destroys a dataset beside the volume's, that has nothing but itself left.
func (v *Volume) end(ctx context.Context, dataset string) error {
	for end := time.Now().Add(endPatience); ; {
		err := v.zfs(ctx, "destroy", dataset)
		if !errors.Is(err, stream.ErrInUse) || time.Now().After(end) {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(100 * time.Millisecond):
		}
	}
}
