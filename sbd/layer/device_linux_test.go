package layer

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lunarsan/lunar/sbd"
	"github.com/lunarsan/lunar/sbd/storetest"
)

// A device has layers beside a link to it, cannot change its length, and is plain again at the end.
func TestDevice(t *testing.T) {
	const size = 4 << 20
	device := storetest.Loop(t, volume(t, t.TempDir(), size), 512)
	if err := Freeze(device, "a"); err == nil || !strings.Contains(err.Error(), "symbolic link") {
		t.Errorf("layers in /dev: %v", err)
	}
	path := filepath.Join(t.TempDir(), "volume")
	must(t, os.Symlink(device, path))
	s := open(t, path)
	write(t, s, 1, 0, size)
	closes(t, s)
	must(t, Freeze(path, "a"))
	v := layered(t, path)
	write(t, v, 2, 1000, 100000)
	for _, other := range []int64{size - 512, size + 512} {
		if err := v.Resize(other); !errors.Is(err, sbd.ErrOutOfRange) {
			t.Errorf("Resize to %d: %v", other, err)
		}
	}
	must(t, v.Resize(size))
	if _, err := sbd.Open(device, sbd.OpenOptions{}); !errors.Is(err, sbd.ErrInUse) {
		t.Errorf("the base is open for writing: %v", err)
	}
	at, err := At(path, "a")
	must(t, err)
	holds(t, at, 1, 0, size)
	closes(t, at)
	closes(t, v)
	must(t, Merge(context.Background(), path, "a", nil))
	s = open(t, path)
	if _, ok := s.(*Store); ok {
		t.Error("layers are left")
	}
	holds(t, s, 1, 0, 1000)
	holds(t, s, 2, 1000, 100000)
	closes(t, s)
	must(t, Freeze(path, "a"))
	must(t, Remove(path))
	if left, err := os.ReadDir(filepath.Dir(path)); err != nil || len(left) != 1 {
		t.Errorf("left are %v", left)
	}
}
