package zfs

import (
	"context"
	"errors"
	"testing"

	"github.com/lunarsan/lunar/stream"
)

func TestKeep(t *testing.T) {
	const guids = "list -Hp -t snapshot,bookmark -o name,guid tank/v@a tank/v#m"
	for _, test := range []struct {
		what  string
		do    func(*Volume, context.Context) error
		want  error
		calls []call
	}{
		{"hold", func(v *Volume, ctx context.Context) error { return v.Hold(ctx, "a", "lunar:j") }, nil,
			[]call{{args: "hold lunar:j tank/v@a"}}},
		{"hold twice", func(v *Volume, ctx context.Context) error { return v.Hold(ctx, "a", "t") }, nil,
			[]call{{args: "hold t tank/v@a", fails: "cannot hold snapshot 'tank/v@a': tag already exists on this dataset"}}},
		{"hold what is not there", func(v *Volume, ctx context.Context) error { return v.Hold(ctx, "a", "t") }, stream.ErrNoSnapshot,
			[]call{{args: "hold t tank/v@a", fails: "cannot hold snapshot 'tank/v@a': dataset does not exist"}, {args: "list -H -o name tank/v"}}},
		{"release", func(v *Volume, ctx context.Context) error { return v.Release(ctx, "a", "t") }, nil,
			[]call{{args: "release t tank/v@a"}}},
		{"release twice", func(v *Volume, ctx context.Context) error { return v.Release(ctx, "a", "t") }, nil,
			[]call{{args: "release t tank/v@a", fails: "cannot release hold from snapshot 'tank/v@a': no such tag on this dataset"}}},
		{"release forbidden", func(v *Volume, ctx context.Context) error { return v.Release(ctx, "a", "t") }, stream.ErrForbidden,
			[]call{{args: "release t tank/v@a", fails: "cannot release: permission denied"}}},
		{"no tag", func(v *Volume, ctx context.Context) error { return v.Hold(ctx, "a", "-r") }, errName, nil},
		{"bookmark", func(v *Volume, ctx context.Context) error { return v.Bookmark(ctx, "a", "m") }, nil,
			[]call{{args: "bookmark tank/v@a tank/v#m"}}},
		{"bookmark twice", func(v *Volume, ctx context.Context) error { return v.Bookmark(ctx, "a", "m") }, nil,
			[]call{{args: "bookmark tank/v@a tank/v#m", fails: "cannot create bookmark 'tank/v#m': bookmark exists"}, {args: guids, says: "tank/v@a\t7\ntank/v#m\t7\n"}}},
		{"bookmark of another", func(v *Volume, ctx context.Context) error { return v.Bookmark(ctx, "a", "m") }, stream.ErrExists,
			[]call{{args: "bookmark tank/v@a tank/v#m", fails: "cannot create bookmark 'tank/v#m': bookmark exists"}, {args: guids, says: "tank/v@a\t7\ntank/v#m\t8\n"}}},
		{"unbookmark", func(v *Volume, ctx context.Context) error { return v.Unbookmark(ctx, "m") }, nil,
			[]call{{args: "destroy tank/v#m"}}},
		{"unbookmark twice", func(v *Volume, ctx context.Context) error { return v.Unbookmark(ctx, "m") }, nil,
			[]call{{args: "destroy tank/v#m", fails: "bookmark 'tank/v#m' does not exist."}, {args: "list -H -o name tank/v"}}},
	} {
		t.Run(test.what, func(t *testing.T) {
			if err := test.do(volume(t, test.calls...), t.Context()); !errors.Is(err, test.want) {
				t.Error(err)
			}
		})
	}
}
