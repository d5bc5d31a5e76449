package zfs

import (
	"context"
	"fmt"
	"strings"

	"github.com/lunarsan/lunar/stream"
)

// Rollback makes the volume what it was at a snapshot. ZFS destroys the newer bookmarks too.
func (v *Volume) Rollback(ctx context.Context, name string) error {
	target, err := v.whole('@', name)
	if err != nil {
		return err
	}
	v.changing.Lock()
	defer v.changing.Unlock()
	leave, err := claim(ctx, v.Path())
	if err != nil {
		return fmt.Errorf("%s: %w", v.dataset, err)
	}
	defer leave()
	all, err := v.Snapshots(ctx)
	if err != nil {
		return err
	}
	if err := v.newerMayGo(all, func(s *stream.Snapshot) bool { return s.Name == name }); err != nil {
		return err
	}
	return v.zfs(ctx, "rollback", "-r", target)
}

// newerMayGo says whether the snapshots that are newer than one can be destroyed: held and cloned
// ones cannot, and zfs would find out when others are gone.
func (v *Volume) newerMayGo(all []stream.Snapshot, is func(*stream.Snapshot) bool) error {
	for i := range all {
		if s := &all[i]; !s.Bookmark && is(s) {
			return v.free(all[i+1:])
		}
	}
	return fmt.Errorf("%s: %w", v.dataset, stream.ErrNoSnapshot)
}

// free says whether snapshots can be destroyed.
func (v *Volume) free(all []stream.Snapshot) error {
	for i := range all {
		switch s := &all[i]; {
		case s.Bookmark:
		case len(s.Holds) > 0:
			return fmt.Errorf("%s@%s, which would go: %w: by %s", v.dataset, s.Name, stream.ErrHeld, strings.Join(s.Holds, ", "))
		case len(s.Clones) > 0:
			return fmt.Errorf("%s@%s, which would go: %w: %s", v.dataset, s.Name, stream.ErrCloned, strings.Join(s.Clones, ", "))
		}
	}
	return nil
}
