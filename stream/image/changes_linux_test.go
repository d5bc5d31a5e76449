package image_test

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/lunarsan/lunar/sbd/storetest"
	"github.com/lunarsan/lunar/stream/dmu"
	"github.com/lunarsan/lunar/stream/image"
)

// reflink makes a copy that shares its extents.
func reflink(t *testing.T, from, to string) {
	t.Helper()
	if out, err := exec.Command("cp", "--reflink=always", from, to).CombinedOutput(); err != nil {
		t.Fatalf("%s", out)
	}
}

func openReadOnly(t *testing.T, path string) *image.Store {
	t.Helper()
	s, err := image.Open(path, image.Options{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// TestChanges: what extents tell to be unchanged is, after writes of every kind, and streams of
// the changes apply to the same bytes.
func TestChanges(t *testing.T) {
	for _, kind := range []string{"xfs", "btrfs"} {
		t.Run(kind, func(t *testing.T) {
			folder := storetest.Mount(t, kind)
			const size = 16 << 20
			disk := filepath.Join(folder, "disk")
			f, err := os.OpenFile(disk, os.O_RDWR|os.O_CREATE, 0o600)
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			if err := f.Truncate(size); err != nil {
				t.Fatal(err)
			}
			random := rand.New(rand.NewPCG(1, 2))
			noise := func(n int) []byte {
				p := make([]byte, n)
				for i := range p {
					p[i] = byte(random.Uint32())
				}
				return p
			}
			write := func(off int64, p []byte) {
				t.Helper()
				if _, err := f.WriteAt(p, off); err != nil {
					t.Fatal(err)
				}
			}
			write(1<<20, noise(6<<20))
			replica := filepath.Join(t.TempDir(), "replica")
			before := ""
			for n, change := range []func(){
				func() {},
				func() { write(2<<20, noise(4096)) },
				func() { write(3<<20+100, noise(7)); write(12<<20, noise(64<<10)) },
				func() {
					if err := unix.Fallocate(int(f.Fd()), unix.FALLOC_FL_PUNCH_HOLE|unix.FALLOC_FL_KEEP_SIZE, 4<<20, 1<<20); err != nil {
						t.Fatal(err)
					}
				},
				func() {
					if err := unix.Fallocate(int(f.Fd()), 0, 8<<20, 1<<20); err != nil {
						t.Fatal(err)
					}
				},
				func() { write(8<<20+4096, noise(8192)) },
				func() {
					for range 700 { // more extents than one call tells of
						write(random.Int64N(size/4096)*4096, noise(4096))
					}
				},
				func() { write(random.Int64N(size/4096)*4096, noise(100)) },
				func() { write(1<<20, make([]byte, 1<<20)) },
				func() {
					if err := f.Truncate(size + 1<<20); err != nil {
						t.Fatal(err)
					}
					write(size+512<<10, noise(512))
				},
				func() {
					if err := f.Truncate(size / 2); err != nil {
						t.Fatal(err)
					}
				},
			} {
				change()
				path := filepath.Join(folder, fmt.Sprint(n))
				reflink(t, disk, path)
				now := openReadOnly(t, path)
				o := dmu.GenerateOptions{Snapshot: dmu.Link{GUID: uint64(n + 1), From: uint64(n), Name: fmt.Sprintf("tank/vol@%d", n), BlockSize: 16 << 10}}
				if before != "" {
					was := openReadOnly(t, before)
					o.BaseSize = uint64(was.Size())
					changes, err := image.OpenChanges(now, was)
					if err != nil || changes == nil {
						t.Fatalf("%v, %v", changes, err)
					}
					defer changes.Close()
					o.Changes = told(t, n, changes, now, was)
				}
				if err := now.Settle(); err != nil {
					t.Fatal(err)
				}
				var stream bytes.Buffer
				if _, err := dmu.NewGenerator(now, o).Generate(context.Background(), &stream); err != nil {
					t.Fatal(err)
				}
				file := filepath.Join(t.TempDir(), "stream")
				if err := os.WriteFile(file, stream.Bytes(), 0o600); err != nil {
					t.Fatal(err)
				}
				if err := applyTo(t, replica, file); err != nil {
					t.Fatalf("change %d: %v", n, err)
				}
				if !bytes.Equal(read(t, replica), read(t, path)) {
					t.Fatalf("change %d: the replica has other bytes", n)
				}
				before = path
			}
		})
	}
}

// ranges are changes that were all asked for.
type ranges [][2]int64

func (r ranges) Next(off int64) (from, n int64, err error) {
	for _, x := range r {
		if x[1] > off {
			return x[0], x[1] - x[0], nil
		}
	}
	return 0, 0, nil
}

// told holds what is told to be unchanged against the bytes, and against being everything.
func told(t *testing.T, n int, changes dmu.Changes, now, was *image.Store) (all ranges) {
	t.Helper()
	size := min(now.Size(), was.Size())
	changed := int64(0)
	for at := int64(0); at < size; {
		from, length, err := changes.Next(at)
		if err != nil {
			t.Fatal(err)
		}
		if length == 0 {
			from, length = size, 0
		}
		if from > size {
			from = size
		}
		a, b := make([]byte, from-at), make([]byte, from-at)
		if _, err := now.ReadAt(a, at); err != nil {
			t.Fatal(err)
		}
		if _, err := was.ReadAt(b, at); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(a, b) {
			t.Fatalf("change %d: bytes %d to %d are not what they were", n, at, from)
		}
		if length == 0 {
			break
		}
		all = append(all, [2]int64{from, from + length})
		at = from + length
		changed += length
	}
	if changed > size*3/4 {
		t.Errorf("change %d: %d of %d bytes are told to have changed", n, changed, size)
	}
	return all
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	p, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// TestChangesUntold: where extents tell nothing, nothing is told.
func TestChangesUntold(t *testing.T) {
	folder := t.TempDir()
	other, err := os.MkdirTemp("/dev/shm", "lunar")
	if err != nil {
		t.Skip(err)
	}
	t.Cleanup(func() { os.RemoveAll(other) })
	var stores []*image.Store
	for _, path := range []string{filepath.Join(folder, "a"), filepath.Join(other, "b"), filepath.Join(other, "c")} {
		if err := os.WriteFile(path, make([]byte, 4096), 0o600); err != nil {
			t.Fatal(err)
		}
		stores = append(stores, openReadOnly(t, path))
	}
	for _, pair := range [][2]int{{0, 1}, {1, 2}} {
		if c, err := image.OpenChanges(stores[pair[0]], stores[pair[1]]); c != nil || err != nil {
			t.Errorf("%v: %v, %v", pair, c, err)
		}
	}
}

// TestChangesUnsynced: what is in memory alone counts as changed.
func TestChangesUnsynced(t *testing.T) {
	for _, kind := range []string{"xfs", "btrfs"} {
		t.Run(kind, func(t *testing.T) {
			folder := storetest.Mount(t, kind)
			disk, before := filepath.Join(folder, "disk"), filepath.Join(folder, "before")
			if err := os.WriteFile(disk, bytes.Repeat([]byte{1}, 1<<20), 0o600); err != nil {
				t.Fatal(err)
			}
			reflink(t, disk, before)
			f, err := os.OpenFile(disk, os.O_RDWR, 0)
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			if _, err := f.WriteAt([]byte{2}, 512<<10); err != nil {
				t.Fatal(err)
			}
			now, was := openReadOnly(t, disk), openReadOnly(t, before)
			changes, err := image.OpenChanges(now, was)
			if err != nil || changes == nil {
				t.Fatalf("%v, %v", changes, err)
			}
			defer changes.Close()
			if all := told(t, 0, changes, now, was); len(all) == 0 {
				t.Error("nothing is told to have changed")
			}
		})
	}
}
