package peer

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"time"
)

// A Process is a running child.
type Process struct {
	cmd  *exec.Cmd
	log  string // its output, a file
	done chan struct{}
	err  error // how it ended, once done is closed
	stop sync.Once
}

// start runs a program until Stop or Kill, with its output in dir.
func start(dir, name string, args ...string) (*Process, error) {
	return startWith(func(*exec.Cmd) {}, dir, name, args...)
}

// startWith is start for a command that prepare changes first.
func startWith(prepare func(*exec.Cmd), dir, name string, args ...string) (*Process, error) {
	path, err := find(name)
	if err != nil {
		return nil, err
	}
	log, err := os.CreateTemp(dir, filepath.Base(name)+"-*.log")
	if err != nil {
		return nil, err
	}
	defer log.Close()
	p := &Process{cmd: exec.Command(path, args...), log: log.Name(), done: make(chan struct{})}
	p.cmd.Stdout, p.cmd.Stderr = log, log
	p.cmd.SysProcAttr = dieWithUs()
	prepare(p.cmd)
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		p.err = p.cmd.Wait()
		close(p.done)
	}()
	return p, nil
}

// PID is the child's process number.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Log returns what the child has printed so far.
func (p *Process) Log() string {
	text, err := os.ReadFile(p.log)
	if err != nil {
		return err.Error()
	}
	return string(text)
}

// await waits until something listens on addr, the child ends, or time is up.
func (p *Process) await(addr string, limit time.Duration) error {
	deadline := time.Now().Add(limit)
	for {
		conn, err := net.DialTimeout("tcp", addr, time.Second)
		if err == nil {
			return conn.Close()
		}
		select {
		case <-p.done:
			return fmt.Errorf("%s ended before it listened on %s: %w\n%s", p.cmd.Path, addr, errOr(p.err, "status 0"), p.Log())
		case <-time.After(5 * time.Millisecond):
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("%s does not listen on %s after %v\n%s", p.cmd.Path, addr, limit, p.Log())
		}
	}
}

// Stop asks the child to end, makes it after five seconds, and waits until it has. A Ctrl-C
// that reached the child first is no error.
func (p *Process) Stop() error {
	p.stop.Do(func() {
		_ = p.cmd.Process.Signal(syscall.SIGTERM) // it may be gone already
		select {
		case <-p.done:
		case <-time.After(5 * time.Second):
			_ = p.cmd.Process.Kill()
		}
	})
	<-p.done
	if p.err != nil && !signalled(p.err, syscall.SIGTERM) && !signalled(p.err, syscall.SIGINT) {
		return fmt.Errorf("%s: %w\n%s", p.cmd.Path, p.err, p.Log())
	}
	return nil
}

// Kill ends the child as a power failure would: without a word.
func (p *Process) Kill() {
	p.stop.Do(func() { _ = p.cmd.Process.Kill() })
	<-p.done
}

// signalled reports whether a process ended by the signal.
func signalled(err error, sig syscall.Signal) bool {
	var exit *exec.ExitError
	if !errors.As(err, &exit) {
		return false
	}
	status, ok := exit.Sys().(syscall.WaitStatus)
	return ok && status.Signaled() && status.Signal() == sig
}

// Output runs a program to its end and returns what it wrote to either stream.
func Output(ctx context.Context, env []string, name string, args ...string) (string, error) {
	path, err := find(name)
	if err != nil {
		return "", err
	}
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Env = append(os.Environ(), env...)
	cmd.SysProcAttr = dieWithUs()
	cmd.WaitDelay = time.Second
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Run(); err != nil {
		if ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		return out.String(), fmt.Errorf("%s: %w", filepath.Base(name), err)
	}
	return out.String(), nil
}

// Missing is the error of a program that is not installed: the way to it is the package.
type Missing struct{ Program, Package string }

func (m Missing) Error() string {
	return fmt.Sprintf("%s is not installed: apt-get install %s", m.Program, m.Package)
}

// packages are the Debian packages that hold what we run.
var packages = map[string]string{
	"tgtd":               "tgt",
	"tgtadm":             "tgt",
	"istgt":              "istgt",
	"iscsi-test-cu":      "libiscsi-bin",
	"iscsi-ls":           "libiscsi-bin",
	"iscsi-perf":         "libiscsi-bin",
	"qemu-img":           "qemu-utils qemu-block-extra",
	"qemu-system-x86_64": "qemu-system-x86",
	"debootstrap":        "debootstrap",
	"cc":                 "gcc libc6-dev",
}

// find looks a program up; those of /usr/sbin too, which a user's PATH may lack.
func find(name string) (string, error) {
	path, err := exec.LookPath(name)
	if err != nil && filepath.Base(name) == name {
		path, err = exec.LookPath("/usr/sbin/" + name)
	}
	if err != nil {
		if pkg, known := packages[name]; known {
			return "", Missing{name, pkg}
		}
		return "", err
	}
	return path, nil
}

// Find reports whether programs are installed: nil, or a Missing.
func Find(names ...string) error {
	for _, name := range names {
		if _, err := find(name); err != nil {
			return err
		}
	}
	return nil
}

// FreePort finds a loopback port above 20000 that nobody listens on. It lies below the range
// that the kernel gives to outgoing connections, so that none of those takes it meanwhile.
func FreePort() (int, error) {
	for range 100 {
		port := 20000 + rand.IntN(12000)
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err == nil {
			return port, l.Close()
		}
	}
	return 0, errors.New("no free port among 100 tried between 20000 and 32000")
}

func errOr(err error, text string) error {
	if err == nil {
		return errors.New(text)
	}
	return err
}
