package zfs

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lunarsan/lunar/stream"
)

// TestClaim: a lock that somebody else has on the node is waited for as long as it may be udev's.
func TestClaim(t *testing.T) {
	path := filepath.Join(t.TempDir(), "node")
	if leave, err := claim(t.Context(), path); err != nil {
		t.Errorf("what is not there: %v", err)
	} else {
		leave()
	}
	if err := os.Symlink(path, path); err != nil {
		t.Fatal(err)
	}
	if _, err := claim(t.Context(), path); !errors.Is(err, syscall.ELOOP) {
		t.Errorf("what cannot be told: %v", err)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	other, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	lock := func(how int) {
		if err := syscall.Flock(int(other.Fd()), how|syscall.LOCK_NB); err != nil {
			t.Fatal(err)
		}
	}
	synctest.Test(t, func(t *testing.T) {
		leave, err := claim(t.Context(), path)
		if err != nil {
			t.Fatal(err)
		}
		if err := syscall.Flock(int(other.Fd()), syscall.LOCK_SH|syscall.LOCK_NB); err != syscall.EWOULDBLOCK {
			t.Errorf("what is claimed can be locked: %v", err)
		}
		leave()
		lock(syscall.LOCK_EX)
		start := time.Now()
		if _, err := claim(t.Context(), path); !errors.Is(err, stream.ErrInUse) || time.Since(start) < rescanning || time.Since(start) >= probing {
			t.Errorf("what somebody writes to, after %v: %v", time.Since(start), err)
		}
		lock(syscall.LOCK_SH)
		if _, err := claim(t.Context(), path); !errors.Is(err, stream.ErrInUse) || time.Since(start) < probing {
			t.Errorf("after %v: %v", time.Since(start), err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), probing/2)
		defer cancel()
		if _, err := claim(ctx, path); !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
		for how, within := range map[int]time.Duration{syscall.LOCK_EX: rescanning, syscall.LOCK_SH: probing} {
			lock(how)
			go func() {
				time.Sleep(within / 2)
				lock(syscall.LOCK_UN)
			}()
			if leave, err = claim(t.Context(), path); err != nil {
				t.Fatal(err)
			}
			leave()
		}
	})
}

// TestRollbackClaims: nobody opens the volume while zfs rolls it back.
func TestRollbackClaims(t *testing.T) {
	v := volume(t, call{args: listAll, says: three + "0\t-\n"}, call{args: "rollback -r tank/v@a"})
	if err := os.MkdirAll(filepath.Dir(v.Path()), 0o700); err != nil {
		t.Fatal(err)
	}
	node, err := os.Create(v.Path())
	if err != nil {
		t.Fatal(err)
	}
	defer node.Close()
	run, seen := v.run, 0
	v.run = func(ctx context.Context, in io.Reader, out io.Writer, args ...string) error {
		if err := syscall.Flock(int(node.Fd()), syscall.LOCK_SH|syscall.LOCK_NB); err != syscall.EWOULDBLOCK {
			t.Errorf("zfs %s, and the volume can be locked: %v", args[0], err)
		}
		seen++
		return run(ctx, in, out, args...)
	}
	if err := v.Rollback(t.Context(), "a"); err != nil || seen != 2 {
		t.Errorf("%d commands, %v", seen, err)
	}
	if err := syscall.Flock(int(node.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		t.Errorf("it is locked still: %v", err)
	}
}
