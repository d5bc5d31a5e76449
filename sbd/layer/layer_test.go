//go:build unix

package layer

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/lunarsan/lunar/sbd"
	"github.com/lunarsan/lunar/sbd/storetest"
)

// volume makes a file of size bytes.
func volume(t testing.TB, folder string, size int64) string {
	t.Helper()
	path := filepath.Join(folder, "volume")
	must(t, sbd.Create(path, size, true))
	return path
}

// times is how often a test tries random things: seldom under the race detector, which is slow.
func times(n int) int {
	if race {
		return 1
	}
	return n
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// open opens a volume that is closed when the test ends, if not before.
func open(t testing.TB, path string) sbd.Store {
	t.Helper()
	s, err := Open(path, sbd.OpenOptions{})
	must(t, err)
	return s
}

func layered(t testing.TB, path string) *Store {
	t.Helper()
	s, ok := open(t, path).(*Store)
	if !ok {
		t.Fatalf("%s opens as a plain store", path)
	}
	return s
}

// write writes n bytes of a value at off.
func write(t testing.TB, s sbd.Store, value byte, off, n int64) {
	t.Helper()
	if _, err := s.WriteAt(bytes.Repeat([]byte{value}, int(n)), off); err != nil {
		t.Fatal(err)
	}
}

// holds expects n bytes of a value at off.
func holds(t testing.TB, s sbd.Store, value byte, off, n int64) {
	t.Helper()
	p := make([]byte, n)
	if _, err := s.ReadAt(p, off); err != nil {
		t.Fatal(err)
	}
	for i, b := range p {
		if b != value {
			t.Fatalf("byte %d is %d, want %d", off+int64(i), b, value)
		}
	}
}

func closes(t testing.TB, s sbd.Store) {
	t.Helper()
	must(t, s.Close())
}

// Each kind of stack is a store like others.
func TestContract(t *testing.T) {
	const size = storetest.MinSize + 512
	for name, prepare := range map[string]func(t *testing.T, folder string) sbd.Store{
		"one delta": func(t *testing.T, folder string) sbd.Store {
			path := volume(t, folder, size)
			must(t, Freeze(path, "a"))
			return open(t, path)
		},
		"four deltas": func(t *testing.T, folder string) sbd.Store {
			path := volume(t, folder, size)
			for _, name := range []string{"a", "b", "c", "d"} {
				s := open(t, path)
				write(t, s, 1, 0, size)
				closes(t, s)
				must(t, Freeze(path, name))
			}
			s := open(t, path)
			must(t, s.(sbd.Unmapper).Unmap(0, size)) // which shadows all that is below
			return s
		},
		"over an open one": func(t *testing.T, folder string) sbd.Store {
			path := volume(t, folder, size)
			s, err := Over(open(t, path), path, sbd.OpenOptions{}, "a")
			must(t, err)
			return s
		},
		"clone": func(t *testing.T, folder string) sbd.Store {
			path := volume(t, folder, size)
			must(t, Freeze(path, "a"))
			clone, err := Clone(path, "a", "b")
			must(t, err)
			return open(t, clone)
		},
	} {
		t.Run(name, func(t *testing.T) {
			if race && name != "one delta" {
				t.Skip("slow under the race detector")
			}
			folder := storetest.Memory(t)
			storetest.Run(t, func(t *testing.T) sbd.Store {
				at, err := os.MkdirTemp(folder, "")
				must(t, err)
				return prepare(t, at)
			})
		})
	}
	if race {
		return // the rest is slow, and what is tested of races is tested
	}
	t.Run("on a disk", func(t *testing.T) {
		path := volume(t, t.TempDir(), size)
		must(t, Freeze(path, "a"))
		storetest.RunReopen(t, func(t *testing.T) sbd.Store { return open(t, path) })
		must(t, Revert(path, "a"))
		storetest.Run(t, func(t *testing.T) sbd.Store {
			must(t, Revert(path, "a"))
			return open(t, path)
		})
	})
}

// A layer is what the volume was, whatever becomes of the volume.
func TestLayersStay(t *testing.T) {
	storetest.Folders(t, func(t *testing.T, folder string) {
		const size = 1 << 20
		path := volume(t, folder, size)
		s := open(t, path)
		for i := range byte(5) {
			write(t, s, i+1, int64(i)*1000, size/2)
			if l, ok := s.(*Store); ok {
				must(t, l.Freeze(fmt.Sprint(i)))
				continue
			}
			over, err := Over(s, path, sbd.OpenOptions{}, fmt.Sprint(i))
			must(t, err)
			s = over
		}
		write(t, s, 99, 0, size)
		for i := range byte(5) {
			at, err := At(path, fmt.Sprint(i))
			must(t, err)
			for k := range i {
				holds(t, at, k+1, int64(k)*1000, 1000)
			}
			holds(t, at, i+1, int64(i)*1000, size/2)
			holds(t, at, 0, int64(i)*1000+size/2, size/2-int64(i)*1000)
			if _, err := at.WriteAt([]byte{1}, 0); !errors.Is(err, sbd.ErrReadOnly) {
				t.Errorf("a layer is written to: %v", err)
			}
			closes(t, at)
		}
		closes(t, s)
		all, err := List(path)
		must(t, err)
		for i, l := range all {
			if l.Name != fmt.Sprint(i) || l.Size != size || l.Created.IsZero() {
				t.Errorf("layer %d is %+v", i, l)
			}
		}
		// Newest first: each goes up. Oldest first: each goes down.
		for _, name := range []string{"4", "3", "0", "1", "2"} {
			must(t, Merge(context.Background(), path, name, nil))
			s := open(t, path)
			holds(t, s, 99, 0, size)
			closes(t, s)
		}
		if ok, err := Layered(path); ok || err != nil {
			t.Errorf("layers are left: %v", err)
		}
		if left, err := os.ReadDir(folder); err != nil || len(left) != 1 {
			t.Errorf("files are left: %v", left)
		}
	})
}

// TestUndo: what was put over an open store is taken back, and the store is as it was.
func TestUndo(t *testing.T) {
	folder := storetest.Memory(t)
	path := volume(t, folder, 1<<20)
	s := open(t, path)
	write(t, s, 1, 0, 1000)
	over, err := Over(s, path, sbd.OpenOptions{}, "a")
	must(t, err)
	at, err := At(path, "a")
	must(t, err)
	write(t, s, 2, 500, 1000)
	closes(t, at)
	must(t, over.Undo())
	holds(t, s, 2, 500, 1000)
	if left, err := os.ReadDir(folder); err != nil || len(left) != 1 {
		t.Errorf("left are %v", left)
	}
	over, err = Over(s, path, sbd.OpenOptions{}, "a")
	must(t, err)
	write(t, over, 3, 0, 100)
	closes(t, over)
	again := layered(t, path)
	holds(t, again, 3, 0, 100)
	holds(t, again, 2, 500, 1000)
	closes(t, again)
}

// TestWritten: making, merging and ending layers, opening and closing, is not writing.
func TestWritten(t *testing.T) {
	const size = 4 * leastBlock
	path := volume(t, storetest.Memory(t), size)
	written := func() time.Time {
		t.Helper()
		at, err := Written(path)
		must(t, err)
		return at
	}
	set := func(file string) time.Time {
		t.Helper()
		then := time.Date(2026, 11, 1, 2, 3, 4, 567000000, time.UTC)
		must(t, os.Chtimes(file, then, then))
		return then
	}
	s := open(t, path)
	write(t, s, 1, 0, size)
	closes(t, s)
	then := set(path)
	steps := []struct {
		what string
		do   func() error
	}{
		{"freezing", func() error { return Freeze(path, "a") }},
		{"freezing again", func() error { return Freeze(path, "b") }},
		{"opening", func() error { return layered(t, path).Close() }},
		{"cloning", func() error { _, err := Clone(path, "b", "c"); return err }},
		{"discarding", func() error { return Discard(path, "c") }},
		{"going back to what it is", func() error { return Revert(path, "b") }},
		{"merging", func() error { return Merge(context.Background(), path, "a", nil) }},
		{"merging the last", func() error { return Merge(context.Background(), path, "b", nil) }},
	}
	for _, step := range steps {
		must(t, step.do())
		if at := written(); !at.Equal(then) {
			t.Errorf("%s: it was written to at %v, and not %v", step.what, at, then)
		}
	}
	must(t, Freeze(path, "a"))
	l := layered(t, path)
	write(t, l, 2, 0, 1)
	closes(t, l)
	if at := written(); !at.After(then) {
		t.Errorf("it was written to since %v", at)
	}
	must(t, Merge(context.Background(), path, "a", nil))
	if at := written(); !at.After(then) {
		t.Errorf("what was written is forgotten: %v", at)
	}
}
