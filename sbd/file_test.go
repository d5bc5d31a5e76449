package sbd_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lunarsan/lunar/sbd"
	"github.com/lunarsan/lunar/sbd/storetest"
)

func create(t testing.TB, path string, size int64, thin bool) {
	t.Helper()
	if err := sbd.Create(path, size, thin); err != nil {
		t.Fatal(err)
	}
}

func open(t testing.TB, path string) sbd.Store {
	t.Helper()
	s, err := sbd.Open(path, sbd.OpenOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestFile(t *testing.T) {
	storetest.Folders(t, func(t *testing.T, folder string) {
		for _, thin := range []bool{true, false} {
			name := map[bool]string{true: "thin", false: "thick"}[thin]
			t.Run(name, func(t *testing.T) {
				storetest.Run(t, func(t *testing.T) sbd.Store {
					path := filepath.Join(folder, filepath.Base(t.Name())+name)
					create(t, path, storetest.MinSize+512, thin)
					return open(t, path)
				})
			})
		}
		t.Run("reopen", func(t *testing.T) {
			path := filepath.Join(folder, "reopen")
			create(t, path, storetest.MinSize, true)
			storetest.RunReopen(t, func(t *testing.T) sbd.Store { return open(t, path) })
		})
	})
}

func TestAStoreIsOpenedOnce(t *testing.T) {
	storetest.Folders(t, func(t *testing.T, folder string) {
		path := filepath.Join(folder, "store")
		create(t, path, 1<<20, true)
		ro := sbd.OpenOptions{ReadOnly: true}
		refused := func(o sbd.OpenOptions, path string) {
			t.Helper()
			_, err := sbd.Open(path, o)
			if !errors.Is(err, sbd.ErrInUse) || !strings.Contains(err.Error(), path) {
				t.Errorf("Open(%+v) again: %v, want ErrInUse and the path", o, err)
			}
		}
		first := open(t, path)
		refused(sbd.OpenOptions{}, path)
		refused(ro, path)
		link := path + " by another name"
		if err := os.Symlink(path, link); err != nil {
			t.Fatal(err)
		}
		refused(sbd.OpenOptions{}, link)
		if err := first.Close(); err != nil {
			t.Fatal(err)
		}

		a, err := sbd.Open(path, ro)
		if err != nil {
			t.Fatal(err)
		}
		b, err := sbd.Open(path, ro)
		if err != nil {
			t.Fatalf("a second reader: %v", err)
		}
		refused(sbd.OpenOptions{}, path)
		if _, err := a.WriteAt([]byte{1}, 0); !errors.Is(err, sbd.ErrReadOnly) {
			t.Errorf("WriteAt: %v, want ErrReadOnly", err)
		}
		for name, call := range map[string]func(off, n int64) error{"Unmap": a.(sbd.Unmapper).Unmap, "Zero": a.(sbd.Zeroer).Zero} {
			if err := call(0, 512); !errors.Is(err, sbd.ErrReadOnly) {
				t.Errorf("%s: %v, want ErrReadOnly", name, err)
			}
		}
		if err := a.(sbd.Resizer).Resize(1); !errors.Is(err, sbd.ErrReadOnly) {
			t.Errorf("Resize: %v, want ErrReadOnly", err)
		}
		if err := a.Sync(); err != nil {
			t.Errorf("Sync: %v", err)
		}
		a.Close()
		b.Close()
	})
}

// Another process holds the store: this test binary, started again.
func TestAnotherProcessHoldsTheStore(t *testing.T) {
	if path := os.Getenv("SBD_TEST_HOLD"); path != "" {
		open(t, path)
		fmt.Println("held")
		io.Copy(io.Discard, os.Stdin) // until the parent has looked
		return
	}
	path := filepath.Join(t.TempDir(), "store")
	create(t, path, 1<<20, true)
	cmd := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$")
	cmd.Env = append(os.Environ(), "SBD_TEST_HOLD="+path)
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if line != "held\n" {
		t.Errorf("the other process says %q, %v", line, err)
	}
	if _, err := sbd.Open(path, sbd.OpenOptions{}); !errors.Is(err, sbd.ErrInUse) {
		t.Errorf("Open: %v, want ErrInUse", err)
	}
	in.Close()
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
	open(t, path).Close() // a process that ended holds nothing
}

func TestWhatCannotBeOpened(t *testing.T) {
	folder := t.TempDir()
	empty := filepath.Join(folder, "empty")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]error{
		filepath.Join(folder, "missing"): sbd.ErrGone,
		folder:                           errors.ErrUnsupported,
		empty:                            sbd.ErrOutOfRange,
	} {
		_, err := sbd.Open(path, sbd.OpenOptions{})
		if !errors.Is(err, want) || !strings.Contains(err.Error(), path) {
			t.Errorf("Open(%s): %v, want %v and the path", path, err, want)
		}
	}
}

func TestCreate(t *testing.T) {
	storetest.Folders(t, func(t *testing.T, folder string) {
		full := filepath.Join(folder, "full")
		if err := os.WriteFile(full, []byte("precious"), 0o600); err != nil {
			t.Fatal(err)
		}
		for _, thin := range []bool{true, false} {
			if err := sbd.Create(full, 1<<20, thin); !errors.Is(err, fs.ErrExist) || !strings.Contains(err.Error(), full) {
				t.Errorf("Create over a file: %v, want fs.ErrExist and the path", err)
			}
			if got, err := os.ReadFile(full); string(got) != "precious" {
				t.Fatalf("Create left %q, %v", got, err)
			}
		}
		if err := sbd.Create(folder, 1<<20, true); !errors.Is(err, fs.ErrExist) {
			t.Errorf("Create over a folder: %v, want fs.ErrExist", err)
		}
		empty := filepath.Join(folder, "empty")
		if err := os.WriteFile(empty, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		create(t, empty, 1<<20, true)
		if s := open(t, empty); s.Size() != 1<<20 {
			t.Errorf("an empty file became one of %d bytes", s.Size())
		} else {
			s.Close()
		}
		for _, size := range []int64{0, -1} {
			path := filepath.Join(folder, "bad")
			if err := sbd.Create(path, size, true); !errors.Is(err, sbd.ErrOutOfRange) {
				t.Errorf("Create of %d bytes: %v", size, err)
			}
			if _, err := os.Stat(path); err == nil {
				t.Error("and it left a file")
			}
		}
		if err := sbd.Create(filepath.Join(folder, "no", "such"), 1<<20, true); err == nil {
			t.Error("Create in a folder that does not exist: no error")
		}
		// A size that no file system takes: what was made is removed.
		huge := filepath.Join(folder, "huge")
		if err := sbd.Create(huge, 1<<62, false); err == nil {
			t.Error("a file of 4 EiB with its space reserved: no error")
		}
		if _, err := os.Stat(huge); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("Create left its failed file behind: %v", err)
		}
	})
}
