package zfs

import (
	"context"
	"errors"
	"io"
	"testing"

	"github.com/lunarsan/lunar/stream"
)

const three = "tank/v@a\t1\t1795375291\t19\t0\t8388608\t0\t-\ntank/v#m\t1\t1795375291\t19\t-\t-\t-\t-\ntank/v@b\t2\t1795375292\t20\t0\t8388608\t"

func TestRollback(t *testing.T) {
	for _, test := range []struct {
		what, to string
		want     error
		calls    []call
	}{
		{"over others", "a", nil, []call{{args: listAll, says: three + "0\t-\n"}, {args: "rollback -r tank/v@a"}}},
		{"to the newest", "b", nil, []call{{args: listAll, says: three + "1\ttank/c\n"}, {args: "holds -H tank/v@b", says: "tank/v@b\tt\t-\n"}, {args: "rollback -r tank/v@b"}}},
		{"over a held one", "a", stream.ErrHeld, []call{{args: listAll, says: three + "1\t-\n"}, {args: "holds -H tank/v@b", says: "tank/v@b\tt\t-\n"}}},
		{"over a cloned one", "a", stream.ErrCloned, []call{{args: listAll, says: three + "0\ttank/v-clone-c\n"}}},
		{"to what is not there", "x", stream.ErrNoSnapshot, []call{{args: listAll, says: three + "0\t-\n"}}},
		{"to a bookmark", "m", stream.ErrNoSnapshot, []call{{args: listAll, says: three + "0\t-\n"}}},
	} {
		t.Run(test.what, func(t *testing.T) {
			if err := volume(t, test.calls...).Rollback(t.Context(), test.to); !errors.Is(err, test.want) {
				t.Error(err)
			}
		})
	}
}

func TestClone(t *testing.T) {
	const made = "clone -o lunar:clone=c tank/v@a tank/v-clone-c"
	v := volume(t, call{args: made}, call{args: made, fails: "cannot create 'tank/v-clone-c': dataset already exists"}, call{args: made, fails: "cannot create 'tank/v-clone-c': permission denied"})
	if path, err := v.Clone(t.Context(), "a", "c"); err != nil || path != v.folder+"tank/v-clone-c" {
		t.Errorf("%s, %v", path, err)
	}
	if _, err := v.Clone(t.Context(), "a", "c"); !errors.Is(err, stream.ErrExists) {
		t.Error(err)
	}
	if _, err := v.Clone(t.Context(), "a", "c"); !errors.Is(err, stream.ErrForbidden) {
		t.Error(err)
	}
	for _, name := range []string{"", "a/b", "a@b", "-o"} {
		if _, err := v.Clone(t.Context(), "a", name); !errors.Is(err, errName) {
			t.Errorf("%q: %v", name, err)
		}
	}
}

// TestUnclone: only what was made here goes.
func TestUnclone(t *testing.T) {
	for _, test := range []struct {
		what, name, origin string
		destroyed          bool
	}{
		{"ours", "c", "tank/v@a", true},
		{"made by hand", "-", "tank/v@a", false},
		{"another's name", "d", "tank/v@a", false},
		{"promoted", "c", "-", false},
		{"of another volume", "c", "tank/vv@a", false},
	} {
		t.Run(test.what, func(t *testing.T) {
			calls := []call{
				{args: "get -Hp -o value lunar:clone,origin tank/v-clone-c", says: test.name + "\n" + test.origin + "\n"},
			}
			if test.destroyed {
				calls = append(calls, call{args: listing + " -s createtxg -d 1 tank/v-clone-c", says: "tank/v-clone-c@b\t7\t1795375293\t22\t0\t512\t1\t\n"},
					call{args: "holds -H tank/v-clone-c@b", says: "tank/v-clone-c@b\tlunar:j\tMon Nov 16 01:00 2026\n"},
					call{args: "release lunar:j tank/v-clone-c@b"}, call{args: "destroy tank/v-clone-c@b"},
					call{args: "destroy tank/v-clone-c", fails: "cannot destroy 'tank/v-clone-c': dataset is busy"}, call{args: "destroy tank/v-clone-c"})
			}
			if err := volume(t, calls...).Unclone(t.Context(), "c"); test.destroyed != (err == nil) {
				t.Error(err)
			}
		})
	}
}

// TestUncloneInUse: whoever gives up waiting is told why.
func TestUncloneInUse(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	v := volume(t,
		call{args: "get -Hp -o value lunar:clone,origin tank/v-clone-c", says: "c\ntank/v@a\n"},
		call{args: listing + " -s createtxg -d 1 tank/v-clone-c"},
		call{args: "get -Hp -o value inconsistent tank/v-clone-c", says: "0\n"},
		call{args: "destroy tank/v-clone-c", fails: "cannot destroy 'tank/v-clone-c': dataset is busy"},
	)
	run := v.run
	v.run = func(c context.Context, in io.Reader, out io.Writer, args ...string) error {
		if args[0] == "destroy" {
			cancel()
		}
		return run(c, in, out, args...)
	}
	if err := v.Unclone(ctx, "c"); !errors.Is(err, stream.ErrInUse) {
		t.Error(err)
	}
}

// TestPromote: a clone is put in the volume's place and back, once.
func TestPromote(t *testing.T) {
	const ofClone, ofVolume = "get -Hp -o value origin tank/v-clone-c", "get -Hp -o value origin tank/v"
	v := volume(t,
		call{args: ofClone, says: "tank/v@a\n"}, call{args: "promote tank/v-clone-c"},
		call{args: ofClone, says: "-\n"},
		call{args: ofVolume, says: "tank/v-clone-c@a\n"}, call{args: "promote tank/v"},
		call{args: ofVolume, says: "-\n"},
		call{args: ofVolume, says: "tank/other@a\n"},
		call{args: ofClone, fails: "cannot open 'tank/v-clone-c': dataset does not exist"},
		call{args: "list -H -o name tank/v-clone-c", fails: "cannot open 'tank/v-clone-c': dataset does not exist"},
	)
	ctx := t.Context()
	for i, err := range []error{v.Promote(ctx, "c"), v.Promote(ctx, "c"), v.Demote(ctx, "c"), v.Demote(ctx, "c"), v.Demote(ctx, "c")} {
		if err != nil {
			t.Errorf("%d: %v", i, err)
		}
	}
	if err := v.Promote(ctx, "c"); !errors.Is(err, stream.ErrNoVolume) {
		t.Errorf("of nothing: %v", err)
	}
	if err := v.Promote(ctx, "a/b"); !errors.Is(err, errName) {
		t.Errorf("of a name that is none: %v", err)
	}
}
