package main

import (
	"os"
	"path/filepath"
	"testing"
)

// TestSettle: a file gets its name when it is whole, and one that is not known to be leaves what
// had the name alone.
func TestSettle(t *testing.T) {
	for _, c := range []struct {
		name  string
		spoil func(*os.File) error
		want  string
	}{
		{"whole", func(*os.File) error { return nil }, "new"},
		{"closed", (*os.File).Close, "old"},
		{"gone", func(f *os.File) error { return os.Remove(f.Name()) }, "old"},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "stream.zs")
			if err := os.WriteFile(path, []byte("old"), 0o600); err != nil {
				t.Fatal(err)
			}
			f, err := os.Create(path + partial)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := f.WriteString("new"); err != nil {
				t.Fatal(err)
			}
			if err := c.spoil(f); err != nil {
				t.Fatal(err)
			}
			if err := settle(f, path); (err == nil) != (c.want == "new") {
				t.Errorf("settle: %v", err)
			}
			if got, err := os.ReadFile(path); err != nil || string(got) != c.want {
				t.Errorf("%q, %v; want %q", got, err, c.want)
			}
			if _, err := os.Stat(f.Name()); !os.IsNotExist(err) {
				t.Errorf("%s is left behind (%v)", f.Name(), err)
			}
		})
	}
}
