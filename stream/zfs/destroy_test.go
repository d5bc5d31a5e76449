package zfs

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/lunarsan/lunar/stream"
)

// TestGuard: nothing gets as far as zfs destroy but one thing of the volume, by its name.
func TestGuard(t *testing.T) {
	v, err := Open("tank/v", func(_ context.Context, _ io.Reader, _ io.Writer, args ...string) error {
		t.Errorf("zfs %q is run", args)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{
		{"destroy"}, {"destroy", ""}, {"destroy", "tank"}, {"destroy", "tank/v"}, {"destroy", "tank/v/w"}, {"destroy", "tank/w"},
		{"destroy", "tank/w@a"}, {"destroy", "tank/vv@a"}, {"destroy", "tank/v@"}, {"destroy", "tank/v#"}, {"destroy", "@a"},
		{"destroy", "-r", "tank/v@a"}, {"destroy", "-R", "tank/v@a"}, {"destroy", "-rR"}, {"destroy", "tank/v@a", "-r"}, {"destroy", "tank/v@a", "tank/v@b"},
		{"destroy", "tank/v@a,b"}, {"destroy", "tank/v@a%b"}, {"destroy", "tank/v@%"}, {"destroy", "tank/v@-r"}, {"destroy", "tank/v@a@b"},
		{"destroy", "tank/v-clone-"}, {"destroy", "tank/v-clone-a/b"}, {"destroy", "tank/v-clone-a@b"}, {"destroy", "tank/v-copy"},
		{"destroy", "tank/v-lunar-new@a"}, {"destroy", "tank/v-lunar-newer"}, {"destroy", "tank/v-lunar-old/x"},
		{"destroy", "-r", "tank/v-lunar-old"}, {"destroy", "tank/v-lunar-new-lunar-old"}, {"destroy", "tank/v-lunar-old#a"},
	} {
		if err := v.zfs(t.Context(), args...); err == nil {
			t.Errorf("%q is not refused", args)
		}
	}
	for _, name := range []string{"", "-r", "a,b", "a%b", "%", "a@b", "a/b", "a#b", " "} {
		for what, do := range map[string]func(context.Context, string) error{
			"destroy": v.Destroy, "unbookmark": v.Unbookmark, "unclone": v.Unclone, "rollback": v.Rollback,
		} {
			if err := do(t.Context(), name); !errors.Is(err, errName) {
				t.Errorf("%s %q: %v", what, name, err)
			}
		}
	}
}

func TestDestroy(t *testing.T) {
	v := volume(t,
		call{args: "destroy tank/v@a"},
		call{args: "destroy tank/v@b", fails: "could not find any snapshots to destroy; check snapshot names."},
		call{args: "list -H -o name tank/v"},
		call{args: "destroy tank/v@c", fails: "cannot destroy snapshot tank/v@c: dataset is busy"},
		call{args: listing + " tank/v@c", says: "tank/v@c\t1\t1795375291\t19\t0\t8388608\t1\t-\n"},
		call{args: "holds -H tank/v@c", says: "tank/v@c\tlunar:j\tSun Nov 22 19:21 2026\n"},
		call{args: "destroy tank/v@d", fails: "cannot destroy snapshot tank/v@d: dataset is busy"},
		call{args: listing + " tank/v@d", says: "tank/v@d\t1\t1795375291\t19\t0\t8388608\t0\t-\n"},
		call{args: "destroy tank/v@e", fails: "cannot destroy 'tank/v@e': snapshot has dependent clones"},
		call{args: "destroy tank/v@f", fails: "cannot destroy snapshots: permission denied"},
	)
	for _, want := range []struct {
		name string
		err  error
		says string
	}{
		{"a", nil, ""},
		{"b", stream.ErrNoSnapshot, "tank/v"},
		{"c", stream.ErrHeld, "lunar:j"},
		{"d", stream.ErrInUse, "tank/v"},
		{"e", stream.ErrCloned, "tank/v"},
		{"f", stream.ErrForbidden, " destroy,mount tank/v"},
	} {
		err := v.Destroy(t.Context(), want.name)
		if !errors.Is(err, want.err) || err != nil && !strings.Contains(err.Error(), want.says) {
			t.Errorf("%s: %v", want.name, err)
		}
	}
}

// TestDestroyMissing: it is the volume that is not there.
func TestDestroyMissing(t *testing.T) {
	v := volume(t,
		call{args: "destroy tank/v@a", fails: "could not find any snapshots to destroy; check snapshot names."},
		call{args: "list -H -o name tank/v", fails: missing},
	)
	if err := v.Destroy(t.Context(), "a"); !errors.Is(err, stream.ErrNoVolume) {
		t.Error(err)
	}
}
