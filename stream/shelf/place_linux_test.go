package shelf

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/lunarsan/lunar/sbd"
	"github.com/lunarsan/lunar/sbd/layer"
	"github.com/lunarsan/lunar/sbd/storetest"
	"github.com/lunarsan/lunar/stream"
	"github.com/lunarsan/lunar/stream/streamtest"
)

// mounted is a folder on a fresh file system of a kind, or the test is left out. Of "layers" it is
// one where there are no reflinks.
func mounted(t *testing.T, kind string) string {
	t.Helper()
	if kind == "layers" {
		return storetest.Memory(t)
	}
	return storetest.Mount(t, kind)
}

// onBoth has a test run where snapshots are reflinks, and beside that where they are layers.
func onBoth(t *testing.T, run func(t *testing.T, folder string)) {
	t.Helper()
	for _, kind := range []string{"xfs", "layers"} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			run(t, mounted(t, kind))
		})
	}
}

// in is where volumes are files in folders below one.
func in(folder string) streamtest.Place {
	made := 0
	nothing := func(t *testing.T) stream.Volume {
		made++
		dir := filepath.Join(folder, fmt.Sprint(made))
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		return New(filepath.Join(dir, "disk.img"))
	}
	return streamtest.Place{
		Locks:   true,
		Nothing: nothing,
		Volume: func(t *testing.T, size int64) stream.Volume {
			v := nothing(t)
			if err := sbd.Create(v.Path(), size, true); err != nil {
				t.Fatal(err)
			}
			return v
		},
		Open: func(t *testing.T, path string) streamtest.Bytes {
			s, err := layer.Open(path, sbd.OpenOptions{})
			if err != nil {
				t.Fatal(err)
			}
			return s
		},
	}
}

func TestVolume(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"xfs", "btrfs", "layers"} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			place := in(mounted(t, kind))
			streamtest.Test(t, place)
			streamtest.Replicate(t, place, place)
		})
	}
}
