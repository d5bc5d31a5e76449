package wire

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// An SSH says how a machine is reached over ssh. The system's ssh is run, with its configuration,
// its keys and its known hosts; each connection is one run of it.
type SSH struct {
	Program     string // "" is ssh, from $PATH
	Destination string // user@host
	Port        string // "" is what ssh's configuration says
	// Command is run there; a forced command takes its place. "" is lunar receive --stdio.
	Command string
}

// sshCommand is what is run over there where nothing else is said.
const sshCommand = "lunar receive --stdio"

// Dial runs ssh.
func (c SSH) Dial(ctx context.Context) (io.ReadWriteCloser, error) {
	if strings.HasPrefix(c.Destination, "-") || c.Destination == "" {
		return nil, fmt.Errorf("%q is no destination for ssh", c.Destination)
	}
	program, command := c.Program, c.Command
	if program == "" {
		program = "ssh"
	}
	if command == "" {
		command = sshCommand
	}
	args := []string{"-o", "BatchMode=yes", "-o", "ServerAliveInterval=10", "-T"}
	if c.Port != "" {
		args = append(args, "-p", c.Port)
	}
	// Its own end is Close, and not that of ctx, which is that of connecting.
	cmd := exec.Command(program, append(args, "--", c.Destination, command)...)
	conn := &sshConn{cmd: cmd}
	cmd.Stderr = &conn.said
	cmd.WaitDelay = sshEnd // a master that ssh leaves behind keeps standard error open
	var err error
	if conn.in, err = cmd.StdinPipe(); err != nil {
		return nil, fmt.Errorf("running ssh: %w", err)
	}
	if conn.out, err = cmd.StdoutPipe(); err != nil {
		return nil, fmt.Errorf("running ssh: %w", err)
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("running ssh: %w", err)
	}
	return conn, nil
}

// An sshConn is a run of ssh.
type sshConn struct {
	cmd    *exec.Cmd
	in     io.WriteCloser
	out    io.ReadCloser
	said   complaint
	heard  atomic.Bool // something came from over there
	closed sync.Once
}

func (c *sshConn) Write(p []byte) (int, error) {
	n, err := c.in.Write(p)
	return n, c.explain(err)
}

func (c *sshConn) Read(p []byte) (int, error) {
	n, err := c.out.Read(p)
	if n > 0 {
		c.heard.Store(true)
	}
	return n, c.explain(err)
}

// explain says, where ssh ends before anything came, what it had to say.
func (c *sshConn) explain(err error) error {
	if c.heard.Load() || !errors.Is(err, io.EOF) && !errors.Is(err, syscall.EPIPE) {
		return err
	}
	return fmt.Errorf("ssh ended: %s", c.said.wait())
}

// sshEnd is how long ssh is given to end by itself.
const sshEnd = 2 * time.Second

// Close ends ssh, and waits for it.
func (c *sshConn) Close() error {
	c.closed.Do(func() {
		late := time.AfterFunc(sshEnd, func() { _ = c.cmd.Process.Kill() }) // it may have ended
		defer late.Stop()
		_ = c.in.Close() // and that is its end
		_ = c.out.Close()
		_ = c.cmd.Wait() // how it ended is nothing to who has closed it
	})
	return nil
}

// A complaint is the beginning of what a program says on its standard error.
type complaint struct {
	mu sync.Mutex
	b  bytes.Buffer
}

const mostComplaint = 2 << 10 // bytes

func (c *complaint) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.b.Write(p[:min(len(p), mostComplaint-min(mostComplaint, c.b.Len()))])
	return len(p), nil
}

// wait returns what was said, in one line. Standard output may end a moment before it is.
func (c *complaint) wait() string {
	for range 20 {
		c.mu.Lock()
		said := strings.ReplaceAll(strings.TrimSpace(c.b.String()), "\n", "; ")
		c.mu.Unlock()
		if said != "" {
			return said
		}
		time.Sleep(10 * time.Millisecond)
	}
	return "it did not say why"
}
