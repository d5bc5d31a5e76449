package wire

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"sync"
	"syscall"
	"time"
)

// ServeStdio serves a connection that is standard input and output, as ssh makes it: each one is
// a process of its own. The process that a session began with has it until it ends: it listens
// on a socket in folder, named after the session, and those that are run when the client comes
// back hand their connection over to it.
//
// It returns when the session is over, or when its client has not come back for the server's
// patience; where the session is another process's, when the connection ends. folder must be
// nobody else's to look into.
func (v *Server) ServeStdio(ctx context.Context, conn io.ReadWriteCloser, folder string, host Host) error {
	var first bytes.Buffer
	late := time.AfterFunc(greetingTime, func() { _ = conn.Close() })
	g, err := greeted(io.TeeReader(conn, &first), frameHello)
	late.Stop()
	if err != nil {
		return fmt.Errorf("greeting a client: %w", err)
	}
	replayed := &replay{conn, &first}
	path := filepath.Join(folder, g.Session.String()+".sock")
	if keeper, err := net.Dial("unix", path); err == nil {
		return splice(ctx, replayed, keeper.(*net.UnixConn))
	}
	if !g.New { // and nobody has it: the client is told
		return v.Serve(ctx, replayed, stdioClient, host)
	}
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return fmt.Errorf("keeping a session: %w", err)
	}
	_ = os.Remove(path) // of a process that was killed
	ln, err := net.Listen("unix", path)
	if err != nil {
		return fmt.Errorf("keeping a session: %w", err)
	}
	return v.keep(ctx, replayed, ln, g.Session, host)
}

// stdioClient is who clients are that ssh has let in: to the folder, all are one.
const stdioClient = "the client"

// keep serves a session's first connection, and those that are handed over, until it is over.
func (v *Server) keep(ctx context.Context, first io.ReadWriteCloser, ln net.Listener, id sessionID, host Host) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var all sync.WaitGroup
	var failed error
	all.Go(func() { failed = v.Serve(ctx, first, stdioClient, host) })
	all.Go(func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			all.Go(func() { _ = v.Serve(ctx, conn, stdioClient, host) }) // another may come
		}
	})
	over := v.over(ctx, id)
	<-over
	cancel()
	err := ln.Close()
	all.Wait()
	if !errors.Is(failed, errFrame) {
		failed = nil // cuts are what this is for
	}
	return errors.Join(failed, err)
}

// over is closed when a session has ended, or did not begin within the time for that.
func (v *Server) over(ctx context.Context, id sessionID) <-chan struct{} {
	out := make(chan struct{})
	go func() {
		defer close(out)
		tick := time.NewTicker(100 * time.Millisecond)
		defer tick.Stop()
		begun := time.Now()
		for h := (*hosted)(nil); h == nil && time.Since(begun) < greetingTime; {
			v.mu.Lock()
			h = v.sessions[id]
			v.mu.Unlock()
			if h != nil {
				select {
				case <-h.ctx.Done():
				case <-ctx.Done():
				}
				return
			}
			select {
			case <-tick.C:
			case <-ctx.Done():
				return
			}
		}
	}()
	return out
}

// splice passes bytes both ways until one side ends.
func splice(ctx context.Context, a io.ReadWriteCloser, b *net.UnixConn) error {
	var both sync.WaitGroup
	var once sync.Once
	end := func() { once.Do(func() { _ = a.Close(); _ = b.Close() }) } // either says no more
	defer context.AfterFunc(ctx, end)()
	both.Go(func() { defer end(); _, _ = io.Copy(b, a) })
	both.Go(func() { defer end(); _, _ = io.Copy(a, b) })
	both.Wait()
	return nil
}

// A replay is a connection whose beginning was read already.
type replay struct {
	io.ReadWriteCloser
	first *bytes.Buffer
}

func (r *replay) Read(p []byte) (int, error) {
	if r.first.Len() > 0 {
		return r.first.Read(p)
	}
	return r.ReadWriteCloser.Read(p)
}

// Stdio is standard input and output as a connection. Closing it ends a Read that waits, which is
// why both are taken from package os for good.
func Stdio() (io.ReadWriteCloser, error) {
	signal.Ignore(syscall.SIGPIPE, syscall.SIGHUP)
	for _, fd := range []int{syscall.Stdin, syscall.Stdout} {
		if err := syscall.SetNonblock(fd, true); err != nil {
			return nil, fmt.Errorf("preparing standard input and output: %w", err)
		}
	}
	return &stdio{os.NewFile(uintptr(syscall.Stdin), "standard input"), os.NewFile(uintptr(syscall.Stdout), "standard output")}, nil
}

type stdio struct{ in, out *os.File }

func (s *stdio) Read(p []byte) (int, error)  { return s.in.Read(p) }
func (s *stdio) Write(p []byte) (int, error) { return s.out.Write(p) }
func (s *stdio) Close() error                { return errors.Join(s.in.Close(), s.out.Close()) }
