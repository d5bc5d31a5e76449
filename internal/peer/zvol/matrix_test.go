//go:build e2e

package zvol

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lunarsan/lunar/sbd"
	"github.com/lunarsan/lunar/stream"
	"github.com/lunarsan/lunar/stream/shelf"
	"github.com/lunarsan/lunar/stream/streamtest"
)

// folder is where the tests make files.
var folder = flag.String("folder", "", "the folder, on xfs, that the tests make files in")

// files is where files come from.
var files = streamtest.Place{
	Volume: func(t *testing.T, size int64) stream.Volume {
		v := file(t)
		if err := sbd.Create(v.Path(), size, true); err != nil {
			t.Fatal(err)
		}
		return v
	},
	Nothing: file,
	Open:    opened,
	Locks:   true,
}

func file(t *testing.T) stream.Volume {
	t.Helper()
	return shelf.New(filepath.Join(folderOf(t), "disk"))
}

// folderOf makes a folder of a test's own.
func folderOf(t *testing.T) string {
	t.Helper()
	if *folder == "" {
		t.Skip("-folder is not given: TestGuestVolumes runs this with xfs")
	}
	dir := filepath.Join(*folder, fmt.Sprint(number.Add(1)))
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

// TestMatrix: a full stream and five increments, with equal bytes after each, and so say the digests
// that each side makes of its newest snapshot.
func TestMatrix(t *testing.T) {
	places := map[string]streamtest.Place{"zvol": zvols, "file": files}
	for _, from := range []string{"zvol", "file"} {
		for _, to := range []string{"zvol", "file"} {
			t.Run(from+" to "+to, func(t *testing.T) {
				var source, replica stream.Volume
				here, there := places[from], places[to]
				here.Volume = noting(&source, func(t *testing.T) stream.Volume { return places[from].Volume(t, streamtest.Size) })
				there.Nothing = func(t *testing.T) stream.Volume { return noting(&replica, places[to].Nothing)(t, 0) }
				streamtest.Replicate(t, here, there)
				v, err := stream.Verify(t.Context(), source, replica, 0, nil)
				if err != nil {
					t.Fatal(err)
				}
				if !v.Same() || !strings.HasSuffix(v.Sides[1].Snapshot, "@five") {
					t.Errorf("%+v", v)
				}
			})
		}
	}
}

// noting makes a volume and leaves it in v.
func noting(v *stream.Volume, open func(*testing.T) stream.Volume) func(*testing.T, int64) stream.Volume {
	return func(t *testing.T, _ int64) stream.Volume {
		*v = open(t)
		return *v
	}
}
