package sbd_test

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/lunarsan/lunar/sbd"
	"github.com/lunarsan/lunar/sbd/storetest"
)

// filesystem mounts a fresh file system of a kind on a loop device, or skips.
func filesystem(t *testing.T, kind string) string {
	t.Helper()
	mkfs, err := exec.LookPath("mkfs." + kind)
	if err != nil {
		t.Skipf("no mkfs.%s", kind)
	}
	image, folder := filepath.Join(t.TempDir(), "image"), t.TempDir()
	if err := os.WriteFile(image, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(image, 512<<20); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(mkfs, image).CombinedOutput(); err != nil {
		t.Fatalf("mkfs.%s: %v\n%s", kind, err, out)
	}
	if out, err := exec.Command("mount", "-o", "loop", image, folder).CombinedOutput(); err != nil {
		t.Skipf("cannot mount %s: %v %s", kind, err, out)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(folder, unix.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	return folder
}

// TestCopyBetweenFiles copies by the means of each file system, and by none between units that
// keep their space.
func TestCopyBetweenFiles(t *testing.T) {
	const size = 8 << 20
	places := map[string]func(t *testing.T) string{
		"disk":  func(t *testing.T) string { return t.TempDir() },
		"tmpfs": func(t *testing.T) string { return storetest.Memory(t) },
		"xfs":   func(t *testing.T) string { return filesystem(t, "xfs") },
		"btrfs": func(t *testing.T) string { return filesystem(t, "btrfs") },
	}
	for place, at := range places {
		t.Run(place, func(t *testing.T) {
			folder := at(t)
			for _, thin := range []bool{true, false} {
				cfg := sbd.Config{Thin: thin}
				unit := func(n byte) *sbd.Unit {
					path := filepath.Join(folder, "store")
					create(t, path, size, thin)
					defer os.Rename(path, path+string('0'+n))
					return another(t, n, cfg, open(t, path))
				}
				a, b := unit(0), unit(1)
				data := noise(size, 3)
				fillFrom(t, a, data)
				want := make([]byte, size)
				for _, c := range []struct{ from, off, n int64 }{
					{0, 0, size}, {0, 4 << 20, 2 << 20}, {512, 1 << 20, 1 << 20}, {4096, 1024, 3 << 20},
				} {
					if err := b.CopyFrom(sbd.Copy{From: a, FromOff: c.from, Off: c.off, N: c.n, Buffers: buffers(2)}); err != nil {
						t.Fatal(err)
					}
					copy(want[c.off:c.off+c.n], data[c.from:])
					if !bytes.Equal(contents(t, b), want) {
						t.Fatalf("%v came out wrong", c)
					}
				}
				fill(t, a, 7, 0, size)
				if !bytes.Equal(contents(t, b), want) {
					t.Error("a write to the source is in the copy")
				}
				m := b.Metrics()
				t.Logf("thin %t: %v", thin, m)
				reflinks := place == "xfs" || place == "btrfs"
				if thin && reflinks && m.CopySharedBytes == 0 || thin && m.CopyMovedBytes > 0 {
					t.Error("the file system was not asked")
				}
				if !thin && m.CopySharedBytes+m.CopyBelowBytes > 0 {
					t.Error("space was shared that is to be kept")
				}
			}
			if place == "xfs" || place == "btrfs" {
				path := filepath.Join(folder, "suite")
				storetest.Run(t, func(t *testing.T) sbd.Store {
					os.Remove(path)
					create(t, path, storetest.MinSize, true)
					return open(t, path)
				})
			}
		})
	}
}

// What the file system cannot do, or fails at, is read and written.
func TestCopyFallsBack(t *testing.T) {
	folder := t.TempDir()
	for i, c := range []struct {
		name string
		rule sbd.Rule
	}{
		{"it cannot", sbd.Rule{Calls: sbd.CallCopyFrom, Err: errors.ErrUnsupported}},
		{"it fails", sbd.Rule{Calls: sbd.CallCopyFrom, Err: sbd.ErrMedium}},
		{"the source fails it once", sbd.Rule{Calls: sbd.CallReadAt, Times: 1, Err: sbd.ErrMedium}},
	} {
		t.Run(c.name, func(t *testing.T) {
			stores := [2]*sbd.Faulty{}
			for n := range stores {
				path := filepath.Join(folder, string(rune('a'+2*i+n)))
				create(t, path, 4<<20, true)
				stores[n] = sbd.NewFaulty(open(t, path))
			}
			stores[0].Add(c.rule)
			stores[1].Add(sbd.Rule{Calls: c.rule.Calls & sbd.CallCopyFrom, Err: c.rule.Err})
			a := online(t, sbd.Config{Thin: true, WriteCache: true}, stores[0])
			b := another(t, 1, sbd.Config{Thin: true, WriteCache: true}, stores[1])
			fill(t, a, 5, 0, 1<<20)
			if err := b.CopyFrom(sbd.Copy{From: a, N: 1 << 20, Buffers: buffers(1)}); err != nil {
				t.Fatal(err)
			}
			holds(t, b, 5, 0, 1<<20)
			if m := b.Metrics(); m.CopyMovedBytes != 1<<20 {
				t.Errorf("%v", m)
			}
		})
	}
}
