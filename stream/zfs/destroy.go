package zfs

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/lunarsan/lunar/stream"
)

// guard lets zfs destroy have nothing but one snapshot, bookmark or clone of this volume, or one of
// what is beside it while it is received anew, by its exact name, and no option. Every command of a
// Volume passes here.
func (v *Volume) guard(args []string) error {
	if len(args) == 0 || args[0] != "destroy" {
		return nil
	}
	refused := fmt.Errorf("%s: zfs %q is not run: it may destroy more than one snapshot, bookmark or clone of the volume", v.dataset, args)
	if len(args) != 2 {
		return refused
	}
	rest, ok := strings.CutPrefix(args[1], v.dataset)
	if !ok || rest == "" {
		return refused
	}
	if rest == newMark || rest == oldMark {
		return nil
	}
	name := rest[1:]
	if rest[0] != '@' && rest[0] != '#' {
		if name, ok = strings.CutPrefix(rest, cloneMark); !ok {
			return refused
		}
	}
	if checkShort(name) != nil {
		return refused
	}
	return nil
}

// Destroy ends a snapshot.
func (v *Volume) Destroy(ctx context.Context, name string) error {
	target, err := v.whole('@', name)
	if err != nil {
		return err
	}
	err = v.zfs(ctx, "destroy", target)
	if !errors.Is(err, stream.ErrInUse) {
		return err
	}
	// Busy is one that is held, being sent, or mounted.
	if s, askErr := v.snapshot(ctx, name); askErr == nil && len(s.Holds) > 0 {
		return fmt.Errorf("%s: %w: by %s", target, stream.ErrHeld, strings.Join(s.Holds, ", "))
	}
	return err
}
