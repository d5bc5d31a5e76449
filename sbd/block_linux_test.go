package sbd_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/lunarsan/lunar/sbd"
	"github.com/lunarsan/lunar/sbd/storetest"
)

func TestDevice(t *testing.T) {
	for _, blockSize := range []uint32{512, 4096} {
		t.Run(fmt.Sprint(blockSize), func(t *testing.T) {
			newDevice := func(t *testing.T) string {
				path := filepath.Join(t.TempDir(), "disk")
				create(t, path, storetest.MinSize+8192, true)
				return storetest.Loop(t, path, blockSize)
			}
			storetest.Run(t, func(t *testing.T) sbd.Store { return open(t, newDevice(t)) })
			t.Run("reopen", func(t *testing.T) {
				name := newDevice(t)
				storetest.RunReopen(t, func(t *testing.T) sbd.Store { return open(t, name) })
			})
		})
	}
}

func TestADeviceIsOpenedOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "disk")
	create(t, path, 1<<20, true)
	name := storetest.Loop(t, path, 512)
	s := open(t, name)
	for _, o := range []sbd.OpenOptions{{}, {ReadOnly: true}} {
		if _, err := sbd.Open(name, o); !errors.Is(err, sbd.ErrInUse) || !strings.Contains(err.Error(), name) {
			t.Errorf("Open(%+v) again: %v, want ErrInUse and the name", o, err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	// The kernel holds a mounted device the same way.
	holder, err := unix.Open(name, unix.O_RDONLY|unix.O_EXCL|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(holder)
	if _, err := sbd.Open(name, sbd.OpenOptions{}); !errors.Is(err, sbd.ErrInUse) {
		t.Errorf("Open of a held device: %v, want ErrInUse", err)
	}
}

func TestCreateOverADevice(t *testing.T) {
	path := filepath.Join(t.TempDir(), "disk")
	create(t, path, 1<<20, true)
	name := storetest.Loop(t, path, 512)
	if err := sbd.Create(name, 1<<20, true); !errors.Is(err, os.ErrExist) {
		t.Errorf("Create over a device: %v, want fs.ErrExist", err)
	}
}

// Unmap of a device frees what the device can free, and the page cache does not hide it.
func TestDeviceUnmapFrees(t *testing.T) {
	path := filepath.Join(t.TempDir(), "disk")
	create(t, path, 8<<20, true)
	u := online(t, sbd.Config{WriteCache: true, Thin: true}, open(t, storetest.Loop(t, path, 4096)))
	op := &sbd.Op{MayBlock: true}
	fill(t, u, 'x', 0, 8<<20)
	if err := u.Sync(op); err != nil {
		t.Fatal(err)
	}
	const from, n = 1<<20 + 512, 4 << 20 // not in whole blocks of the device
	if err := u.Unmap(op, from, n, true); err != nil {
		t.Fatal(err)
	}
	holds(t, u, 'x', 0, from)
	holds(t, u, 0, from, n)
	holds(t, u, 'x', from+n, 8<<20-from-n)
	if got := space(t, path); got > 4<<20+64<<10 {
		t.Errorf("%d bytes are taken after 4 of 8 MiB were given back", got)
	}
	disk, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if zeros := bytes.Count(disk, []byte{0}); zeros != n {
		t.Errorf("%d zeros on the medium, want %d", zeros, n)
	}
}

// A device that grows below the unit can be resized into; one that shrinks has gone.
func TestADeviceThatChangesItsSize(t *testing.T) {
	path := filepath.Join(t.TempDir(), "disk")
	create(t, path, 4<<20, true)
	name := storetest.Loop(t, path, 512)
	u := online(t, sbd.Config{WriteCache: true}, open(t, name))
	resize := func(size int64) {
		t.Helper()
		if err := os.Truncate(path, size); err != nil {
			t.Fatal(err)
		}
		device, err := os.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		defer device.Close()
		if err := unix.IoctlSetInt(int(device.Fd()), unix.LOOP_SET_CAPACITY, 0); err != nil {
			t.Fatal(err)
		}
	}
	if err := u.Resize(8 << 20); !errors.Is(err, sbd.ErrOutOfRange) {
		t.Errorf("Resize before the device grew: %v, want ErrOutOfRange", err)
	}
	resize(8 << 20)
	if err := u.Resize(8 << 20); err != nil {
		t.Fatal(err)
	}
	fill(t, u, 'x', 8<<20-512, 512)
	resize(4 << 20)
	op := &sbd.Op{MayBlock: true}
	if err := u.WriteAt(op, make([]byte, 512), 6<<20, false); !errors.Is(err, sbd.ErrGone) {
		t.Errorf("WriteAt behind the new end: %v, want ErrGone", err)
	}
	if err := u.ReadAt(op, make([]byte, 512), 6<<20); !errors.Is(err, sbd.ErrGone) {
		t.Errorf("ReadAt behind the new end: %v, want ErrGone", err)
	}
}

func TestAdviceOfADevice(t *testing.T) {
	path := filepath.Join(t.TempDir(), "disk")
	create(t, path, 1<<20, true)
	name := storetest.Loop(t, path, 4096)
	number := func(attribute string) (n int64) {
		text, err := os.ReadFile(filepath.Join("/sys/block", filepath.Base(name), "queue", attribute))
		if err != nil {
			t.Skip(err)
		}
		fmt.Sscan(string(text), &n)
		return n
	}
	u := online(t, sbd.Config{}, open(t, name))
	want := sbd.Advice{
		Granularity: number("discard_granularity"),
		Optimal:     number("optimal_io_size"),
		Rotational:  number("rotational") == 1,
	}
	if got := u.Advice(); got != want || got.Granularity == 0 {
		t.Errorf("Advice() = %+v, want %+v", got, want)
	}
}
