//go:build e2e

package zvol

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/lunarsan/lunar/sbd"
	"github.com/lunarsan/lunar/stream"
	"github.com/lunarsan/lunar/stream/streamtest"
	"github.com/lunarsan/lunar/stream/zfs"
)

// within is where the tests make their volumes.
var within = flag.String("within", "", "the dataset that the tests make theirs in")

var number atomic.Int32

// dataset is a name for one that is not there yet, and goes when the test ends.
func dataset(t *testing.T) string {
	t.Helper()
	if *within == "" {
		t.Skip("-within is not given: TestGuestVolumes runs this with OpenZFS")
	}
	name := fmt.Sprintf("%s/v%d", *within, number.Add(1))
	t.Cleanup(func() {
		var out []byte
		var err error
		for range 100 { // udev may look at what is there
			out, err = exec.Command("zfs", "destroy", "-R", name).CombinedOutput()
			if err == nil || strings.Contains(string(out), "does not exist") {
				return
			}
			time.Sleep(100 * time.Millisecond)
		}
		t.Errorf("%v: %s", err, out)
	})
	return name
}

func open(t *testing.T, name string) *zfs.Volume {
	t.Helper()
	v, err := zfs.Open(name, zfs.Exec("zfs"))
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// zvols is where zvols come from.
var zvols = streamtest.Place{
	Volume: func(t *testing.T, size int64) stream.Volume {
		v := open(t, dataset(t))
		if err := zfs.Exec("zfs")(t.Context(), nil, nil, "create", "-s", "-V", fmt.Sprint(size), "-o", "volblocksize=16k", v.Name()); err != nil {
			t.Fatal(err)
		}
		for end := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
			if _, err := os.Stat(v.Path()); err == nil {
				return v
			} else if time.Now().After(end) {
				t.Fatal(err)
			}
		}
	},
	Nothing: func(t *testing.T) stream.Volume { return open(t, dataset(t)) },
	Open:    opened,
	Locks:   true,
}

// opened opens a store. A node may be missing for a moment, or locked, while udev looks at it, which
// takes seconds in a machine that is emulated.
func opened(t *testing.T, path string) streamtest.Bytes {
	t.Helper()
	for end := time.Now().Add(time.Minute); ; time.Sleep(50 * time.Millisecond) {
		s, err := sbd.Open(path, sbd.OpenOptions{})
		if err == nil {
			return s
		}
		if time.Now().After(end) {
			t.Fatal(err)
		}
	}
}

func TestContract(t *testing.T) { streamtest.Test(t, zvols) }
