package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/lunarsan/lunar/stream/shelf"
	"github.com/lunarsan/lunar/stream/zfs"
)

// TestReceiveHostNames: what another machine calls tank/vm1 is a dataset, though a file should have
// that name in the folder we were started in.
func TestReceiveHostNames(t *testing.T) {
	folder := t.TempDir()
	t.Chdir(folder)
	file := filepath.Join(folder, "tank", "vm1")
	if err := os.Mkdir(filepath.Dir(file), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	h := &receiveHost{c: &cli{}}
	v, err := h.Volume(t.Context(), "tank/vm1")
	if _, ok := v.(*zfs.Volume); err != nil || !ok {
		t.Errorf("tank/vm1 is a %T, %v", v, err)
	}
	v, err = h.Volume(t.Context(), file)
	if _, ok := v.(*shelf.Shelf); err != nil || !ok {
		t.Errorf("%s is a %T, %v", file, v, err)
	}
}
