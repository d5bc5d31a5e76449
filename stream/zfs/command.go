package zfs

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// A Command runs zfs with args. stdin and stdout may be nil. An error that zfs itself reports is
// a *Failure; when ctx ends, so does zfs, and the error is ctx's cause.
type Command func(ctx context.Context, stdin io.Reader, stdout io.Writer, args ...string) error

// A Failure is what zfs says when it fails.
type Failure struct {
	Args   []string
	Status int    // -1: a signal ended it
	Said   string // on standard error, its beginning, in one line
}

func (f *Failure) Error() string {
	if f.Said == "" {
		return fmt.Sprintf("zfs %s: it ended with status %d and said nothing", f.verb(), f.Status)
	}
	return fmt.Sprintf("zfs %s: %s", f.verb(), f.Said)
}

func (f *Failure) verb() string {
	if len(f.Args) == 0 {
		return ""
	}
	return f.Args[0]
}

const (
	// saidMost is how much of standard error is kept (bytes).
	saidMost = 4 << 10
	// pipesClose is how long what zfs has started may keep its pipes open once it has ended.
	pipesClose = 5 * time.Second
)

// Exec runs the program name ("zfs") in a process group of its own, which is killed when a
// command's context ends.
func Exec(name string) Command {
	return func(ctx context.Context, stdin io.Reader, stdout io.Writer, args ...string) error {
		said := &beginning{}
		cmd := exec.CommandContext(ctx, find(name), args...)
		cmd.Stdin, cmd.Stdout, cmd.Stderr = stdin, stdout, said
		cmd.Env = append(os.Environ(), "LC_ALL=C") // its words are read
		cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
		cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
		cmd.WaitDelay = pipesClose
		err := cmd.Run()
		var exit *exec.ExitError
		switch {
		case err == nil:
			return nil
		case ctx.Err() != nil:
			return fmt.Errorf("zfs %s: %w", strings.Join(args[:min(1, len(args))], ""), context.Cause(ctx))
		case errors.As(err, &exit):
			return &Failure{Args: args, Status: exit.ExitCode(), Said: said.String()}
		}
		return fmt.Errorf("running zfs, which volumes in ZFS need: %w", err)
	}
}

// find is the path of a program. The search path of accounts that are not root often lacks the
// folders where zfs is.
func find(name string) string {
	for _, folder := range []string{"", "/usr/sbin", "/sbin", "/usr/local/sbin"} {
		if path, err := exec.LookPath(filepath.Join(folder, name)); err == nil {
			return path
		}
	}
	return name // running it says that it is not there
}

// A beginning keeps the first bytes of what is written to it.
type beginning struct{ text []byte }

func (b *beginning) Write(p []byte) (int, error) {
	b.text = append(b.text, p[:min(len(p), saidMost-len(b.text))]...)
	return len(p), nil
}

// String is what was written in one line, without the usage that zfs adds to some of its errors.
func (b *beginning) String() string {
	text, _, _ := strings.Cut(string(b.text), "\nusage:\n")
	return strings.Join(strings.Fields(text), " ")
}

// lines calls each with the fields of every line that zfs prints for a script (-H): tabs between
// them. It keeps one line in memory.
func lines(ctx context.Context, run Command, each func(fields []string) error, args ...string) error {
	w := &lineWriter{each: each}
	if err := run(ctx, nil, w, args...); err != nil {
		if w.failed != nil { // the pipe broke for it
			return w.failed
		}
		return err
	}
	if w.failed == nil && len(w.rest) > 0 {
		return fmt.Errorf("zfs %s: its last line has no end: %.80q", args[0], w.rest)
	}
	return w.failed
}

// A lineWriter takes apart what is written to it.
type lineWriter struct {
	each   func([]string) error
	rest   []byte // of a line
	failed error
}

// lineMost is the longest line (bytes): a snapshot's with ten thousand clones.
const lineMost = 4 << 20

func (w *lineWriter) Write(p []byte) (int, error) {
	n := len(p)
	for w.failed == nil {
		line, rest, whole := bytes.Cut(p, []byte{'\n'})
		if !whole {
			if len(w.rest)+len(line) > lineMost {
				w.failed = fmt.Errorf("zfs prints a line of more than %d bytes: %.80q", lineMost, w.rest)
				break
			}
			w.rest = append(w.rest, line...)
			return n, nil
		}
		w.rest = append(w.rest, line...)
		w.failed = w.each(strings.Split(string(w.rest), "\t"))
		w.rest, p = w.rest[:0], rest
	}
	return 0, w.failed
}
