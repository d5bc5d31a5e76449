//go:build e2e

package zvol

import (
	"bytes"
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lunarsan/lunar/stream"
	"github.com/lunarsan/lunar/stream/shelf"
	"github.com/lunarsan/lunar/stream/zfs"
)

// command runs zfs, and returns what it prints.
func command(t *testing.T, args ...string) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := zfs.Exec("zfs")(t.Context(), nil, &out, args...); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// TestPackage: what zfs send -R makes of a file system with volumes below it, and -R -I of what
// followed, become datasets, and files of a folder.
func TestPackage(t *testing.T) {
	top := dataset(t)
	command(t, "create", "-u", top)
	var sources []stream.Volume
	for i, below := range []string{"vm1", "old/vm2"} {
		name := top + "/" + below
		if parent, _, ok := strings.Cut(below, "/"); ok {
			command(t, "create", "-u", top+"/"+parent)
		}
		command(t, "create", "-s", "-V", "8M", "-o", "volblocksize=16k", name)
		v := open(t, name)
		scribble(t, v, 0, 64<<10, byte(i))
		sources = append(sources, v)
	}
	command(t, "snapshot", "-r", top+"@a")
	first := command(t, "send", "-R", top+"@a")
	for _, snapshot := range []string{"b", "c"} {
		for _, v := range sources {
			scribble(t, v, 128<<10, 32<<10, snapshot[0])
		}
		command(t, "snapshot", "-r", top+"@"+snapshot)
	}
	rest := command(t, "send", "-R", "-I", top+"@a", top+"@c")

	replica, folder := dataset(t), folderOf(t)
	for kind, place := range map[string]stream.Unpacking{
		"datasets": {Files: true, Volume: func(below string) (stream.Volume, error) {
			return zfs.Open(strings.TrimSuffix(replica+"/"+below, "/"), zfs.Exec("zfs"))
		}},
		"files": {Volume: func(below string) (stream.Volume, error) {
			return shelf.New(filepath.Join(folder, strings.ReplaceAll(below, "/", "-"))), nil
		}},
	} {
		t.Run(kind, func(t *testing.T) {
			known := map[string]stream.Volume{} // each is one thing
			find := place.Volume
			place.Volume = func(below string) (stream.Volume, error) {
				if known[below] == nil {
					v, err := find(below)
					if err != nil {
						return nil, err
					}
					known[below] = v
				}
				return known[below], nil
			}
			for _, in := range [][]byte{first, rest, rest} {
				if out, err := stream.Unpack(t.Context(), bytes.NewReader(in), place); err != nil {
					t.Fatalf("%+v, %v", out, err)
				}
			}
			for i, below := range []string{"vm1", "old/vm2"} {
				all, err := known[below].Snapshots(context.Background())
				if err != nil || len(all) != 3 {
					t.Fatalf("%s has %v, %v", below, all, err)
				}
				verdict, err := stream.Verify(t.Context(), sources[i], known[below], 0, nil)
				if err != nil || !verdict.Same() || !strings.HasSuffix(verdict.Sides[1].Snapshot, "@c") {
					t.Errorf("%s: %s, %v", below, fmt.Sprint(verdict), err)
				}
			}
		})
	}
}
