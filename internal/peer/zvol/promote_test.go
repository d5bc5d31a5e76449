//go:build e2e

package zvol

import (
	"slices"
	"testing"

	"github.com/lunarsan/lunar/stream"
	"github.com/lunarsan/lunar/stream/zfs"
)

// TestPromoted: a clone of an older snapshot in the volume's place sends what was written to it to where
// the volume was replicated, and the volume is then as it was.
func TestPromoted(t *testing.T) {
	ctx := t.Context()
	v := zvols.Volume(t, 1<<20).(*zfs.Volume)
	far := zvols.Nothing(t).(*zfs.Volume)
	do := func(what string, err error) {
		t.Helper()
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
	}
	names := func(v *zfs.Volume) (names []string) {
		t.Helper()
		all, err := v.Snapshots(ctx)
		do("listing", err)
		for _, s := range all {
			names = append(names, s.Name)
		}
		return names
	}
	send := func(from *zfs.Volume, q stream.Send, r stream.Receive) {
		t.Helper()
		in, err := from.Send(ctx, q)
		do("sending", err)
		_, err = far.Receive(ctx, in, r)
		do("receiving", err)
		do("closing", in.Close())
	}
	for _, name := range []string{"a", "b"} {
		_, err := v.Take(ctx, name)
		do("taking", err)
	}
	send(v, stream.Send{Snapshot: "a"}, stream.Receive{})
	send(v, stream.Send{Snapshot: "b", From: "a"}, stream.Receive{})
	do("hold", v.Hold(ctx, "b", "lunar:job"))

	path, err := v.Clone(ctx, "a", "past")
	do("clone", err)
	do("promote", v.Promote(ctx, "past"))
	do("promote again", v.Promote(ctx, "past"))
	clone := open(t, v.Name()+"-clone-past")
	if got := names(clone); !slices.Equal(got, []string{"a"}) || clone.Path() != path {
		t.Errorf("the clone at %s has %q", path, got)
	}
	if got := names(v); !slices.Equal(got, []string{"b"}) {
		t.Errorf("the volume has %q", got)
	}
	s := opened(t, path)
	_, err = s.WriteAt(make([]byte, 4096), 0)
	do("writing", err)
	do("closing", s.Close())
	_, err = clone.Take(ctx, "c")
	do("taking", err)
	do("hold", clone.Hold(ctx, "c", "lunar:job"))
	send(clone, stream.Send{Snapshot: "c", From: "a"}, stream.Receive{Rollback: true})
	if got := names(far); !slices.Equal(got, []string{"a", "c"}) {
		t.Errorf("there are %q", got)
	}
	for range 2 {
		do("demote", v.Demote(ctx, "past"))
	}
	do("unclone", v.Unclone(ctx, "past"))
	do("release", v.Release(ctx, "b", "lunar:job")) // so that it can go with the test
	if got := names(v); !slices.Equal(got, []string{"a", "b"}) {
		t.Errorf("the volume has %q", got)
	}
}
