package sbd_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/lunarsan/lunar/sbd"
	"github.com/lunarsan/lunar/sbd/storetest"
)

// space returns the bytes that the file at path takes on its file system.
func space(t *testing.T, path string) int64 {
	t.Helper()
	var st unix.Stat_t
	if err := unix.Stat(path, &st); err != nil {
		t.Fatal(err)
	}
	return st.Blocks * 512
}

func TestThinAndThick(t *testing.T) {
	storetest.Folders(t, func(t *testing.T, folder string) {
		thin, thick := filepath.Join(folder, "thin"), filepath.Join(folder, "thick")
		create(t, thin, 8<<20, true)
		create(t, thick, 8<<20, false)
		if n := space(t, thin); n != 0 {
			t.Errorf("a thin file takes %d bytes", n)
		}
		if n := space(t, thick); n < 8<<20 {
			t.Errorf("a thick file takes %d bytes", n)
		}
	})
}

func TestUnmapAndZeroSpace(t *testing.T) {
	storetest.Folders(t, func(t *testing.T, folder string) {
		path := filepath.Join(folder, "store")
		create(t, path, 8<<20, true)
		u := online(t, sbd.Config{WriteCache: true, Thin: true}, open(t, path))
		op := &sbd.Op{MayBlock: true}
		fill(t, u, 'x', 0, 8<<20)
		if err := u.Unmap(op, 1<<20, 4<<20, true); err != nil {
			t.Fatal(err)
		}
		if n := space(t, path); n < 4<<20 || n > 4<<20+64<<10 {
			t.Errorf("%d bytes taken after half of 8 MiB was given back", n)
		}
		for _, c := range []struct {
			off, n int64
			mapped bool
		}{{0, 1 << 20, true}, {1 << 20, 4 << 20, false}, {3<<20 + 1, 2<<20 - 1, false}, {5 << 20, 3 << 20, true}} {
			if mapped, n, err := u.Mapped(op, c.off); mapped != c.mapped || n != c.n || err != nil {
				t.Errorf("Mapped(%d) = %t, %d, %v, want %t, %d", c.off, mapped, n, err, c.mapped, c.n)
			}
		}
		if err := u.Zero(op, 0, 8<<20, true); err != nil {
			t.Fatal(err)
		}
		if n := space(t, path); n < 8<<20 {
			t.Errorf("%d bytes taken after all of 8 MiB was zeroed", n)
		}
		holds(t, u, 0, 0, 8<<20)
	})
}

// However the medium goes away, the unit says ErrGone and leaves what is there alone.
func TestAFileThatGoesAway(t *testing.T) {
	storetest.Folders(t, func(t *testing.T, folder string) {
		for name, harm := range map[string]func(path string) error{
			"deleted": os.Remove,
			"replaced": func(path string) error {
				os.WriteFile(path+"2", make([]byte, 1<<20), 0o600)
				return os.Rename(path+"2", path)
			},
			"truncated":         func(path string) error { return os.Truncate(path, 4096) },
			"truncated to zero": func(path string) error { return os.Truncate(path, 0) },
		} {
			t.Run(name, func(t *testing.T) {
				path := filepath.Join(folder, filepath.Base(t.Name()))
				create(t, path, 1<<20, true)
				u := online(t, sbd.Config{WriteCache: true, Thin: true}, open(t, path))
				fill(t, u, 'x', 0, 1<<20)
				if err := harm(path); err != nil {
					t.Fatal(err)
				}
				size, _ := os.Stat(path)
				op := &sbd.Op{MayBlock: true}
				for what, err := range map[string]error{
					"WriteAt": u.WriteAt(op, make([]byte, 512), 512<<10, false),
					"inside":  u.WriteAt(op, make([]byte, 512), 0, false),
					"Unmap":   u.Unmap(op, 0, 1<<20, false),
					"Zero":    u.Zero(op, 0, 1<<20, false),
					"Resize":  u.Resize(2 << 20),
				} {
					if !errors.Is(err, sbd.ErrGone) {
						t.Errorf("%s: %v, want ErrGone", what, err)
					}
				}
				if err := u.WriteAt(new(sbd.Op), make([]byte, 512), 0, false); !errors.Is(err, sbd.ErrGone) && !errors.Is(err, sbd.ErrWouldBlock) {
					t.Errorf("WriteAt inline: %v, want ErrGone", err)
				}
				err := u.ReadAt(op, make([]byte, 512), 512<<10)
				if size != nil && size.Size() < 1<<20 && !errors.Is(err, sbd.ErrGone) {
					t.Errorf("ReadAt behind the end: %v, want ErrGone", err)
				}
				if err := u.Sync(op); !errors.Is(err, sbd.ErrGone) || !errors.Is(err, sbd.ErrSyncFailed) {
					t.Errorf("Sync: %v, want ErrGone", err)
				}
				if now, _ := os.Stat(path); size != nil && now.Size() != size.Size() {
					t.Errorf("the file was %d bytes and is %d", size.Size(), now.Size())
				}
			})
		}
	})
}

func TestNoSpace(t *testing.T) {
	folder := smallDisk(t, 1<<20)
	path := filepath.Join(folder, "store")
	create(t, path, 8<<20, true)
	u := online(t, sbd.Config{WriteCache: true, Thin: true}, open(t, path))
	op := &sbd.Op{MayBlock: true}
	fill(t, u, 'a', 0, 512<<10)
	var err error
	off := int64(512 << 10)
	for p := make([]byte, 64<<10); err == nil && off < 8<<20; off += int64(len(p)) {
		err = u.WriteAt(op, p, off, false)
	}
	if !errors.Is(err, sbd.ErrNoSpace) {
		t.Fatalf("8 MiB into 1 MiB: %v, want ErrNoSpace", err)
	}
	holds(t, u, 'a', 0, 512<<10)
	fill(t, u, 'b', 0, 4096) // what has space can be written
	if err := u.Zero(op, 4<<20, 1<<20, false); !errors.Is(err, sbd.ErrNoSpace) {
		t.Errorf("Zero: %v, want ErrNoSpace", err)
	}
	if err := u.Unmap(op, 256<<10, 8<<20-256<<10, false); err != nil {
		t.Errorf("Unmap on a full disk: %v", err)
	}
	fill(t, u, 'c', 4<<20, 64<<10)
	if u.Err() != nil {
		t.Errorf("the unit went offline: %v", u.Err())
	}

	big := filepath.Join(folder, "big")
	if err := sbd.Create(big, 8<<20, false); !errors.Is(err, sbd.ErrNoSpace) {
		t.Errorf("a thick file of 8 MiB on 1 MiB: %v, want ErrNoSpace", err)
	}
	if _, err := os.Stat(big); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Create left its failed file behind: %v", err)
	}
}

// smallDisk mounts a tmpfs of size bytes, or skips.
func smallDisk(t *testing.T, size int64) string {
	folder := t.TempDir()
	if err := unix.Mount("tmpfs", folder, "tmpfs", 0, fmt.Sprintf("size=%d", size)); err != nil {
		t.Skipf("cannot mount a small tmpfs: %v", err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(folder, unix.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	return folder
}

func TestReadOnlyFileSystem(t *testing.T) {
	folder := smallDisk(t, 4<<20)
	path := filepath.Join(folder, "store")
	create(t, path, 1<<20, false)
	if err := unix.Mount("", folder, "", unix.MS_REMOUNT|unix.MS_RDONLY, ""); err != nil {
		t.Skipf("cannot remount: %v", err)
	}
	if _, err := sbd.Open(path, sbd.OpenOptions{}); !errors.Is(err, sbd.ErrReadOnly) {
		t.Errorf("Open for writing: %v, want ErrReadOnly", err)
	}
	s, err := sbd.Open(path, sbd.OpenOptions{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	u := online(t, sbd.Config{WriteCache: true}, s)
	holds(t, u, 0, 0, 1<<20)
}

// What is not in the page cache would block, until it was read.
func TestTryReadAtOfWhatIsNotInMemory(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store")
	create(t, path, 1<<20, true)
	s := open(t, path)
	u := online(t, sbd.Config{WriteCache: true}, s)
	fill(t, u, 'x', 0, 1<<20)
	op, p := new(sbd.Op), make([]byte, 4096)
	if err := u.ReadAt(op, p, 512<<10); errors.Is(err, sbd.ErrWouldBlock) {
		t.Skip("the file system does not read without blocking")
	} else if err != nil {
		t.Fatal(err)
	}
	if err := s.Sync(); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := unix.Fadvise(int(f.Fd()), 0, 0, unix.FADV_RANDOM); err != nil {
		t.Fatal(err)
	}
	// The kernel keeps pages that another processor is about to put on a list: ask again.
	blocks := func(read func() error) bool {
		for range 1000 {
			if err := unix.Fadvise(int(f.Fd()), 0, 1<<20, unix.FADV_DONTNEED); err != nil {
				t.Fatal(err)
			}
			if errors.Is(read(), sbd.ErrWouldBlock) {
				return true
			}
		}
		return false
	}
	if !blocks(func() error { return u.ReadAt(op, p, 512<<10) }) {
		t.Error("ReadAt from the disk never would block")
	}
	// A page of two: the kernel answers with the half that it has.
	if !blocks(func() error {
		if _, err := f.ReadAt(p, 256<<10); err != nil {
			t.Fatal(err)
		}
		if err := u.ReadAt(op, p, 256<<10); err != nil {
			t.Errorf("ReadAt of the page that was read: %v", err)
		}
		return u.ReadAt(op, make([]byte, 8192), 256<<10)
	}) {
		t.Error("ReadAt of that and the next never would block")
	}
	holds(t, u, 'x', 0, 1<<20)
	if err := u.ReadAt(op, p, 512<<10); err != nil || p[0] != 'x' || p[4095] != 'x' {
		t.Errorf("ReadAt of what was read before: %v", err)
	}
}

func TestAdviceOfAFile(t *testing.T) {
	storetest.Folders(t, func(t *testing.T, folder string) {
		path := filepath.Join(folder, "store")
		create(t, path, 1<<20, true)
		u := online(t, sbd.Config{}, open(t, path))
		var st unix.Statfs_t
		if err := unix.Statfs(path, &st); err != nil {
			t.Fatal(err)
		}
		block := int64(st.Bsize)
		if a := u.Advice(); a.Granularity < block || a.Granularity%block != 0 || a.Optimal != a.Granularity {
			t.Errorf("Advice() = %+v on a file system of blocks of %d", a, block)
		}
	})
}

// TestDirect runs the contract past the page cache, and looks whether it is past it.
func TestDirect(t *testing.T) {
	folder := t.TempDir()
	direct := func(t *testing.T, path string) sbd.Store {
		s, err := sbd.Open(path, sbd.OpenOptions{Direct: 4096})
		if errors.Is(err, errors.ErrUnsupported) {
			t.Skip(err)
		}
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	storetest.Run(t, func(t *testing.T) sbd.Store {
		path := filepath.Join(folder, filepath.Base(t.Name()))
		create(t, path, storetest.MinSize, true)
		return direct(t, path)
	})
	t.Run("reopen", func(t *testing.T) {
		path := filepath.Join(folder, "reopen")
		create(t, path, storetest.MinSize, true)
		storetest.RunReopen(t, func(t *testing.T) sbd.Store { return direct(t, path) })
	})
	t.Run("waits for the medium", func(t *testing.T) {
		path := filepath.Join(folder, "waits")
		create(t, path, 1<<20, true)
		u := online(t, sbd.Config{WriteCache: true}, direct(t, path))
		fill(t, u, 'x', 0, 1<<20)
		if err := u.ReadAt(new(sbd.Op), make([]byte, 4096), 0); !errors.Is(err, sbd.ErrWouldBlock) {
			t.Errorf("ReadAt: %v, want ErrWouldBlock", err)
		}
	})
	t.Run("odd size", func(t *testing.T) {
		path := filepath.Join(folder, "odd")
		create(t, path, 1<<20+100, true)
		if _, err := sbd.Open(path, sbd.OpenOptions{Direct: 512}); !errors.Is(err, errors.ErrUnsupported) {
			t.Errorf("Open: %v, want ErrUnsupported", err)
		}
	})
}

// TestCloseUnlocks: a copy of a store's descriptor, as a child has between fork and exec, does not
// keep the store locked.
func TestCloseUnlocks(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store")
	create(t, path, 1<<20, true)
	s, err := sbd.Open(path, sbd.OpenOptions{})
	if err != nil {
		t.Fatal(err)
	}
	fds, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	held := -1
	for _, fd := range fds {
		if to, err := os.Readlink("/proc/self/fd/" + fd.Name()); err == nil && to == path {
			n, err := strconv.Atoi(fd.Name())
			if err != nil {
				t.Fatal(err)
			}
			if held, err = unix.FcntlInt(uintptr(n), unix.F_DUPFD_CLOEXEC, 0); err != nil {
				t.Fatal(err)
			}
			defer unix.Close(held)
		}
	}
	if held < 0 {
		t.Fatalf("no descriptor of %s", path)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s, err = sbd.Open(path, sbd.OpenOptions{})
	if err != nil {
		t.Fatal(err)
	}
	s.Close()
}
