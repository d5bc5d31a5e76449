//go:build unix

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

// TestDamage: what is kept about layers is damaged, or of somebody else, and each way to the volume
// says so, with the place, and changes nothing.
func TestDamage(t *testing.T) {
	const size = 1 << 20
	replaced := func(old, new string) func(t *testing.T, path string) {
		return func(t *testing.T, path string) {
			name := path + ".layers/stack.json"
			b, err := os.ReadFile(name)
			must(t, err)
			if !strings.Contains(string(b), old) {
				t.Fatalf("there is no %q in\n%s", old, b)
			}
			must(t, os.WriteFile(name, []byte(strings.Replace(string(b), old, new, 1)), 0o600))
		}
	}
	patched := func(file string, off int64, p string) func(t *testing.T, path string) {
		return func(t *testing.T, path string) {
			f, err := os.OpenFile(path+".layers/"+file, os.O_WRONLY, 0)
			must(t, err)
			_, err = f.WriteAt([]byte(p), off)
			must(t, errors.Join(err, f.Close()))
		}
	}
	cut := func(file string, size int64) func(t *testing.T, path string) {
		return func(t *testing.T, path string) { must(t, os.Truncate(path+file, size)) }
	}
	removed := func(file string) func(t *testing.T, path string) {
		return func(t *testing.T, path string) { must(t, os.Remove(path+file)) }
	}
	for name, test := range map[string]struct {
		do    func(t *testing.T, path string)
		want  error
		words string
	}{
		"no stack":             {removed(".layers/stack.json"), ErrDamaged, "stack.json is missing"},
		"empty stack":          {cut(".layers/stack.json", 0), ErrDamaged, "stack.json"},
		"half a stack":         {cut(".layers/stack.json", 100), ErrDamaged, "stack.json"},
		"a newer format":       {replaced(`"format": 1`, `"format": 2`), nil, "use a newer one"},
		"another file":         {replaced(`"file": 2`, `"file": 7`), ErrDamaged, "file 7"},
		"a base twice":         {replaced(`"file": 2`, `"file": 0`), ErrDamaged, "base"},
		"less than nothing":    {replaced(`"shows": 1048576`, `"shows": -1`), ErrDamaged, "shows"},
		"odd blocks":           {replaced(`"block": 16384`, `"block": 16383`), ErrDamaged, "blocks of 16383"},
		"other blocks":         {replaced(`"block": 16384`, `"block": 32768`), ErrDamaged, "2.map"},
		"a name that is none":  {replaced(`"name": "a"`, `"name": "../a"`), ErrDamaged, "../a"},
		"a key of another map": {replaced("\"file\": 2,\n\t\t\t\"key\": \"", "\"file\": 2,\n\t\t\t\"key\": \"7\", \"was\": \""), ErrDamaged, "2.map"},
		"a map's header":       {patched("2.map", 10, "x"), ErrDamaged, "sector 0"},
		"a map's bits":         {patched("2.map", 600, "x"), ErrDamaged, "sector 1"},
		"half a map":           {cut(".layers/2.map", 600), ErrDamaged, "2.map"},
		"no map":               {removed(".layers/2.map"), sbd.ErrGone, "2.map"},
		"no delta":             {removed(".layers/2.delta"), sbd.ErrGone, "2.delta"},
		"half a delta":         {cut(".layers/2.delta", 1000), ErrDamaged, "1000"},
		"half a base":          {cut("", 1000), sbd.ErrGone, "1000"},
		"another base":         {patched("../volume", 5000, "x"), ErrTouched, "touch -d @"},
	} {
		t.Run(name, func(t *testing.T) {
			path := volume(t, storetest.Memory(t), size)
			must(t, Freeze(path, "a"))
			s := open(t, path)
			write(t, s, 1, 0, size/2)
			closes(t, s)
			test.do(t, path)
			for what, call := range map[string]func() error{
				"Open": func() error {
					s, err := Open(path, sbd.OpenOptions{})
					if err == nil {
						s.Close()
					}
					return err
				},
				"Freeze": func() error { return Freeze(path, "b") },
			} {
				err := call()
				if err == nil || test.want != nil && !errors.Is(err, test.want) || !strings.Contains(err.Error(), test.words) || !strings.Contains(err.Error(), path) {
					t.Errorf("%s: %v, want %v and %q", what, err, test.want, test.words)
				}
			}
		})
	}
}

// TestRefusals: what is asked of layers that cannot be is refused, and says what it is about.
func TestRefusals(t *testing.T) {
	path := volume(t, storetest.Memory(t), 1<<20)
	ctx := context.Background()
	for what, err := range map[string]error{
		"At":      func() error { _, err := At(path, "a"); return err }(),
		"Merge":   Merge(ctx, path, "a", nil),
		"Revert":  Revert(path, "a"),
		"Clone":   func() error { _, err := Clone(path, "a", "c"); return err }(),
		"Discard": Discard(path, "c"),
		"Changes": func() error { _, err := Changes(path, "a", ""); return err }(),
	} {
		if !errors.Is(err, ErrNoLayer) {
			t.Errorf("%s without layers: %v", what, err)
		}
	}
	if all, err := List(path); err != nil || len(all) > 0 {
		t.Errorf("List without layers: %v, %v", all, err)
	}
	must(t, Merge(ctx, path, "", nil))
	if left, _ := filepath.Glob(path + ".layers"); len(left) > 0 {
		t.Error("a folder was made for nothing")
	}
	for _, name := range []string{"", ".", "..", "a/b", "a\x00", "a\nb", strings.Repeat("x", 201)} {
		if err := Freeze(path, name); err == nil {
			t.Errorf("Freeze as %q", name)
		}
	}
	must(t, Freeze(path, "a"))
	if err := Freeze(path, "a"); !errors.Is(err, ErrExists) {
		t.Errorf("Freeze twice: %v", err)
	}
	must(t, Freeze(path, "b"))
	clone, err := Clone(path, "a", "c")
	must(t, err)
	if _, err := Clone(path, "b", "c"); !errors.Is(err, ErrExists) {
		t.Errorf("Clone twice: %v", err)
	}
	if err := Merge(ctx, path, "a", nil); !errors.Is(err, ErrCloned) || !strings.Contains(err.Error(), `"c"`) {
		t.Errorf("Merge of what has clones: %v", err)
	}
	if err := Remove(path); !errors.Is(err, ErrCloned) {
		t.Errorf("Remove of what has clones: %v", err)
	}
	if _, err := Changes(path, "b", "a"); !errors.Is(err, ErrNoLayer) {
		t.Errorf("Changes backwards: %v", err)
	}
	s := open(t, clone)
	inUse := map[string]error{
		"Discard of a clone that is open":  Discard(path, "c"),
		"Revert of a clone that is open":   Revert(clone, "a"),
		"Open of a clone that is open":     func() error { _, err := Open(clone, sbd.OpenOptions{}); return err }(),
		"a reader of a clone that is open": func() error { _, err := Open(clone, sbd.OpenOptions{ReadOnly: true}); return err }(),
	}
	closes(t, s)
	at, err := At(path, "b")
	must(t, err)
	inUse["Merge of what is read"] = Merge(ctx, path, "b", nil)
	inUse["Revert past what is read"] = Revert(path, "a")
	inUse["Remove of what is read"] = Remove(path)
	closes(t, at)
	for what, err := range inUse {
		if !errors.Is(err, sbd.ErrInUse) && !errors.Is(err, ErrCloned) {
			t.Errorf("%s: %v", what, err)
		}
	}
	must(t, Discard(path, "c"))
	if _, err := Open(clone, sbd.OpenOptions{}); err == nil {
		t.Error("a clone that was discarded opens")
	}
	must(t, Remove(path))
	must(t, Remove(path))
}

// A clone that its volume does not know, as a crash may leave one, does not open, and is in
// nobody's way.
func TestOrphan(t *testing.T) {
	path := volume(t, storetest.Memory(t), 1<<20)
	must(t, Freeze(path, "a"))
	clone, err := Clone(path, "a", "c")
	must(t, err)
	kept := clone + ".kept"
	must(t, os.CopyFS(kept, os.DirFS(clone+".layers")))
	must(t, Discard(path, "c"))
	must(t, os.WriteFile(clone, nil, 0o600))
	must(t, os.Rename(kept, clone+".layers"))
	if _, err := Open(clone, sbd.OpenOptions{}); !errors.Is(err, sbd.ErrGone) {
		t.Errorf("it opens: %v", err)
	}
	clone, err = Clone(path, "a", "c")
	must(t, err)
	closes(t, open(t, clone))
}
