package zfs

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/lunarsan/lunar/stream"
)

// Hold keeps a snapshot from being destroyed.
func (v *Volume) Hold(ctx context.Context, name, tag string) error {
	err := v.tag(ctx, "hold", name, tag)
	if failed(err, "tag already exists on this dataset") {
		return nil
	}
	return err
}

// Release ends a hold.
func (v *Volume) Release(ctx context.Context, name, tag string) error {
	err := v.tag(ctx, "release", name, tag)
	if failed(err, "no such tag on this dataset") {
		return nil
	}
	return err
}

func (v *Volume) tag(ctx context.Context, verb, name, tag string) error {
	if err := checkTag(tag); err != nil {
		return fmt.Errorf("%s: %w", v.dataset, err)
	}
	target, err := v.whole('@', name)
	if err != nil {
		return err
	}
	return v.zfs(ctx, verb, tag, target)
}

// Bookmark keeps what an increment needs. A bookmark of that name and of the same snapshot will
// do.
func (v *Volume) Bookmark(ctx context.Context, snapshot, bookmark string) error {
	from, err := v.whole('@', snapshot)
	if err != nil {
		return err
	}
	to, err := v.whole('#', bookmark)
	if err != nil {
		return err
	}
	err = v.zfs(ctx, "bookmark", from, to)
	if !errors.Is(err, stream.ErrExists) {
		return err
	}
	guids, askErr := v.guids(ctx, from, to)
	if askErr != nil {
		return errors.Join(err, askErr)
	}
	if guids[from] == guids[to] {
		return nil
	}
	return err
}

// Unbookmark ends a bookmark.
func (v *Volume) Unbookmark(ctx context.Context, bookmark string) error {
	target, err := v.whole('#', bookmark)
	if err != nil {
		return err
	}
	err = v.zfs(ctx, "destroy", target)
	if errors.Is(err, stream.ErrNoSnapshot) {
		return nil
	}
	return err
}

// failed says whether zfs failed and said this.
func failed(err error, said string) bool {
	var f *Failure
	return errors.As(err, &f) && strings.Contains(f.Said, said)
}
