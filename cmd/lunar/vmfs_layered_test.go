package main

import (
	"path/filepath"
	"testing"

	"github.com/lunarsan/lunar/sbd/layer"
)

// TestLayeredImage reads a VMFS volume through its layers while somebody has it open, and writes to
// it there.
func TestLayeredImage(t *testing.T) {
	path := filepath.Join(t.TempDir(), "disk")
	writeVolume(t, "6", []string{path})
	if err := layer.Freeze(path, "monday"); err != nil {
		t.Fatal(err)
	}
	s, err := layer.Open(path, layer.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.WriteAt([]byte("x"), 100<<20); err != nil {
		t.Fatal(err)
	}
	d, open, err := openDevice(path, 512, false)
	if err != nil {
		t.Fatal(err)
	}
	p := make([]byte, 1)
	if _, err := d.ReadAt(p, 100<<20-512); err != nil || p[0] != 'x' || d.Size != s.Size()-512 {
		t.Errorf("read %q of %d bytes (%v)", p, d.Size, err)
	}
	if err := open.Close(); err != nil {
		t.Error(err)
	}
	if _, err := openTarget(path, path, 0, false); err == nil {
		t.Error("it was opened for writing twice")
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	target, err := openTarget(path, path, 512, false)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := target.WriteAt([]byte("y"), 100<<20-512); err != nil {
		t.Fatal(err)
	}
	if err := target.Sync(); err != nil {
		t.Error(err)
	}
	if _, err := target.ReadAt(p, 100<<20-512); err != nil || p[0] != 'y' {
		t.Errorf("read %q (%v)", p, err)
	}
	if err := target.Medium.(*targetAt).Close(); err != nil {
		t.Error(err)
	}
	at, err := layer.At(path, "monday")
	if err != nil {
		t.Fatal(err)
	}
	defer at.Close()
	if _, err := at.ReadAt(p, 100<<20); err != nil || p[0] != 0 {
		t.Errorf("the layer has %q (%v)", p, err)
	}
}
