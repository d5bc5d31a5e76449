package zfs

import (
	"context"
	"errors"
	"io"
	"testing"

	"github.com/lunarsan/lunar/stream"
)

const taken = "\t1\t1795375291\t19\t0\t8388608\t0\t-\n"

// TestTakeSeveral: the volumes of a pool in one command, and pools after one another.
func TestTakeSeveral(t *testing.T) {
	run := script(t,
		call{args: "snapshot tank/a@s tank/b@s"},
		call{args: "snapshot pool/c@s"},
		call{args: listing + " tank/a@s", says: "tank/a@s" + taken},
		call{args: listing + " pool/c@s", says: "pool/c@s" + taken},
		call{args: listing + " tank/b@s", says: "tank/b@s" + taken},
	)
	all, err := Take(t.Context(), "s", several(t, run, "tank/a", "pool/c", "tank/b")...)
	if err != nil || len(all) != 3 || all[1].Name != "s" {
		t.Errorf("%+v, %v", all, err)
	}
}

// TestTakeUndone: what was made in one pool goes when another fails, given up or not.
func TestTakeUndone(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	run := script(t,
		call{args: "snapshot tank/a@s tank/b@s"},
		call{args: "snapshot pool/c@s", fails: "cannot create snapshot 'pool/c@s': out of space"},
		call{args: "destroy tank/a@s"},
		call{args: "destroy tank/b@s", fails: "cannot destroy snapshot tank/b@s: dataset is busy"},
		call{args: listing + " tank/b@s", says: "tank/b@s" + taken},
	)
	volumes := several(t, func(c context.Context, in io.Reader, out io.Writer, args ...string) error {
		if args[0] == "destroy" && c.Err() != nil {
			t.Error("undoing is given up too")
		}
		if args[1] == "pool/c@s" {
			cancel()
		}
		return run(c, in, out, args...)
	}, "tank/a", "tank/b", "pool/c")
	all, err := Take(ctx, "s", volumes...)
	if all != nil || !errors.Is(err, stream.ErrSpace) || !errors.Is(err, stream.ErrInUse) {
		t.Errorf("%+v, %v", all, err)
	}
}

func TestTakeRefuses(t *testing.T) {
	for said, want := range map[string]error{
		"cannot create snapshot 'tank/v@s': dataset already exists": stream.ErrExists,
		"cannot create snapshots : permission denied":               stream.ErrForbidden,
	} {
		if _, err := volume(t, call{args: "snapshot tank/v@s", fails: said}).Take(t.Context(), "s"); !errors.Is(err, want) {
			t.Errorf("%q is %v", said, err)
		}
	}
	gone := volume(t, call{args: "snapshot tank/v@s", fails: missing}, call{args: "list -H -o name tank/v", fails: missing})
	if _, err := gone.Take(t.Context(), "s"); !errors.Is(err, stream.ErrNoVolume) {
		t.Error(err)
	}
	if _, err := volume(t).Take(t.Context(), "a,b"); !errors.Is(err, errName) {
		t.Error(err)
	}
}

func several(t *testing.T, run Command, names ...string) (all []*Volume) {
	t.Helper()
	for _, name := range names {
		v, err := Open(name, run)
		if err != nil {
			t.Fatal(err)
		}
		v.folder = t.TempDir() + "/"
		all = append(all, v)
	}
	return all
}
