package control

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// testState is the contract of a State: open is called again after each Close.
func testState(t *testing.T, open func(t *testing.T) State) {
	keys := func(t *testing.T, s State, prefix string) (found []string) {
		t.Helper()
		if err := s.View(func(tx Tx) error {
			for k, v := range tx.Scan(prefix) {
				found = append(found, k+"="+string(v))
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		return found
	}
	put := func(s State, keys ...string) error {
		return s.Update(func(tx Tx) error {
			for _, k := range keys {
				if err := tx.Put(k, []byte("value of "+k)); err != nil {
					return err
				}
			}
			return nil
		})
	}
	s := open(t)

	t.Run("empty", func(t *testing.T) {
		if got := keys(t, s, ""); got != nil {
			t.Errorf("a new state holds %v", got)
		}
	})
	t.Run("order and prefix", func(t *testing.T) {
		if err := put(s, "b/2", "a/1", "b/1", "c", "b"); err != nil {
			t.Fatal(err)
		}
		want := []string{"b/1=value of b/1", "b/2=value of b/2"}
		if diff := cmp.Diff(want, keys(t, s, "b/")); diff != "" {
			t.Errorf("keys below b/ (-want +got):\n%s", diff)
		}
		if err := s.View(func(tx Tx) error {
			for k := range tx.Scan("b") {
				if k != "b" {
					t.Errorf("the scan goes on to %q after the loop was left", k)
				}
				break
			}
			return nil
		}); err != nil {
			t.Error(err)
		}
	})
	t.Run("get", func(t *testing.T) {
		if err := s.View(func(tx Tx) error {
			if got := string(tx.Get("a/1")); got != "value of a/1" {
				t.Errorf("got %q", got)
			}
			if got := tx.Get("a/2"); got != nil {
				t.Errorf("a missing key has the value %q", got)
			}
			return nil
		}); err != nil {
			t.Error(err)
		}
	})
	t.Run("an abandoned change leaves nothing", func(t *testing.T) {
		before := keys(t, s, "")
		err := s.Update(func(tx Tx) error {
			return errors.Join(tx.Put("d", []byte("x")), tx.Delete("c"), errBroken)
		})
		if !errors.Is(err, errBroken) {
			t.Errorf("error %v, want the one of the change", err)
		}
		if diff := cmp.Diff(before, keys(t, s, "")); diff != "" {
			t.Errorf("(-before +after):\n%s", diff)
		}
	})
	t.Run("a change sees itself", func(t *testing.T) {
		if err := s.Update(func(tx Tx) error {
			if err := tx.Put("e", []byte("1")); err != nil {
				return err
			}
			if got := string(tx.Get("e")); got != "1" {
				t.Errorf("got %q", got)
			}
			return errors.Join(tx.Delete("e"), tx.Delete("never there"))
		}); err != nil {
			t.Error(err)
		}
		if got := keys(t, s, "e"); got != nil {
			t.Errorf("deleted in the same change, and still there: %v", got)
		}
	})
	t.Run("a view changes nothing", func(t *testing.T) {
		if err := s.View(func(tx Tx) error { return tx.Put("f", []byte("x")) }); err == nil {
			t.Error("Put in a View gave no error")
		}
		if err := s.View(func(tx Tx) error { return tx.Delete("c") }); err == nil {
			t.Error("Delete in a View gave no error")
		}
	})
	t.Run("all is there again", func(t *testing.T) {
		before := keys(t, s, "")
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		s = open(t)
		if diff := cmp.Diff(before, keys(t, s, "")); diff != "" {
			t.Errorf("(-before +after):\n%s", diff)
		}
	})
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

func TestBoltState(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "deep", "state")
	testState(t, func(t *testing.T) State {
		t.Helper()
		return must(openBolt(dir))(t)
	})
	for path, want := range map[string]os.FileMode{dir: 0o700, filepath.Join(dir, boltFile): 0o600} {
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != want {
			t.Errorf("%s: %v, %v, want %v", path, info.Mode(), err, want)
		}
	}
}
