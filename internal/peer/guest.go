package peer

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// A Guest is a virtual machine with Linux's own initiator, or one with OpenZFS. It is built once
// and kept in the user's cache folder until the scripts that build it change.
type Guest struct {
	scripts string // testdata/guest
	dir     string
}

// guestLimit is how long a script may take; the longest takes seven minutes on two cores.
const guestLimit = 25 * time.Minute

// NotHere says why the guest cannot be built on this machine.
type NotHere struct{ Reason string }

func (e NotHere) Error() string { return e.Reason }

// OpenGuest finds the guest that a script of scripts builds, or builds it, which takes minutes;
// what that prints goes to the file build.log beside it.
func OpenGuest(ctx context.Context, scripts, build string) (*Guest, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return nil, err
	}
	h := sha256.New()
	for _, name := range []string{build, "init"} {
		text, err := os.ReadFile(filepath.Join(scripts, name))
		if err != nil {
			return nil, err
		}
		h.Write(text)
	}
	all := filepath.Join(cache, "lunar", strings.Replace(build, "build", "guest", 1))
	g := &Guest{scripts: scripts, dir: filepath.Join(all, fmt.Sprintf("%x", h.Sum(nil)[:6]))}
	if _, err := os.Stat(filepath.Join(g.dir, ".ready")); err == nil {
		return g, nil
	}
	if err := os.RemoveAll(all); err != nil { // what earlier scripts built
		return nil, err
	}
	if err := os.MkdirAll(g.dir, 0o755); err != nil {
		return nil, err
	}
	out, err := Output(ctx, nil, filepath.Join(scripts, build), g.dir)
	if writeErr := os.WriteFile(filepath.Join(all, "build.log"), []byte(out), 0o644); writeErr != nil {
		return nil, writeErr
	}
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.ExitCode() == 77 {
		lines := strings.Split(strings.TrimSpace(out), "\n")
		return nil, NotHere{lines[len(lines)-1]}
	}
	if err != nil {
		return nil, fmt.Errorf("building the guest: %w\n%s", err, tail(out, 30))
	}
	return g, nil
}

// Run runs a script in the guest. Its checks' verdicts come back by name, in order; env is
// what the script is told. When the script asks for something (check.sh, ask), the function
// of that name runs.
func (g *Guest) Run(ctx context.Context, dir, script string, env map[string]string, asks map[string]func() error) ([]Result, error) {
	var text strings.Builder
	for name, value := range env {
		fmt.Fprintf(&text, "%s='%s'\n", name, value)
	}
	if err := os.WriteFile(filepath.Join(dir, "env"), []byte(text.String()), 0o600); err != nil {
		return nil, err
	}
	ctx, end := context.WithTimeoutCause(ctx, guestLimit, fmt.Errorf("the guest ran for more than %v", guestLimit))
	defer end()
	ctx, cancel := context.WithCancelCause(ctx)
	answered := make(chan struct{})
	go func() {
		defer close(answered)
		if err := answer(ctx, dir, asks); err != nil {
			cancel(err)
		}
	}()
	console, err := Output(ctx, nil, filepath.Join(g.scripts, "run"), g.dir, filepath.Join(g.scripts, script), dir)
	cancel(nil)
	<-answered
	if err == nil {
		err = ended(dir)
	}
	results, readErr := readResults(filepath.Join(dir, "results"), console)
	if err != nil {
		return results, fmt.Errorf("%s: %w\n%s", script, err, tail(console, 60))
	}
	return results, readErr
}

// ended reports how the script ended.
func ended(dir string) error {
	status, err := os.ReadFile(filepath.Join(dir, "status"))
	if err != nil {
		return errors.New("the guest ended in the middle of it")
	}
	if s := strings.TrimSpace(string(status)); s != "0" {
		return fmt.Errorf("it ended with status %s", s)
	}
	return nil
}

// answer does what the guest asks for, until ctx is done.
func answer(ctx context.Context, dir string, asks map[string]func() error) error {
	done := map[string]bool{}
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(50 * time.Millisecond):
		}
		for name, do := range asks {
			if _, err := os.Stat(filepath.Join(dir, "ask-"+name)); err != nil || done[name] {
				continue
			}
			done[name] = true
			if err := do(); err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			if err := os.WriteFile(filepath.Join(dir, "done-"+name), nil, 0o600); err != nil {
				return err
			}
		}
	}
}

// readResults reads lines "pass NAME", "FAIL NAME" and "note TEXT", which passes; the detail of a failure is what the
// console says from its own line to the next verdict.
func readResults(name, console string) (results []Result, err error) {
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	for line := range strings.Lines(string(text)) {
		word, check, ok := strings.Cut(strings.TrimSpace(line), " ")
		switch {
		case ok && word == "pass":
			results = append(results, Result{check, Pass, ""})
		case ok && word == "FAIL":
			_, detail, _ := strings.Cut(console, "FAIL "+check)
			detail, _, _ = strings.Cut(detail, "\npass ")
			results = append(results, Result{check, Fail, strings.TrimSpace(detail)})
		case ok && word == "note":
			results = append(results, Result{"note", Pass, check})
		default:
			return nil, fmt.Errorf("%s: %q is no verdict", name, line)
		}
	}
	return results, nil
}

// tail returns the last n lines.
func tail(text string, n int) string {
	lines := strings.Split(strings.TrimRight(text, "\n"), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}
