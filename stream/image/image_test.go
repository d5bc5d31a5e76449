//go:build unix

package image_test

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/lunarsan/lunar/stream/dmu"
	"github.com/lunarsan/lunar/stream/image"
)

// volume is a full stream of tank/vol@a, and packageABC one of @a, @b and @c.
const (
	volume     = "../dmu/testdata/volume.zs"
	packageABC = "../dmu/testdata/package.zs"
)

// applyTo applies streams to the store at path, each in an Open of its own.
func applyTo(t *testing.T, path string, streams ...string) error {
	t.Helper()
	for _, name := range streams {
		in, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		s, err := image.Open(path, image.Options{Create: true})
		if err != nil {
			t.Fatal(err)
		}
		modified, err := s.Modified()
		if err != nil {
			t.Fatal(err)
		}
		a := dmu.NewApplier(s, s.Chain(), s.Save, dmu.ApplyOptions{Blank: s.Blank(), Modified: modified})
		err = a.Apply(context.Background(), bytes.NewReader(in))
		if closed := s.Close(); closed != nil {
			t.Fatal(closed)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func TestApplyToFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "disk")
	if err := applyTo(t, path, volume, packageABC, volume); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil || info.Size() != 64<<10 || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
	p, err := os.ReadFile(path + ".lunar")
	if err != nil {
		t.Fatal(err)
	}
	c, err := dmu.ParseChain(p)
	if err != nil || c.State() != dmu.ChainComplete || len(c.Snapshots) != 3 || !c.Modified.Equal(info.ModTime()) {
		t.Errorf("%+v, %v", c, err)
	}
	if _, err := os.Stat(path + ".lunar.new"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a file is left over: %v", err)
	}
}

// TestModified: what somebody else wrote is noticed.
func TestModified(t *testing.T) {
	path := filepath.Join(t.TempDir(), "disk")
	if err := applyTo(t, path, volume); err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err == nil {
		_, err = f.WriteAt([]byte{1}, 100)
		err = errors.Join(err, f.Close())
	}
	if err != nil {
		t.Fatal(err)
	}
	if err := applyTo(t, path, packageABC); !errors.Is(err, dmu.ErrModified) {
		t.Errorf("%v, want %v", err, dmu.ErrModified)
	}
}

// TestRefusedLeavesNothing: a file that was made for a stream that was refused goes again, and
// one that was there stays.
func TestRefusedLeavesNothing(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "disk")
	if err := applyTo(t, path, "../dmu/testdata/all-records.zs"); !errors.Is(err, dmu.ErrPartial) {
		t.Fatal(err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 0 {
		t.Errorf("%v is left, %v", left, err)
	}
	if err := os.WriteFile(path, []byte("data"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := applyTo(t, path, volume); !errors.Is(err, dmu.ErrNotEmpty) {
		t.Fatal(err)
	}
	if p, err := os.ReadFile(path); err != nil || string(p) != "data" {
		t.Errorf("%q, %v", p, err)
	}
}

// TestEmptied: a file that was emptied for a full stream, and then the power went.
func TestEmptied(t *testing.T) {
	path := filepath.Join(t.TempDir(), "disk")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := applyTo(t, path, volume); err != nil {
		t.Error(err)
	}
}

func TestOpen(t *testing.T) {
	path := filepath.Join(t.TempDir(), "disk")
	if _, err := image.Open(path, image.Options{}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("one that is not there: %v", err)
	}
	s, err := image.Open(path, image.Options{Create: true})
	if err != nil {
		t.Fatal(err)
	}
	if !s.Blank() || s.Fixed() {
		t.Error("a new file is not blank, or fixed")
	}
	if _, err := image.Open(path, image.Options{}); !errors.Is(err, image.ErrInUse) {
		t.Errorf("one that is open: %v", err)
	}
	if _, err := s.WriteAt([]byte("data"), 1<<20); err != nil {
		t.Fatal(err)
	}
	if s.Blank() {
		t.Error("a file with data is blank")
	}
	if err := s.Punch(1<<20, 4); err != nil {
		t.Fatal(err)
	}
	if err := s.Forget(); err != nil {
		t.Fatal(err)
	}
	p := make([]byte, 4)
	if _, err := s.ReadAt(p, 1<<20); err != nil || !bytes.Equal(p, make([]byte, 4)) {
		t.Errorf("what was punched reads %x, %v", p, err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, make([]byte, 512), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path+".lunar", []byte("{}"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := image.Open(path, image.Options{}); !errors.Is(err, dmu.ErrChain) {
		t.Errorf("with a damaged chain: %v", err)
	}
	if _, err := image.Open("/dev/null", image.Options{Chain: path + ".lunar"}); err == nil {
		t.Error("/dev/null was opened")
	}
	if _, err := image.Open("/dev/null", image.Options{}); !errors.Is(err, image.ErrNoChain) {
		t.Errorf("a device without a chain: %v", err)
	}
}
