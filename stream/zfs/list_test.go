package zfs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lunarsan/lunar/stream"
)

func TestSnapshots(t *testing.T) {
	v := volume(t,
		call{args: listAll, says: "" +
			"tank/v@a\t18446744073709551615\t1795375291\t19\t8192\t8388608\t2\ttank/v-clone-two,tank/v-clone-one,tank/else\n" +
			"tank/v#m\t6041766507353385693\t1795375293\t22\t-\t-\t-\t-\n" +
			"tank/v@b c\t77\t1795375299\t25\t0\t8388608\t0\t\n"},
		call{args: "holds -H tank/v@a", says: "tank/v@a\ttwo\tSun Nov 22 19:21 2026\ntank/v@a\tlunar:one\tSun Nov 22 19:21 2026\n"},
	)
	all, err := v.Snapshots(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	got, err := json.MarshalIndent(all, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	const want = `[
 {
  "name": "a",
  "guid": "18446744073709551615",
  "created": "2026-11-22T19:21:31Z",
  "size": 8388608,
  "used": 8192,
  "holds": [
   "lunar:one",
   "two"
  ],
  "clones": [
   "one",
   "tank/else",
   "two"
  ]
 },
 {
  "name": "m",
  "guid": "6041766507353385693",
  "created": "2026-11-22T19:21:33Z",
  "size": 0,
  "used": 0,
  "bookmark": true
 },
 {
  "name": "b c",
  "guid": "77",
  "created": "2026-11-22T19:21:39Z",
  "size": 8388608,
  "used": 0
 }
]`
	if string(got) != want {
		t.Errorf("%s", got)
	}
}

// TestSnapshotsMany lists as many as anybody has, some held.
func TestSnapshotsMany(t *testing.T) {
	const many, held = 100_000, 1000
	asked := 0
	v, err := Open("tank/v", func(_ context.Context, _ io.Reader, stdout io.Writer, args ...string) error {
		if args[0] == "holds" {
			if line := len(strings.Join(args, " ")); line > 128<<10 {
				t.Errorf("zfs is given %d bytes", line)
			}
			for _, s := range args[2:] {
				asked++
				fmt.Fprintf(stdout, "%s\ttag\tSun Nov 22 19:21 2026\n", s)
			}
			return nil
		}
		for i := range many {
			references := 0
			if i < held {
				references = 1
			}
			fmt.Fprintf(stdout, "tank/v@%0200d\t%d\t1795375291\t%d\t0\t8388608\t%d\t-\n", i, i+1, i, references)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	start := time.Now()
	all, err := v.Snapshots(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if len(all) != many || asked != held || len(all[held-1].Holds) != 1 || len(all[held].Holds) != 0 || all[many-1].GUID != many {
		t.Errorf("%d listed, %d asked for holds", len(all), asked)
	}
	t.Logf("%d snapshots in %v", many, time.Since(start))
}

func TestSnapshotsRefuses(t *testing.T) {
	const rest = "\t1\t1795375291\t19\t0\t8388608\t0\t-\n"
	for _, line := range []string{
		"tank/v@a\n", "tank/w@a" + rest, "tank/v" + rest, "tank/v@" + rest, "tank/vv@a" + rest, "\n",
		"tank/v@a\tx\t1795375291\t19\t0\t8388608\t0\t-\n", "tank/v@a\t1\tx\t19\t0\t8388608\t0\t-\n", "tank/v@a\t1\t1\t19\tx\t8388608\t0\t-\n",
	} {
		if all, err := volume(t, call{args: listAll, says: line}).Snapshots(t.Context()); err == nil || !strings.Contains(err.Error(), "tank/v") {
			t.Errorf("%q is %+v, %v", line, all, err)
		}
	}
}

func TestNoVolume(t *testing.T) {
	v := volume(t,
		call{args: listAll, fails: missing},
		call{args: "list -H -o name tank/v", fails: missing},
		// A first snapshot that has not come whole leaves a dataset that is no volume yet.
		call{args: listAll},
		call{args: "get -Hp -o value inconsistent tank/v", says: "1\n"},
		call{args: listAll},
		call{args: "get -Hp -o value inconsistent tank/v", says: "0\n"},
	)
	for range 2 {
		if all, err := v.Snapshots(t.Context()); !errors.Is(err, stream.ErrNoVolume) {
			t.Errorf("%v, %v", all, err)
		}
	}
	if all, err := v.Snapshots(t.Context()); len(all) != 0 || err != nil {
		t.Errorf("%v, %v", all, err)
	}
}

// TestSnapshotGone: one is destroyed between list and holds.
func TestSnapshotGone(t *testing.T) {
	v := volume(t,
		call{args: listAll, says: "tank/v@a\t1\t1795375291\t19\t0\t8388608\t1\t-\n"},
		call{args: "holds -H tank/v@a", fails: "cannot open 'tank/v@a': dataset does not exist"},
		call{args: "list -H -o name tank/v", says: ""},
		call{args: listAll, says: "tank/v@b\t2\t1795375291\t20\t0\t8388608\t0\t-\n"},
	)
	if all, err := v.Snapshots(t.Context()); err != nil || len(all) != 1 || all[0].Name != "b" {
		t.Errorf("%v, %v", all, err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add("tank/v@a\t18446744073709551615\t1795375291\t19\t8192\t8388608\t2\ttank/v-clone-two,tank/else")
	f.Add("tank/v#m\t6041766507353385693\t1795375293\t22\t-\t-\t-\t-")
	f.Add("tank/v@a\t-\t-\t-\t-\t-\t-\t-")
	f.Fuzz(func(t *testing.T, line string) {
		v := &Volume{dataset: "tank/v"}
		s, _, err := v.parse(strings.Split(line, "\t"))
		if err == nil && s.Name == "" {
			t.Errorf("%q has no name", line)
		}
	})
}

func TestBelow(t *testing.T) {
	const list = "list -H -r -t volume -o name tank/v"
	run := script(t,
		call{args: list, says: "tank/v/a b\ntank/v/c\n"},
		call{args: list, fails: missing},
		call{args: list, fails: "Permission denied the ZFS utilities must be run as root."},
	)
	for _, want := range []struct {
		names  []string
		failed bool
	}{{[]string{"tank/v/a b", "tank/v/c"}, false}, {nil, false}, {nil, true}} {
		if got, err := Below(t.Context(), run, "tank/v"); !slices.Equal(got, want.names) || (err != nil) != want.failed {
			t.Errorf("%q, %v; want %+v", got, err, want)
		}
	}
	if _, err := Below(t.Context(), run, "-rf"); !errors.Is(err, errName) {
		t.Error(err)
	}
}
