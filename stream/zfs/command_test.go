package zfs

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/lunarsan/lunar/stream"
)

// program is a shell script in the place of zfs.
func program(t *testing.T, text string) Command {
	t.Helper()
	name := filepath.Join(t.TempDir(), "zfs")
	if err := os.WriteFile(name, []byte("#!/bin/sh\n"+text), 0o700); err != nil {
		t.Fatal(err)
	}
	return Exec(name)
}

func TestExec(t *testing.T) {
	run := program(t, `
		cat
		echo "cannot destroy '$2':" >&2
		echo 'dataset is busy' >&2
		echo 'usage:' >&2
		echo 'a page of it' >&2
		echo "$LC_ALL"
		exit 3`)
	var out bytes.Buffer
	err := run(t.Context(), strings.NewReader("in\n"), &out, "destroy", "a b")
	var f *Failure
	if !errors.As(err, &f) || f.Status != 3 || f.Said != "cannot destroy 'a b': dataset is busy" {
		t.Errorf("%v", err)
	}
	if out.String() != "in\nC\n" {
		t.Errorf("it printed %q", out.String())
	}
	err = program(t, `head -c 1000000 /dev/zero | tr '\0' x >&2; exit 1`)(t.Context(), nil, nil, "list")
	if !errors.As(err, &f) || len(f.Said) != saidMost {
		t.Errorf("of a million bytes %d are kept", len(f.Said))
	}
	if err := Exec("/nonexistent/zfs")(t.Context(), nil, nil, "list"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no program: %v", err)
	}
}

// TestFind: where there is no search path, zfs is found all the same.
func TestFind(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	if _, err := os.Stat("/usr/sbin/chroot"); err != nil {
		t.Skip(err)
	}
	if got := find("chroot"); got != "/usr/sbin/chroot" {
		t.Error(got)
	}
	if got := find("no-such-program"); got != "no-such-program" {
		t.Error(got)
	}
}

// TestExecKills: what zfs started ends with it.
func TestExecKills(t *testing.T) {
	started := filepath.Join(t.TempDir(), "pid")
	run := program(t, fmt.Sprintf("sleep 1000 & echo $! >%[1]s.new; mv %[1]s.new %[1]s; wait", started))
	ctx, cancel := context.WithCancelCause(t.Context())
	why := errors.New("enough")
	ended := make(chan error)
	go func() { ended <- run(ctx, nil, nil, "receive") }()
	var pid int
	for {
		if text, err := os.ReadFile(started); err == nil {
			if _, err := fmt.Sscan(string(text), &pid); err != nil {
				t.Fatal(err)
			}
			break
		}
		time.Sleep(time.Millisecond)
	}
	cancel(why)
	if err := <-ended; !errors.Is(err, why) {
		t.Errorf("%v, want %v", err, why)
	}
	for end := time.Now().Add(5 * time.Second); ; time.Sleep(time.Millisecond) {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if syscall.Kill(pid, 0) != nil || err == nil && strings.Contains(string(text), ") Z ") {
			return // gone, or a zombie that nobody in this container waits for
		}
		if time.Now().After(end) {
			t.Fatalf("process %d goes on", pid)
		}
	}
}

func TestLines(t *testing.T) {
	var got [][]string
	pieces := []string{"a\tb", "\tc\n\nd", "", "\n"}
	w := &lineWriter{each: func(fields []string) error {
		got = append(got, fields)
		return nil
	}}
	for _, p := range pieces {
		if n, err := w.Write([]byte(p)); n != len(p) || err != nil {
			t.Fatal(n, err)
		}
	}
	if fmt.Sprintf("%q", got) != `[["a" "b" "c"] [""] ["d"]]` {
		t.Errorf("%q", got)
	}
}

func TestLinesRefuses(t *testing.T) {
	each := func([]string) error { return nil }
	if err := lines(t.Context(), script(t, call{args: "list", says: "half"}), each, "list"); err == nil {
		t.Error("a line without an end is read")
	}
	if err := lines(t.Context(), script(t, call{args: "list", says: strings.Repeat("x", lineMost+1)}), each, "list"); err == nil || len(err.Error()) > 300 {
		t.Errorf("an endless line: %v", err)
	}
	enough := errors.New("enough")
	if err := lines(t.Context(), script(t, call{args: "list", says: "a\nb\n"}), func([]string) error { return enough }, "list"); !errors.Is(err, enough) {
		t.Errorf("%v, want %v", err, enough)
	}
}

// TestKinds: what OpenZFS 2.1 says, and what that is to us.
func TestKinds(t *testing.T) {
	for said, want := range map[string]error{
		"cannot create snapshot 'tank/l/v@a': dataset already exists":                                                                       stream.ErrExists,
		"cannot create bookmark 'tank/l/v#a': bookmark exists":                                                                              stream.ErrExists,
		"cannot restore to tank/d/v@a: destination already exists":                                                                          stream.ErrExists,
		"cannot destroy snapshot tank/l/v@a: dataset is busy":                                                                               stream.ErrInUse,
		"cannot destroy 'tank/l/v@a': snapshot has dependent clones use '-R' to destroy the following datasets: tank/l/v-clone-c1":          stream.ErrCloned,
		"could not find any snapshots to destroy; check snapshot names.":                                                                    stream.ErrNoSnapshot,
		"cannot open 'tank/l/none': dataset does not exist":                                                                                 errMissing,
		"cannot open 'tank/s/v#bk2': no such pool or dataset":                                                                               errMissing,
		"bookmark 'tank/l/v#none' does not exist.":                                                                                          errMissing,
		"cannot create snapshots : permission denied":                                                                                       stream.ErrForbidden,
		"cannot receive new filesystem stream: destination 'tank/d/v' exists must specify -F to overwrite it":                               stream.ErrBase,
		"cannot receive incremental stream: most recent snapshot of tank/d/v does not match incremental source":                             stream.ErrBase,
		"cannot receive incremental stream: destination tank/d/v has been modified since most recent snapshot":                              stream.ErrChanged,
		"cannot receive new filesystem stream: destination tank/q/v space quota exceeded.":                                                  stream.ErrSpace,
		"cannot create 'tank/q/v2': out of space":                                                                                           stream.ErrSpace,
		"cannot receive new filesystem stream: checksum mismatch or incomplete stream. Partially received snapshot is saved.":               stream.ErrStream,
		"cannot resume send: 'tank/s/v@c' used in the initial send no longer exists":                                                        stream.ErrToken,
		"cannot resume send: resume token is corrupt (incorrect checksum)":                                                                  stream.ErrToken,
		"warning: cannot send 'tank/s/v@a': not an earlier snapshot from the same fs":                                                       errNotEarlier,
		"cannot receive incremental stream: destination tank/d/v contains partially-complete state from \"zfs receive -s\".":                nil,
		"cannot receive resume stream: kernel modules must be upgraded to receive this stream.":                                             nil,
		"cannot rollback to 'tank/l/v@a': more recent snapshots or bookmarks exist use '-r' to force deletion of the following: tank/l/v@b": nil,
	} {
		if got := kindOf(fmt.Errorf("around: %w", &Failure{Args: []string{"x"}, Said: said})); got != want {
			t.Errorf("%q is %v, want %v", said, got, want)
		}
	}
}
