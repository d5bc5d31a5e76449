//go:build unix

package layer

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/lunarsan/lunar/sbd"
	"github.com/lunarsan/lunar/sbd/storetest"
)

// TestPromote has a clone, with a layer of its own, take the place of the volume.
func TestPromote(t *testing.T) {
	path := volume(t, storetest.Memory(t), 1<<20)
	s := open(t, path)
	write(t, s, 1, 0, 1<<20)
	must(t, s.Close())
	must(t, Freeze(path, "a"))
	s = open(t, path)
	write(t, s, 2, 0, 64<<10)
	must(t, s.Close())
	must(t, Freeze(path, "b"))
	for round := range 2 {
		clone, err := Clone(path, "a", "c")
		must(t, err)
		s = open(t, clone)
		write(t, s, byte(3+round), 128<<10, 64<<10)
		if err := Promote(path, "c"); !errors.Is(err, sbd.ErrInUse) {
			t.Errorf("a clone that is open: %v", err)
		}
		must(t, s.Close())
		name := []string{"x", "y"}[round]
		must(t, Freeze(clone, name))
		s = open(t, path)
		if err := Promote(path, "c"); !errors.Is(err, sbd.ErrInUse) {
			t.Errorf("a volume that is open: %v", err)
		}
		must(t, s.Close())
		newer := []string{"b", "x"}[round]
		_, err = Clone(path, newer, "d")
		must(t, err)
		if err := Promote(path, "c"); !errors.Is(err, ErrCloned) {
			t.Errorf("over a layer with clones: %v", err)
		}
		must(t, Discard(path, "d"))
		must(t, Promote(path, "c"))
		if err := Promote(path, "c"); err == nil {
			t.Error("promoted twice")
		}
		list, err := List(path)
		must(t, err)
		if len(list) != 2 || list[0].Name != "a" || list[1].Name != name || len(list[0].Clones) > 0 {
			t.Fatalf("%+v", list)
		}
		s = open(t, path)
		holds(t, s, 1, 0, 64<<10)
		holds(t, s, byte(3+round), 128<<10, 64<<10)
		must(t, s.Close())
		at, err := At(path, "a")
		must(t, err)
		holds(t, at, 1, 0, 1<<20)
		must(t, at.Close())
		files, err := filepath.Glob(filepath.Join(path+suffix, "*", "*"))
		must(t, err)
		if len(files) > 0 {
			t.Errorf("left over: %q", files)
		}
	}
	deltas, err := filepath.Glob(filepath.Join(path+suffix, "*.delta"))
	must(t, err)
	if len(deltas) != 2 {
		t.Errorf("deltas: %q", deltas)
	}
	for _, f := range deltas {
		if _, err := os.Stat(f); err != nil {
			t.Error(err)
		}
	}
}
