package main

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/spf13/cobra"
)

// TestMapped looks at a file in memory for longer than it keeps pages, and has an image that
// shrinks be an error.
func TestMapped(t *testing.T) {
	name := filepath.Join(t.TempDir(), "image")
	want := bytes.Repeat([]byte("0123456789abcdef"), 1<<16)
	if err := os.WriteFile(name, want, 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	m, err := mapFile(f, int64(len(want)))
	if err != nil {
		t.Fatal(err)
	}
	first := m.Slice(16, 16)
	for i := range 2 * keepMapped / around {
		off := int64(i) * 4096 % int64(len(want))
		if !bytes.Equal(m.Slice(off, 4096), want[off:off+4096]) {
			t.Fatalf("it shows something else at %d", off)
		}
	}
	if string(first) != "0123456789abcdef" {
		t.Errorf("what was shown first is %q now", first)
	}
	for _, off := range []int64{-1, int64(len(want)) - 15, int64(len(want))} {
		if m.Slice(off, 16) != nil {
			t.Errorf("it shows 16 bytes at %d", off)
		}
	}
	if err := os.Truncate(name, 4096); err != nil {
		t.Fatal(err)
	}
	c := &cli{world: world{stdout: io.Discard, stderr: io.Discard}}
	cmd := c.vmfsVerb("look", "", func(*cobra.Command, []string) error {
		_ = bytes.Count(m.Slice(512<<10, 4096), []byte("0"))
		return nil
	})
	if err := cmd.RunE(cmd, nil); err == nil || hintOf(err) == "" {
		t.Errorf("an image that shrank gives %v", err)
	}
	if err := m.Close(); err != nil {
		t.Error(err)
	}
}
