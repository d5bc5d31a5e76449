package zfs

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/lunarsan/lunar/stream"
)

// Take makes a snapshot.
func (v *Volume) Take(ctx context.Context, name string) (stream.Snapshot, error) {
	all, err := Take(ctx, name, v)
	if err != nil {
		return stream.Snapshot{}, err
	}
	return all[0], nil
}

// Take makes a snapshot of each volume, all under one name. Those of one pool are made at one
// instant; pools come one after the other, and whoever wants several of them to agree holds the
// writes meanwhile. Either all are made or none.
func Take(ctx context.Context, name string, volumes ...*Volume) (all []stream.Snapshot, err error) {
	var made []*Volume
	defer func() {
		if err == nil {
			return
		}
		undo := context.WithoutCancel(ctx)
		for _, v := range made {
			err = errors.Join(err, v.Destroy(undo, name))
		}
		all = nil
	}()
	for _, pool := range pools(volumes) {
		args := []string{"snapshot"}
		for _, v := range pool {
			target, err := v.whole('@', name)
			if err != nil {
				return nil, err
			}
			if err := settle(v.Path()); err != nil {
				return nil, fmt.Errorf("%s: %w", v.dataset, err)
			}
			args = append(args, target)
		}
		if err := pool[0].zfs(ctx, args...); errors.Is(err, stream.ErrNoSnapshot) {
			return nil, fmt.Errorf("%w: %w", stream.ErrNoVolume, err) // one of several
		} else if err != nil {
			return nil, err
		}
		made = append(made, pool...)
	}
	for _, v := range volumes {
		s, err := v.snapshot(ctx, name)
		if err != nil {
			return nil, err
		}
		all = append(all, s)
	}
	return all, nil
}

// pools sorts volumes by their pools, in the order in which those come first.
func pools(volumes []*Volume) (all [][]*Volume) {
	place := map[string]int{}
	for _, v := range volumes {
		pool, _, _ := strings.Cut(v.dataset, "/")
		i, ok := place[pool]
		if !ok {
			i = len(all)
			place[pool] = i
			all = append(all, nil)
		}
		all[i] = append(all[i], v)
	}
	return all
}

// settle has the kernel write what it still has of a volume in its page cache: ZFS does not know
// of that. An account that may not open the node has written nothing that would wait there.
func settle(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return nil
	}
	defer f.Close()
	if err := f.Sync(); err != nil {
		return fmt.Errorf("sync: %w", err)
	}
	return nil
}
